//! Maps NVML's errors to the faults of the contract.
use catalogue::contract::GpuFault;
use nvml_wrapper::error::NvmlError;

/// The fault for an error. Sources: `nvmlReturn_t` in NVML's reference, and the wrapper's own errors.
pub(crate) fn fault_of(error: &NvmlError) -> GpuFault {
    match error {
        NvmlError::LibloadingError(_) | NvmlError::LibraryNotFound => GpuFault::LibraryMissing,
        NvmlError::DriverNotLoaded | NvmlError::Uninitialized => GpuFault::DriverNotLoaded,
        NvmlError::LibRmVersionMismatch => GpuFault::VersionMismatch,
        NvmlError::GpuLost => GpuFault::GpuLost,
        NvmlError::ResetRequired => GpuFault::ResetRequired,
        NvmlError::NoPermission | NvmlError::OperatingSystem => GpuFault::NoPermission,
        NvmlError::Timeout => GpuFault::Timeout,
        _ => GpuFault::Unknown,
    }
}

/// Whether no call for the GPU can succeed while this fault lasts.
pub(crate) fn affects_whole_gpu(fault: GpuFault) -> bool {
    match fault {
        GpuFault::GpuLost | GpuFault::ResetRequired | GpuFault::DriverNotLoaded | GpuFault::VersionMismatch => true,
        GpuFault::LibraryMissing
        | GpuFault::NoGpu
        | GpuFault::NoPermission
        | GpuFault::Timeout
        | GpuFault::Hang
        | GpuFault::Starting
        | GpuFault::HelperFailed
        | GpuFault::Unknown => false,
    }
}
