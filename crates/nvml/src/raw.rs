//! Two calls that the wrapper cannot make: field values with a scope, and the instance of a MIG device.
use nvml_wrapper::Device;
use nvml_wrapper::error::{NvmlError, nvml_sym, nvml_try};
use nvml_wrapper::sys_exports::field_id;
use nvml_wrapper_sys::bindings::{
    nvmlFieldValue_t, nvmlValue_t, nvmlValueType_enum_NVML_VALUE_TYPE_UNSIGNED_INT as UNSIGNED_INT,
    nvmlValueType_enum_NVML_VALUE_TYPE_UNSIGNED_LONG as UNSIGNED_LONG,
    nvmlValueType_enum_NVML_VALUE_TYPE_UNSIGNED_LONG_LONG as UNSIGNED_LONG_LONG,
};

/// The scope of all links together (`nvml.h` at `NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_TX`).
const ALL_LINKS: u32 = u32::MAX;

/// The largest number of links of a GPU (`NVML_NVLINK_MAX_LINKS`).
const MAX_LINKS: u32 = 18;

/// Bytes over all NVLinks of a GPU since the driver was loaded.
pub(crate) struct NvlinkBytes {
    pub(crate) received: u64,
    pub(crate) sent: u64,
}

/// Reads the NVLink counters of a GPU.
///
/// # Errors
/// If the GPU has no NVLink or does not count.
pub(crate) fn nvlink_bytes(device: &Device<'_>) -> Result<NvlinkBytes, NvmlError> {
    let all = [
        (field_id::NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_RX, ALL_LINKS),
        (field_id::NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_TX, ALL_LINKS),
    ];
    if let [Some(received_kib), Some(sent_kib)] = field_values(device, &all)?[..] {
        let (received, sent) = (received_kib.saturating_mul(1024), sent_kib.saturating_mul(1024));
        return Ok(NvlinkBytes { received, sent });
    }
    // Newer GPUs count each link, in bytes.
    let sum = |field| -> Result<u64, NvmlError> {
        let links: Vec<_> = (0..MAX_LINKS).map(|link| (field, link)).collect();
        field_values(device, &links)?.into_iter().flatten().reduce(u64::saturating_add).ok_or(NvmlError::NotSupported)
    };
    let (received, sent) =
        (field_id::NVML_FI_DEV_NVLINK_COUNT_RCV_BYTES, field_id::NVML_FI_DEV_NVLINK_COUNT_XMIT_BYTES);
    Ok(NvlinkBytes { received: sum(received)?, sent: sum(sent)? })
}

/// The ID of a MIG device's GPU instance, for the performance monitors.
///
/// # Errors
/// If it is not a MIG device.
#[expect(unsafe_code, reason = "the wrapper has no such call")]
pub(crate) fn gpu_instance(mig_device: &Device<'_>) -> Result<u32, NvmlError> {
    let call = nvml_sym(mig_device.nvml().lib().nvmlDeviceGetGpuInstanceId.as_ref())?;
    let mut instance = 0;
    // SAFETY: the handle is alive as long as the library that `mig_device` borrows, and NVML writes one number.
    nvml_try(unsafe { call(mig_device.handle(), &mut instance) })?;
    Ok(instance)
}

/// The values of fields, each with its scope; none if the GPU does not report it.
#[expect(unsafe_code, reason = "the wrapper's own call leaves the scope at zero, which is the first link")]
fn field_values(device: &Device<'_>, fields: &[(u32, u32)]) -> Result<Vec<Option<u64>>, NvmlError> {
    let call = nvml_sym(device.nvml().lib().nvmlDeviceGetFieldValues.as_ref())?;
    let empty = nvmlFieldValue_t {
        fieldId: 0,
        scopeId: 0,
        timestamp: 0,
        latencyUsec: 0,
        valueType: 0,
        nvmlReturn: 0,
        value: nvmlValue_t { ullVal: 0 },
    };
    let mut values: Vec<nvmlFieldValue_t> =
        fields.iter().map(|(field, scope)| nvmlFieldValue_t { fieldId: *field, scopeId: *scope, ..empty }).collect();
    // SAFETY: the handle is alive as long as the library that `device` borrows, and NVML writes to the `fields.len()`
    // values that the pointer gives and nowhere else.
    nvml_try(unsafe { call(device.handle(), values.len() as i32, values.as_mut_ptr()) })?;
    let read = |value: &nvmlFieldValue_t| {
        nvml_try(value.nvmlReturn).ok()?;
        match value.valueType {
            // SAFETY: NVML set the member that the type names; all members are plain numbers.
            UNSIGNED_INT => Some(u64::from(unsafe { value.value.uiVal })),
            // SAFETY: as above.
            UNSIGNED_LONG | UNSIGNED_LONG_LONG => Some(unsafe { value.value.ullVal }),
            _ => None,
        }
    };
    Ok(values.iter().map(read).collect())
}
