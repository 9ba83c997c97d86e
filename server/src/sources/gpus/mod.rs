//! The host's GPUs, sampled by a helper process: if a call into the driver never returns, only the helper hangs.
pub mod helper;
pub mod supervise;

use catalogue::contract::GpuFault;
use exposition::Family;
use nvml::fault_families;
use parking_lot::Mutex;
use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

/// 1 while GPUs are measured. Otherwise the label `reason` contains the fault.
const COLLECTOR_UP: &str = "gpu_collector_up";

/// How GPUs are measured.
#[derive(Clone, Debug)]
pub struct GpuSettings {
    /// Path of the NVML library, or its name for the dynamic loader.
    pub library: OsString,
    /// The time between samples. A scrape has the means and peaks of several samples.
    pub sample_interval: Duration,
}

/// The current families of the host's GPUs, shared between the supervisor and their readers.
#[derive(Clone, Debug)]
pub struct Gpus(Arc<Mutex<Arc<[Family]>>>);

impl Default for Gpus {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(fault_families(GpuFault::Starting).into())))
    }
}

impl Gpus {
    /// The current families.
    pub fn families(&self) -> Arc<[Family]> {
        Arc::clone(&self.0.lock())
    }

    fn set(&self, families: Vec<Family>) {
        *self.0.lock() = families.into();
    }
}

/// The fault that the families report; none if they contain GPUs.
fn fault_of(families: &[Family]) -> Option<GpuFault> {
    let up = families.iter().find(|family| family.name == COLLECTOR_UP)?.samples.first()?;
    let (_, reason) = up.labels.iter().find(|(name, _)| name == "reason")?;
    Some(GpuFault::from_id(reason).unwrap_or(GpuFault::Unknown))
}
