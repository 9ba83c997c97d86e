//! Why cards are not measured: a closed list.
use nvml_wrapper::error::NvmlError;
use std::fmt;

/// Why a card, or all of them, cannot be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is no NVML on this machine, which is normal where there is no card.
    LibraryMissing,
    /// The driver is not loaded.
    DriverNotLoaded,
    /// The driver was replaced by one that the library does not fit.
    VersionMismatch,
    /// There is a driver and no card.
    NoGpu,
    /// The card fell off the bus.
    GpuLost,
    /// The card must be reset before it works again.
    ResetRequired,
    /// This user may not ask the driver.
    NoPermission,
    /// The driver did not answer in its own time.
    Timeout,
    /// A call did not return.
    Hang,
    /// The process that asks the driver has just been started.
    Starting,
    /// The process that asks the driver cannot be started, or ended unexpectedly.
    HelperFailed,
    /// Anything else.
    Unknown,
}

impl Fault {
    /// All there are.
    pub const ALL: [Self; 12] = [
        Self::LibraryMissing,
        Self::DriverNotLoaded,
        Self::VersionMismatch,
        Self::NoGpu,
        Self::GpuLost,
        Self::ResetRequired,
        Self::NoPermission,
        Self::Timeout,
        Self::Hang,
        Self::Starting,
        Self::HelperFailed,
        Self::Unknown,
    ];

    /// The word for it in the label `reason`.
    pub fn reason(self) -> &'static str {
        match self {
            Self::LibraryMissing => "library_missing",
            Self::DriverNotLoaded => "driver_not_loaded",
            Self::VersionMismatch => "version_mismatch",
            Self::NoGpu => "no_gpu",
            Self::GpuLost => "gpu_lost",
            Self::ResetRequired => "reset_required",
            Self::NoPermission => "no_permission",
            Self::Timeout => "timeout",
            Self::Hang => "hang",
            Self::Starting => "starting",
            Self::HelperFailed => "helper_failed",
            Self::Unknown => "unknown",
        }
    }

    /// Whether it is how a machine without working cards normally is. The library can then simply be opened again later;
    /// after other faults only a new process is sure to meet the driver afresh.
    pub fn is_normal(self) -> bool {
        matches!(self, Self::LibraryMissing | Self::DriverNotLoaded | Self::NoGpu)
    }

    /// Whether nothing that is asked of the card can be answered while this lasts.
    pub(crate) fn takes_the_card(self) -> bool {
        matches!(self, Self::GpuLost | Self::ResetRequired | Self::DriverNotLoaded | Self::VersionMismatch)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LibraryMissing => "there is no NVIDIA library (libnvidia-ml.so.1) on this machine",
            Self::DriverNotLoaded => "the NVIDIA driver is not loaded",
            Self::VersionMismatch => "the NVIDIA library does not fit the driver: finish its update, or restart",
            Self::NoGpu => "the NVIDIA driver knows no GPU",
            Self::GpuLost => "the GPU fell off the bus: look for XID errors in the kernel's log",
            Self::ResetRequired => "the GPU must be reset: nvidia-smi --gpu-reset",
            Self::NoPermission => "this user may not ask the NVIDIA driver: check /dev/nvidia*",
            Self::Timeout => "the NVIDIA driver did not answer in time",
            Self::Hang => "a call to the NVIDIA driver did not return",
            Self::Starting => "the GPUs have not been asked yet",
            Self::HelperFailed => "the process that asks the NVIDIA driver failed",
            Self::Unknown => "the NVIDIA driver reports an unknown error",
        })
    }
}

impl From<&NvmlError> for Fault {
    /// Sources: `nvmlReturn_t` in NVML's reference, and the wrapper's own errors.
    fn from(error: &NvmlError) -> Self {
        match error {
            NvmlError::LibloadingError(_) | NvmlError::LibraryNotFound => Self::LibraryMissing,
            NvmlError::DriverNotLoaded | NvmlError::Uninitialized => Self::DriverNotLoaded,
            NvmlError::LibRmVersionMismatch => Self::VersionMismatch,
            NvmlError::GpuLost => Self::GpuLost,
            NvmlError::ResetRequired => Self::ResetRequired,
            NvmlError::NoPermission | NvmlError::OperatingSystem => Self::NoPermission,
            NvmlError::Timeout => Self::Timeout,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_lists_every_reason() {
        let up = catalogue::GPU_METRICS.iter().find(|metric| metric.name == "gpu_collector_up").expect("a metric");
        let listed: Vec<&str> = up.meaning.split([' ', ',', '.']).collect();
        for fault in Fault::ALL {
            assert!(listed.contains(&fault.reason()), "{fault}");
        }
    }
}
