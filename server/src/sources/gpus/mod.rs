//! The machine's GPUs. A call into the driver may never return, so a helper, a process of its own, makes them: it can be
//! given up and another started, and nothing else waits.
pub mod helper;
pub mod supervise;

use catalogue::contract::GpuFault;
use exposition::Family;
use nvml::fault_families;
use parking_lot::Mutex;
use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

/// 1 while GPUs are measured; the label `reason` says why they are not.
const COLLECTOR_UP: &str = "gpu_collector_up";

/// How GPUs are measured.
#[derive(Clone, Debug)]
pub struct GpuSettings {
    /// NVML: a path, or a name for the system's loader.
    pub library: OsString,
    /// From sample to sample; several make the means and peaks of one scrape.
    pub sample_interval: Duration,
}

/// The families of the machine's GPUs, shared by all that read them.
#[derive(Clone, Debug)]
pub struct Gpus(Arc<Mutex<Arc<[Family]>>>);

impl Default for Gpus {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(fault_families(GpuFault::Starting).into())))
    }
}

impl Gpus {
    /// The families of the last sample.
    pub fn families(&self) -> Arc<[Family]> {
        Arc::clone(&self.0.lock())
    }

    fn set(&self, families: Vec<Family>) {
        *self.0.lock() = families.into();
    }
}

/// Why families contain no GPUs; none if they do.
fn fault_of(families: &[Family]) -> Option<GpuFault> {
    let up = families.iter().find(|family| family.name == COLLECTOR_UP)?.samples.first()?;
    let (_, reason) = up.labels.iter().find(|(name, _)| name == "reason")?;
    Some(GpuFault::from_id(reason).unwrap_or(GpuFault::Unknown))
}
