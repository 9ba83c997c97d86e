//! Collectors: what this process measures itself, written as metrics pages.
mod cgroup;
mod gpus;
mod host;
mod own;
mod page;

pub use gpus::{GpuSettings, Gpus, HelperArgs, run_helper};
pub use host::{Host, Roots};
pub use own::own_page;
