//! Sources of families other than scrapes: this machine, its GPUs, Kubernetes, hosted platforms and the companion itself.
pub mod cgroup;
pub mod families;
pub mod gpus;
pub mod host;
pub mod huggingface;
pub mod kubernetes;
pub mod own;
