//! The performance monitors (GPM) of GPUs from Hopper on.
use crate::answers::{Handle, NOT_SUPPORTED, SUCCESS, answer};
use crate::behaviour::Behaviour;
use nvml_wrapper_sys::bindings::{nvmlDevice_t, nvmlGpmMetricsGet_t, nvmlGpmSample_t, nvmlGpmSupport_t, nvmlReturn_t};
use std::ffi::c_uint;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The number of samples that are allocated and not freed.
static SAMPLES: AtomicUsize = AtomicUsize::new(0);

/// The largest number of samples that a collector of 64 GPUs and their MIG devices needs; more means that it leaks.
const MAX_SAMPLES: usize = 2000;

#[unsafe(no_mangle)]
extern "C" fn nvmlGpmQueryDeviceSupport(device: nvmlDevice_t, into: *mut nvmlGpmSupport_t) -> nvmlReturn_t {
    let supported = c_uint::from(Behaviour::current().get("monitors").is_some());
    answer("nvmlGpmQueryDeviceSupport", Some(device), into, || nvmlGpmSupport_t {
        version: 1,
        isSupportedDevice: supported,
    })
}

#[unsafe(no_mangle)]
extern "C" fn nvmlGpmSampleAlloc(into: *mut nvmlGpmSample_t) -> nvmlReturn_t {
    const MEMORY: nvmlReturn_t = 20;
    if SAMPLES.fetch_add(1, Ordering::Relaxed) > MAX_SAMPLES {
        return MEMORY;
    }
    answer("nvmlGpmSampleAlloc", None, into, || 1_usize as nvmlGpmSample_t)
}

#[unsafe(no_mangle)]
extern "C" fn nvmlGpmSampleFree(_sample: nvmlGpmSample_t) -> nvmlReturn_t {
    SAMPLES.fetch_sub(1, Ordering::Relaxed);
    SUCCESS
}

#[unsafe(no_mangle)]
extern "C" fn nvmlGpmSampleGet(device: nvmlDevice_t, _sample: nvmlGpmSample_t) -> nvmlReturn_t {
    Behaviour::current().failure("nvmlGpmSampleGet", Some(Handle::of(device).gpu)).unwrap_or(SUCCESS)
}

#[unsafe(no_mangle)]
extern "C" fn nvmlGpmMigSampleGet(device: nvmlDevice_t, instance: c_uint, _sample: nvmlGpmSample_t) -> nvmlReturn_t {
    const INVALID_ARGUMENT: nvmlReturn_t = 2;
    let mig_devices = Behaviour::current().number(&format!("mig.{}", Handle::of(device).gpu)).unwrap_or(0);
    // The fake numbers instances from one.
    if (1..=mig_devices).contains(&instance) { SUCCESS } else { INVALID_ARGUMENT }
}

#[unsafe(no_mangle)]
extern "C" fn nvmlDeviceGetGpuInstanceId(device: nvmlDevice_t, into: *mut c_uint) -> nvmlReturn_t {
    match Handle::of(device).mig {
        None => NOT_SUPPORTED,
        Some(mig) => answer("nvmlDeviceGetGpuInstanceId", Some(device), into, || mig + 1),
    }
}

#[unsafe(no_mangle)]
extern "C" fn nvmlGpmMetricsGet(into: *mut nvmlGpmMetricsGet_t) -> nvmlReturn_t {
    // SAFETY: by NVML's contract, callers pass a valid request to fill in.
    let request = unsafe { &mut *into };
    for metric in request.metrics.iter_mut().take(request.numMetrics as usize) {
        // Percent for engines, multiprocessors, their occupancy and tensor cores; MiB per second for PCIe.
        let value = match metric.metricId {
            1 => Some(40.0),
            2 => Some(30.0),
            3 => Some(20.0),
            5 => Some(10.0),
            20 | 21 => Some(8.0),
            _ => None,
        };
        metric.nvmlReturn = if value.is_some() { SUCCESS } else { NOT_SUPPORTED };
        metric.value = value.unwrap_or(f64::NAN);
    }
    SUCCESS
}
