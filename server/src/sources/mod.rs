//! Sources of families other than scrapes: the host, its GPUs, Kubernetes, Hugging Face and the companion itself.
pub mod cgroup;
pub mod families;
pub mod gpus;
pub mod host;
pub mod huggingface;
pub mod kubernetes;
pub mod own;
