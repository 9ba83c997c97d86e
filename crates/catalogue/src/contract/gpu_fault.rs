//! Why GPUs are not measured.
use super::label_values;

label_values! {
    /// Why a GPU, or all of them, cannot be measured. Label `reason` of `gpu_collector_up` and `gpu_up`.
    pub enum GpuFault {
        /// There is no NVML library on this machine, which is normal without a GPU.
        LibraryMissing = "library_missing",
        /// The driver is not loaded.
        DriverNotLoaded = "driver_not_loaded",
        /// The driver was replaced by a version that does not match the library.
        VersionMismatch = "version_mismatch",
        /// There is a driver but no GPU.
        NoGpu = "no_gpu",
        /// The GPU fell off the bus.
        GpuLost = "gpu_lost",
        /// The GPU must be reset before it works again.
        ResetRequired = "reset_required",
        /// This user may not access the driver.
        NoPermission = "no_permission",
        /// The driver reported a timeout.
        Timeout = "timeout",
        /// A driver call did not return.
        Hang = "hang",
        /// The process that reads the GPUs has just been started.
        Starting = "starting",
        /// The process that reads the GPUs could not be started, or ended unexpectedly.
        HelperFailed = "helper_failed",
        /// Anything else.
        Unknown = "unknown",
    }
}

impl GpuFault {
    /// Whether a machine without working GPUs is normally in this state. The library can then be opened again later; after
    /// other faults only a new process is sure to reach the driver.
    pub fn is_normal(self) -> bool {
        matches!(self, Self::LibraryMissing | Self::DriverNotLoaded | Self::NoGpu)
    }

    /// What is wrong and what to do about it, as the end of a sentence.
    pub fn advice(self) -> &'static str {
        match self {
            Self::LibraryMissing => "no NVIDIA driver is installed, or the container lacks its libnvidia-ml.so.1",
            Self::DriverNotLoaded => "load the NVIDIA driver",
            Self::VersionMismatch => "finish the update of the NVIDIA driver, or restart the machine",
            Self::NoGpu => "the driver finds no GPU; a container must be given access to GPUs",
            Self::GpuLost => "a GPU fell off the bus; check the kernel log for XID errors",
            Self::ResetRequired => "a GPU must be reset (nvidia-smi --gpu-reset)",
            Self::NoPermission => "permission denied; check the permissions of /dev/nvidia*",
            Self::Timeout => "the driver does not respond in time; check the kernel log",
            Self::Hang => "a driver call does not return; check the kernel log",
            Self::Starting => "still starting",
            Self::HelperFailed => "the process that reads the GPUs failed; check the companion's log",
            Self::Unknown => "the driver reports an unknown error; check the companion's log",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_fault_has_its_own_advice() {
        let advice: BTreeSet<&str> = GpuFault::ALL.iter().map(|fault| fault.advice()).collect();
        assert_eq!(advice.len(), GpuFault::ALL.len());
    }

    #[test]
    fn the_collectors_metric_lists_every_fault() {
        let up = crate::GPU_METRICS.iter().find(|metric| metric.name == "gpu_collector_up").expect("a metric");
        let listed: Vec<&str> = up.meaning.split([' ', ',', '.']).collect();
        for fault in GpuFault::ALL {
            assert!(listed.contains(&fault.id()), "{fault:?}");
        }
    }
}
