//! The NVML functions that the collector calls, with the signatures of `nvml.h`.
use crate::answers::{Handle, NOT_SUPPORTED, SUCCESS, answer, or_sentinel, text};
use crate::behaviour::Behaviour;
use nvml_wrapper_sys::bindings::{
    nvmlDevice_t, nvmlEventData_t, nvmlEventSet_t, nvmlFieldValue_t, nvmlMemory_v2_t, nvmlPciInfo_t, nvmlProcessInfo_t,
    nvmlReturn_t, nvmlUtilization_t,
};
use std::ffi::{c_char, c_int, c_uint, c_ulonglong};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

const GIB: u64 = 1 << 30;
const TIMEOUT: nvmlReturn_t = 10;
const INSUFFICIENT_SIZE: nvmlReturn_t = 7;

#[unsafe(no_mangle)]
extern "C" fn nvmlInit_v2() -> nvmlReturn_t {
    let behaviour = Behaviour::read();
    behaviour.failure("nvmlInit_v2", None).or(behaviour.number("init")).unwrap_or(SUCCESS)
}

#[unsafe(no_mangle)]
extern "C" fn nvmlShutdown() -> nvmlReturn_t {
    SUCCESS
}

#[unsafe(no_mangle)]
extern "C" fn nvmlSystemGetDriverVersion(into: *mut c_char, length: c_uint) -> nvmlReturn_t {
    text("nvmlSystemGetDriverVersion", None, into, length, "590.48.01")
}

#[unsafe(no_mangle)]
extern "C" fn nvmlSystemGetCudaDriverVersion_v2(into: *mut c_int) -> nvmlReturn_t {
    answer("nvmlSystemGetCudaDriverVersion_v2", None, into, || 13_010)
}

#[unsafe(no_mangle)]
extern "C" fn nvmlSystemGetProcessName(pid: c_uint, into: *mut c_char, length: c_uint) -> nvmlReturn_t {
    let command = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default().replace('\0', " ");
    text("nvmlSystemGetProcessName", None, into, length, &command)
}

#[unsafe(no_mangle)]
extern "C" fn nvmlDeviceGetCount_v2(into: *mut c_uint) -> nvmlReturn_t {
    let behaviour = Behaviour::read();
    answer("nvmlDeviceGetCount_v2", None, into, || behaviour.number("gpus").unwrap_or(1))
}

#[unsafe(no_mangle)]
extern "C" fn nvmlDeviceGetHandleByIndex_v2(index: c_uint, into: *mut nvmlDevice_t) -> nvmlReturn_t {
    let device = Handle { gpu: index, mig: None }.device();
    answer("nvmlDeviceGetHandleByIndex_v2", Some(device), into, || device)
}

#[unsafe(no_mangle)]
extern "C" fn nvmlDeviceGetUUID(device: nvmlDevice_t, into: *mut c_char, length: c_uint) -> nvmlReturn_t {
    let uuid = match Handle::of(device) {
        Handle { gpu, mig: None } => format!("GPU-{gpu:08}"),
        Handle { gpu, mig: Some(mig) } => format!("MIG-{gpu:04}-{mig:04}"),
    };
    text("nvmlDeviceGetUUID", Some(device), into, length, &uuid)
}

#[unsafe(no_mangle)]
extern "C" fn nvmlDeviceGetName(device: nvmlDevice_t, into: *mut c_char, length: c_uint) -> nvmlReturn_t {
    let suffix = if Handle::of(device).mig.is_some() { " MIG 1g.10gb" } else { "" };
    text("nvmlDeviceGetName", Some(device), into, length, &format!("NVIDIA \"Fake\" H100{suffix}"))
}

#[unsafe(no_mangle)]
extern "C" fn nvmlDeviceGetSerial(device: nvmlDevice_t, into: *mut c_char, length: c_uint) -> nvmlReturn_t {
    text("nvmlDeviceGetSerial", Some(device), into, length, "1650000000000")
}

#[unsafe(no_mangle)]
extern "C" fn nvmlDeviceGetPciInfo_v3(device: nvmlDevice_t, into: *mut nvmlPciInfo_t) -> nvmlReturn_t {
    answer("nvmlDeviceGetPciInfo_v3", Some(device), into, || {
        let mut info = nvmlPciInfo_t {
            busIdLegacy: [0; 16],
            domain: 0,
            bus: 1,
            device: 0,
            pciDeviceId: 0x2330_10de,
            pciSubSystemId: 0,
            busId: [0; 32],
        };
        let id = format!("00000000:{:02X}:00.0", Handle::of(device).gpu + 1);
        info.busId.iter_mut().zip(id.bytes()).for_each(|(place, byte)| *place = byte as c_char);
        info
    })
}

