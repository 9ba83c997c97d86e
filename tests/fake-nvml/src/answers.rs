//! Device handles, and results that are written through the pointers of callers.
use crate::behaviour::Behaviour;
use nvml_wrapper_sys::bindings::{nvmlDevice_t, nvmlReturn_t};
use std::ffi::{c_char, c_uint};

pub(crate) const SUCCESS: nvmlReturn_t = 0;
pub(crate) const NOT_SUPPORTED: nvmlReturn_t = 3;

/// A GPU or MIG device. Its handle is the GPU's index plus one; the upper bits are the MIG device's index plus one.
#[derive(Clone, Copy)]
pub(crate) struct Handle {
    pub(crate) gpu: u32,
    pub(crate) mig: Option<u32>,
}

impl Handle {
    pub(crate) fn of(device: nvmlDevice_t) -> Self {
        let number = device as usize as u32;
        Self { gpu: (number & 0xffff) - 1, mig: (number >> 16).checked_sub(1) }
    }

    pub(crate) fn device(self) -> nvmlDevice_t {
        let mig = self.mig.map_or(0, |mig| mig + 1);
        (((mig << 16) | (self.gpu + 1)) as usize) as nvmlDevice_t
    }
}

/// Writes `value`, unless the call is configured to fail.
pub(crate) fn answer<T>(
    function: &str,
    device: Option<nvmlDevice_t>,
    into: *mut T,
    value: impl FnOnce() -> T,
) -> nvmlReturn_t {
    let gpu = device.map(|device| Handle::of(device).gpu);
    if let Some(code) = Behaviour::current().failure(function, gpu) {
        return code;
    }
    // SAFETY: by NVML's contract, callers pass a valid pointer.
    unsafe { into.write(value()) };
    SUCCESS
}

/// Writes a NUL-terminated text of at most `length` bytes, unless the call is configured to fail.
pub(crate) fn text(
    function: &str,
    device: Option<nvmlDevice_t>,
    into: *mut c_char,
    length: c_uint,
    text: &str,
) -> nvmlReturn_t {
    let gpu = device.map(|device| Handle::of(device).gpu);
    if let Some(code) = Behaviour::current().failure(function, gpu) {
        return code;
    }
    let written = text.len().min((length as usize).saturating_sub(1));
    // SAFETY: by NVML's contract, callers pass a buffer of `length` bytes.
    unsafe {
        into.copy_from(text.as_ptr().cast(), written);
        into.add(written).write(0);
    }
    SUCCESS
}

/// `value`, or NVML's sentinel for a missing value if `sentinels` is set.
pub(crate) fn or_sentinel(value: u32) -> u32 {
    if Behaviour::current().get("sentinels").is_some() { u32::MAX } else { value }
}
