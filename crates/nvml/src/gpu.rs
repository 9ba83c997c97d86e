//! Reads the fields of one GPU.
use crate::metric::{
    CLOCK, CLOCK_HELD, CLOCK_MAX, DECODER, ECC_ERRORS, ENCODER, ENERGY, FAN, MEMORY_FREE, MEMORY_RESERVED,
    MEMORY_TOTAL, MEMORY_USED, MEMORY_UTILIZATION, NVLINK_RECEIVED, NVLINK_SENT, PCIE_RECEIVED, PCIE_REPLAYS,
    PCIE_SENT, POWER, POWER_LIMIT, PROCESS_MEMORY, REMAPPED_ROWS, TEMPERATURE, TEMPERATURE_SLOWDOWN, UTILIZATION,
};
use crate::raw::{NvlinkBytes, nvlink_bytes};
use crate::recorder::Recorder;
use nvml_wrapper::Device;
use nvml_wrapper::enum_wrappers::device::{
    Clock, EccCounter, MemoryError, PcieUtilCounter, TemperatureSensor, TemperatureThreshold,
};
use nvml_wrapper::enums::device::{SampleValue, UsedGpuMemory};
use nvml_wrapper::error::{Bits, NvmlError};
use nvml_wrapper::structs::device::FieldId;
use nvml_wrapper::sys_exports::field_id;

/// Reasons why clocks are held down, by bit (`nvmlClocksEventReasons*` in `nvml.h`). An idle GPU and clocks locked by the
/// user are not problems, so they are omitted.
const CLOCK_HOLD_REASONS: [(&str, u64); 6] = [
    ("application_setting", 0x2),
    ("power_cap", 0x4),
    ("hardware_slowdown", 0x8),
    ("sync_boost", 0x10),
    ("thermal", 0x20 | 0x40),
    ("power_brake", 0x80),
];

const CLOCKS: [(&str, Clock); 4] =
    [("sm", Clock::SM), ("memory", Clock::Memory), ("graphics", Clock::Graphics), ("video", Clock::Video)];

const MEGAHERTZ: f64 = 1e6;
const MILLI: f64 = 1e-3;

/// Records the memory of a GPU or MIG device.
pub(crate) fn record_memory(device: &Device<'_>, recorder: &mut Recorder<'_>) {
    if let Some(memory) = recorder.check(device.memory_info()) {
        for (metric, bytes) in [
            (&MEMORY_USED, memory.used),
            (&MEMORY_FREE, memory.free),
            (&MEMORY_TOTAL, memory.total),
            (&MEMORY_RESERVED, memory.reserved),
        ] {
            recorder.record_u64(metric, &[], Ok(bytes), 1.0);
        }
    }
}

/// Records the processes that hold memory on a GPU or MIG device. A GPU that is split would repeat those of its MIG devices.
pub(crate) fn record_processes(device: &Device<'_>, recorder: &mut Recorder<'_>) {
    for process in recorder.check(device.running_compute_processes()).unwrap_or_default() {
        let UsedGpuMemory::Used(bytes) = process.used_gpu_memory else { continue };
        let name = device.nvml().sys_process_name(process.pid, 256).unwrap_or_default();
        let labels = [("pid", process.pid.to_string()), ("process", program(&name).to_owned())];
        recorder.record_u64(&PROCESS_MEMORY, &labels.each_ref().map(|(name, value)| (*name, &**value)), Ok(bytes), 1.0);
    }
}

/// The program in a command line from `/proc` or the driver: the last part of its path.
pub fn program(command: &str) -> &str {
    let path = command.split('\0').next().unwrap_or_default();
    // A path ends at a space; a title such as `sglang::scheduler TP0` may contain one.
    let path = if path.starts_with('/') { path.split(' ').next().unwrap_or_default() } else { path };
    if path.starts_with('/') { path.rsplit('/').next().unwrap_or_default() } else { path }
}