#[unsafe(no_mangle)]
extern "C" fn nvmlDeviceGetUtilizationRates(device: nvmlDevice_t, into: *mut nvmlUtilization_t) -> nvmlReturn_t {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let behaviour = Behaviour::current();
    if behaviour.get(&format!("mig.{}", Handle::of(device).gpu)).is_some() {
        return NOT_SUPPORTED;
    }
    let percents: Vec<u32> =
        behaviour.get("utilization").unwrap_or("50").split(',').filter_map(|percent| percent.parse().ok()).collect();
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    let gpu = percents.get(call % percents.len().max(1)).copied().unwrap_or(50);
    answer("nvmlDeviceGetUtilizationRates", Some(device), into, || nvmlUtilization_t {
        gpu: or_sentinel(gpu),
        memory: or_sentinel(25),
    })
}

#[unsafe(no_mangle)]
extern "C" fn nvmlDeviceGetMemoryInfo_v2(device: nvmlDevice_t, into: *mut nvmlMemory_v2_t) -> nvmlReturn_t {
    let total = if Handle::of(device).mig.is_some() { 10 * GIB } else { 80 * GIB };
    let value = |value| if or_sentinel(0) == 0 { value } else { u64::MAX };
    answer("nvmlDeviceGetMemoryInfo_v2", Some(device), into, || nvmlMemory_v2_t {
        version: 2,
        total: value(total),
        reserved: value(GIB),
        free: value(total / 2 - GIB),
        used: value(total / 2),
    })
}

#[unsafe(no_mangle)]
extern "C" fn nvmlDeviceGetComputeRunningProcesses_v3(
    device: nvmlDevice_t,
    count: *mut c_uint,
    into: *mut nvmlProcessInfo_t,
) -> nvmlReturn_t {
    let Handle { gpu, mig } = Handle::of(device);
    let behaviour = Behaviour::current();
    if let Some(code) = behaviour.failure("nvmlDeviceGetComputeRunningProcesses_v3", Some(gpu)) {
        return code;
    }
    let listed = behaviour.get(&format!("processes.{gpu}")).filter(|_| mig.unwrap_or(0) == 0).unwrap_or_default();
    let processes = listed.split(',').filter_map(|process| {
        let (pid, bytes) = process.split_once(':')?;
        Some((pid.parse().ok()?, bytes.parse().ok()?))
    });
    let processes: Vec<(u32, u64)> = processes.collect();
    // SAFETY: by NVML's contract, `into` has room for `count` entries.
    unsafe {
        let capacity = count.read() as usize;
        count.write(processes.len() as c_uint);
        if capacity < processes.len() {
            return INSUFFICIENT_SIZE;
        }
        for (at, (pid, bytes)) in processes.into_iter().enumerate() {
            let info =
                nvmlProcessInfo_t { pid, usedGpuMemory: bytes, gpuInstanceId: u32::MAX, computeInstanceId: u32::MAX };
            into.add(at).write(info);
        }
    }
    SUCCESS
}

/// Functions that return one number about a GPU.
macro_rules! numbers {
    ($($name:ident($($argument:ident: $kind:ty),*) -> $type:ty { $value:expr })*) => {
        $(
            #[unsafe(no_mangle)]
            extern "C" fn $name(device: nvmlDevice_t, $($argument: $kind,)* into: *mut $type) -> nvmlReturn_t {
                answer(stringify!($name), Some(device), into, || $value)
            }
        )*
    };
}

numbers! {
    nvmlDeviceGetPowerUsage() -> c_uint { or_sentinel(350_000) }
    nvmlDeviceGetEnforcedPowerLimit() -> c_uint { or_sentinel(700_000) }
    nvmlDeviceGetTotalEnergyConsumption() -> c_ulonglong { 5_000_000 }
    nvmlDeviceGetTemperature(_sensor: c_uint) -> c_uint { or_sentinel(60) }
    nvmlDeviceGetTemperatureThreshold(_threshold: c_uint) -> c_uint { or_sentinel(90) }
    nvmlDeviceGetFanSpeed_v2(_fan: c_uint) -> c_uint { or_sentinel(40) }
    nvmlDeviceGetClockInfo(clock: c_uint) -> c_uint { or_sentinel(1000 + clock) }
    nvmlDeviceGetMaxClockInfo(clock: c_uint) -> c_uint { or_sentinel(2000 + clock) }
    nvmlDeviceGetPcieThroughput(counter: c_uint) -> c_uint { or_sentinel(100 + counter) }
    nvmlDeviceGetPcieReplayCounter() -> c_uint { or_sentinel(3) }
    nvmlDeviceGetCurrentClocksThrottleReasons() -> c_ulonglong { 0x4 | 0x40 }
    nvmlDeviceGetTotalEccErrors(kind: c_uint, _counter: c_uint) -> c_ulonglong { 7 + u64::from(kind) }
    nvmlDeviceGetMaxMigDeviceCount() -> c_uint { 7 }
}

/// Utilization of the video units, and the period over which it is measured.
macro_rules! video {
    ($($name:ident $percent:literal)*) => {
        $(
            #[unsafe(no_mangle)]
            extern "C" fn $name(device: nvmlDevice_t, into: *mut c_uint, period: *mut c_uint) -> nvmlReturn_t {
                answer(stringify!($name), Some(device), period, || 167_000).max(
                    answer(stringify!($name), Some(device), into, || or_sentinel($percent)))
            }
        )*
    };
}

