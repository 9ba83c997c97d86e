//! Collectors: what this process measures itself, written as metrics pages.
mod cgroup;
mod gpus;
mod host;
mod own;
mod page;

pub(crate) use cgroup::Cgroup;
pub use gpus::{GpuSettings, Gpus, HelperArgs, run_helper};
pub use host::{Host, Roots};
pub(crate) use host::{TICKS_PER_SECOND, read as read_file};
pub use own::own_page;
