//! Handles, and writing answers where callers want them.
use crate::behaviour::Behaviour;
use nvml_wrapper_sys::bindings::{nvmlDevice_t, nvmlReturn_t};
use std::ffi::{c_char, c_uint};

pub(crate) const SUCCESS: nvmlReturn_t = 0;
pub(crate) const NOT_SUPPORTED: nvmlReturn_t = 3;

/// A card or one of its slices, as a handle: one more than the index, and above 16 bits one more than the slice's.
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

/// Writes `value` unless the call is to fail.
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
    // SAFETY: NVML's contract: callers give a place to write to.
    unsafe { into.write(value()) };
    SUCCESS
}

/// Writes a text and its end within `length` bytes.
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
    let kept = text.len().min((length as usize).saturating_sub(1));
    // SAFETY: NVML's contract: callers give `length` bytes.
    unsafe {
        into.copy_from(text.as_ptr().cast(), kept);
        into.add(kept).write(0);
    }
    SUCCESS
}

/// `value`, or what stands for none where the file wants that.
pub(crate) fn or_none(value: u32) -> u32 {
    if Behaviour::current().get("sentinels").is_some() { u32::MAX } else { value }
}
