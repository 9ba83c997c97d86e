//! Collectors: what this process measures itself, written as metrics pages.
pub mod cgroup;
pub mod discovery;
pub mod gpus;
pub mod host;
pub mod huggingface;
pub mod kubernetes;
pub mod own;
pub mod page;
