//! NVIDIA's cards as a metrics page: NVML is read into samples, and samples of an interval into means and peaks.
//!
//! The names are those of [`catalogue::GPU_METRICS`]. What a card or driver does not tell is left out, never zero, and a
//! field that fails costs no other.
mod card;
mod collector;
mod fault;
mod identity;
mod metric;
mod probe;
mod profile;
mod raw;
mod window;

pub use card::program;
pub use collector::{Collector, LastXids, open};
pub use metric::Reading;
pub use nvml_wrapper::Nvml;
pub use window::Window;

use catalogue::contract::GpuFault;

/// The page of a collector that does not measure, with the reason why.
pub fn fault_page(fault: GpuFault) -> String {
    window::up_page(Some(fault))
}
