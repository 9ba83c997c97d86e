//! The machine's GPUs. A call into the driver may never return, so a helper, a process of its own, makes them: it can be
//! given up and another started, and nothing else waits.
pub mod helper;
pub mod supervise;

use catalogue::contract::GpuFault;
use exposition::{Encoding, Family, write};
use nvml::fault_families;
use std::ffi::OsString;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How GPUs are measured.
#[derive(Clone, Debug)]
pub struct GpuSettings {
    /// NVML: a path, or a name for the system's loader.
    pub library: OsString,
    /// From sample to sample; several make the means and peaks of one scrape.
    pub sample_interval: Duration,
}

/// What is known of the machine's GPUs, shared by whoever reads it.
#[derive(Clone, Debug)]
pub struct Gpus(Arc<Mutex<Result<String, GpuFault>>>);

impl Default for Gpus {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Err(GpuFault::Starting))))
    }
}

impl Gpus {
    /// The GPUs as a metrics page.
    pub fn page(&self) -> String {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .unwrap_or_else(|fault| text(&fault_families(fault)))
    }

    fn set(&self, page: Result<String, GpuFault>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = page;
    }
}

/// The families as Prometheus text, which is what the helper process sends.
fn text(families: &[Family]) -> String {
    let mut text = String::new();
    write(families, Encoding::TEXT, &mut text);
    text
}