video! {
    nvmlDeviceGetEncoderUtilization 5
    nvmlDeviceGetDecoderUtilization 6
}

#[unsafe(no_mangle)]
extern "C" fn nvmlDeviceGetMigMode(device: nvmlDevice_t, into: *mut c_uint, pending: *mut c_uint) -> nvmlReturn_t {
    let is_split = Behaviour::current().get(&format!("mig.{}", Handle::of(device).gpu)).is_some();
    let mode = || c_uint::from(is_split);
    answer("nvmlDeviceGetMigMode", Some(device), pending, mode).max(answer(
        "nvmlDeviceGetMigMode",
        Some(device),
        into,
        mode,
    ))
}

#[unsafe(no_mangle)]
extern "C" fn nvmlDeviceGetMigDeviceHandleByIndex(
    device: nvmlDevice_t,
    index: c_uint,
    into: *mut nvmlDevice_t,
) -> nvmlReturn_t {
    const NOT_FOUND: nvmlReturn_t = 6;
    let gpu = Handle::of(device).gpu;
    if index >= Behaviour::current().number(&format!("mig.{gpu}")).unwrap_or(0) {
        return NOT_FOUND;
    }
    let mig_device = Handle { gpu, mig: Some(index) }.device();
    answer("nvmlDeviceGetMigDeviceHandleByIndex", Some(device), into, || mig_device)
}

#[unsafe(no_mangle)]
extern "C" fn nvmlDeviceGetFieldValues(
    device: nvmlDevice_t,
    count: c_int,
    values: *mut nvmlFieldValue_t,
) -> nvmlReturn_t {
    const UNSIGNED_LONG_LONG: c_uint = 3;
    if let Some(code) = Behaviour::current().failure("nvmlDeviceGetFieldValues", Some(Handle::of(device).gpu)) {
        return code;
    }
    // SAFETY: by NVML's contract, `values` has `count` entries.
    let values = unsafe { std::slice::from_raw_parts_mut(values, count.max(0) as usize) };
    for value in values {
        let (code, number) = match (value.fieldId, value.scopeId) {
            // Memory temperature; NVLink bytes sent and received on all links; remapped rows.
            (82, _) => (SUCCESS, 70),
            (138, u32::MAX) => (SUCCESS, 2),
            (139, u32::MAX) => (SUCCESS, 1),
            (142 | 143, _) => (SUCCESS, 0),
            _ => (NOT_SUPPORTED, 0),
        };
        value.nvmlReturn = code;
        value.valueType = UNSIGNED_LONG_LONG;
        value.value.ullVal = if or_sentinel(0) == 0 { number } else { u64::MAX };
    }
    SUCCESS
}

#[unsafe(no_mangle)]
extern "C" fn nvmlEventSetCreate(into: *mut nvmlEventSet_t) -> nvmlReturn_t {
    static SETS: AtomicUsize = AtomicUsize::new(0);
    answer("nvmlEventSetCreate", None, into, || (SETS.fetch_add(1, Ordering::Relaxed) + 1) as nvmlEventSet_t)
}

/// A registration for events; each event set belongs to one GPU.
struct Subscription {
    set: usize,
    device: usize,
    /// Whether its XID error has been reported.
    is_reported: bool,
}

static SUBSCRIPTIONS: Mutex<Vec<Subscription>> = Mutex::new(Vec::new());

#[unsafe(no_mangle)]
extern "C" fn nvmlDeviceRegisterEvents(device: nvmlDevice_t, _types: c_ulonglong, set: nvmlEventSet_t) -> nvmlReturn_t {
    let subscription = Subscription { set: set as usize, device: device as usize, is_reported: false };
    SUBSCRIPTIONS.lock().expect("a lock").push(subscription);
    SUCCESS
}

#[unsafe(no_mangle)]
extern "C" fn nvmlEventSetFree(set: nvmlEventSet_t) -> nvmlReturn_t {
    SUBSCRIPTIONS.lock().expect("a lock").retain(|subscription| subscription.set != set as usize);
    SUCCESS
}

#[unsafe(no_mangle)]
extern "C" fn nvmlEventSetWait_v2(
    set: nvmlEventSet_t,
    into: *mut nvmlEventData_t,
    _timeout_ms: c_uint,
) -> nvmlReturn_t {
    const XID: c_ulonglong = 8;
    let mut subscriptions = SUBSCRIPTIONS.lock().expect("a lock");
    let Some(subscription) = subscriptions.iter_mut().find(|subscription| subscription.set == set as usize) else {
        return TIMEOUT;
    };
    let device = subscription.device as nvmlDevice_t;
    let xid = Behaviour::current().number(&format!("xid.{}", Handle::of(device).gpu));
    let Some(xid) = xid.filter(|_| !std::mem::replace(&mut subscription.is_reported, true)) else { return TIMEOUT };
    let data =
        nvmlEventData_t { device, eventType: XID, eventData: xid.into(), gpuInstanceId: 0, computeInstanceId: 0 };
    answer("nvmlEventSetWait_v2", Some(device), into, || data)
}
