//! Reads NVIDIA GPUs through NVML, and aggregates the samples of an interval into families of means and peaks.
//!
//! The metric names are those of [`catalogue::GPU_METRICS`]. A value that a GPU or driver does not report is omitted, never
//! zero, and a field that fails does not affect others.
mod collector;
mod fault;
mod gpm;
mod gpu;
mod identity;
mod metric;
mod raw;
mod recorder;
mod window;

pub use collector::{Collector, GpuSample, LastXids, open};
pub use gpu::program;
pub use identity::Labels;
pub use metric::Reading;
pub use nvml_wrapper::Nvml;
pub use window::{Window, fault_families};