/// Records what only a whole GPU reports. `has_pcie` says whether PCIe traffic is already recorded.
pub(crate) fn record_gpu(device: &Device<'_>, has_pcie: bool, recorder: &mut Recorder<'_>) {
    let utilization = recorder.check(device.utilization_rates());
    recorder.record_percent(&UTILIZATION, utilization.as_ref().map(|rates| rates.gpu));
    recorder.record_percent(&MEMORY_UTILIZATION, utilization.as_ref().map(|rates| rates.memory));
    for (metric, result) in [(&ENCODER, device.encoder_utilization()), (&DECODER, device.decoder_utilization())] {
        let percent = recorder.check(result).map(|info| info.utilization);
        recorder.record_percent(metric, percent);
    }
    recorder.record_u32(&POWER, &[], device.power_usage(), MILLI);
    recorder.record_u32(&POWER_LIMIT, &[], device.enforced_power_limit(), MILLI);
    recorder.record_u64(&ENERGY, &[], device.total_energy_consumption(), MILLI);
    recorder.record_u32(&TEMPERATURE, &[("sensor", "gpu")], device.temperature(TemperatureSensor::Gpu), 1.0);
    recorder.record_u32(&TEMPERATURE_SLOWDOWN, &[], device.temperature_threshold(TemperatureThreshold::Slowdown), 1.0);
    let fan = recorder.check(device.fan_speed(0));
    recorder.record_percent(&FAN, fan);
    for (name, clock) in CLOCKS {
        recorder.record_u32(&CLOCK, &[("clock", name)], device.clock_info(clock), MEGAHERTZ);
        recorder.record_u32(&CLOCK_MAX, &[("clock", name)], device.max_clock_info(clock), MEGAHERTZ);
    }
    let held = match device.current_throttle_reasons_strict() {
        Ok(reasons) => Ok(reasons.bits()),
        // The wrapper has no names for some bits.
        Err(NvmlError::IncorrectBits(Bits::U64(bits))) => Ok(bits),
        Err(error) => Err(error),
    };
    if let Some(held) = recorder.check(held) {
        for (reason, bits) in CLOCK_HOLD_REASONS {
            recorder.record(&CLOCK_HELD, &[("reason", reason)], Some(f64::from(u8::from(held & bits != 0))));
        }
    }
    if !has_pcie {
        // In kB/s. Each of these calls takes the driver 20 ms.
        recorder.record_u32(&PCIE_RECEIVED, &[], device.pcie_throughput(PcieUtilCounter::Receive), 1000.0);
        recorder.record_u32(&PCIE_SENT, &[], device.pcie_throughput(PcieUtilCounter::Send), 1000.0);
    }
    recorder.record_u32(&PCIE_REPLAYS, &[], device.pcie_replay_counter(), 1.0);
    if let Some(NvlinkBytes { received, sent }) = recorder.check(nvlink_bytes(device)) {
        recorder.record_u64(&NVLINK_RECEIVED, &[], Ok(received), 1.0);
        recorder.record_u64(&NVLINK_SENT, &[], Ok(sent), 1.0);
    }
    for (name, error) in [("corrected", MemoryError::Corrected), ("uncorrected", MemoryError::Uncorrected)] {
        recorder.record_u64(&ECC_ERRORS, &[("type", name)], device.total_ecc_errors(error, EccCounter::Volatile), 1.0);
    }
    record_fields(device, recorder);
}

/// Records the values that have no call of their own.
fn record_fields(device: &Device<'_>, recorder: &mut Recorder<'_>) {
    let fields = [
        (&TEMPERATURE, ("sensor", "memory"), field_id::NVML_FI_DEV_MEMORY_TEMP),
        (&REMAPPED_ROWS, ("type", "corrected"), field_id::NVML_FI_DEV_REMAPPED_COR),
        (&REMAPPED_ROWS, ("type", "uncorrected"), field_id::NVML_FI_DEV_REMAPPED_UNC),
    ];
    let ids = fields.map(|(_, _, field)| FieldId(field));
    let values = recorder.check(device.field_values_for(&ids)).unwrap_or_default();
    for ((metric, label, _), value) in fields.into_iter().zip(values) {
        let value = value.and_then(|sample| sample.value).map(|value| match value {
            SampleValue::U32(value) if value == u32::MAX => u64::MAX,
            SampleValue::U32(value) => u64::from(value),
            SampleValue::U64(value) => value,
            SampleValue::I64(value) => u64::try_from(value).unwrap_or(u64::MAX),
            SampleValue::F64(value) => value as u64,
        });
        recorder.record_u64(metric, &[label], value, 1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::program;

    #[test]
    fn a_process_is_named_after_its_program() {
        for (command, expected) in [
            ("/usr/bin/python3 -m vllm.entrypoints", "python3"),
            ("VLLM::EngineCore", "VLLM::EngineCore"),
            ("sglang::scheduler TP0", "sglang::scheduler TP0"),
            ("[Not Found]", "[Not Found]"),
            ("", ""),
        ] {
            assert_eq!(program(command), expected);
        }
    }
}
