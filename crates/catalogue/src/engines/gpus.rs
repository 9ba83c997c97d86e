//! GPUs: the companion's own collector, NVIDIA's DCGM exporter, and nvidia_gpu_exporter.
use crate::recipe::{avg, max, rate, raw, sum, sum_by};
use crate::{Engine, Layer, Signature, VersionLabel};

/// A metric of the companion's GPU collector, labelled `gpu` (index), `uuid` and `name`. It is sampled more often than
/// scraped: a gauge is the mean over the interval, and its sibling that ends in `_max` the largest sample.
#[derive(Debug)]
pub struct GpuMetric {
    /// Its name; units are base units.
    pub name: &'static str,
    /// `gauge` or `counter`.
    pub kind: &'static str,
    /// What it measures, and its further labels.
    pub meaning: &'static str,
}

/// Every metric of the companion's GPU collector. A value that a card or driver does not report is left out, never zero.
pub const GPU_METRICS: &[GpuMetric] = &[
    gauge(
        "gpu_collector_up",
        "1 without labels while GPUs are measured, otherwise 0 with a `reason`: library_missing, driver_not_loaded, \
         version_mismatch, no_gpu, gpu_lost, reset_required, no_permission, timeout, hang, starting, helper_failed, \
         unknown.",
    ),
    gauge("gpu_up", "1 for a GPU that responds; 0 for one that does not, with a `reason` as above."),
    gauge("gpu_info", "Always 1; also labelled `driver_version`, `cuda_version`, `pci_bus`, `serial`."),
    gauge("gpu_utilization_ratio", "Share of time in which a kernel ran; absent on cards that are split by MIG."),
    gauge("gpu_utilization_ratio_max", "The largest sample of it in the interval."),
    gauge("gpu_memory_utilization_ratio", "Share of time in which the memory was read or written."),
    gauge("gpu_memory_utilization_ratio_max", "The largest sample of it in the interval."),
    gauge("gpu_encoder_utilization_ratio", "Share of time in which the video encoder worked."),
    gauge("gpu_decoder_utilization_ratio", "Share of time in which the video decoder worked."),
    gauge(
        "gpu_engine_active_ratio",
        "Share of time in which any engine worked; also for MIG slices, which have `mig`.",
    ),
    gauge("gpu_sm_active_ratio", "Share of multiprocessors that had work, over time."),
    gauge("gpu_sm_occupancy_ratio", "Share of the warps that multiprocessors can hold, over time."),
    gauge("gpu_tensor_active_ratio", "Share of time in which the tensor cores worked."),
    gauge("gpu_memory_used_bytes", "Memory in use; MIG slices have `mig` and are included in their card's."),
    gauge("gpu_memory_used_bytes_max", "The largest sample of it in the interval."),
    gauge("gpu_memory_free_bytes", "Free memory; MIG slices have `mig`."),
    gauge("gpu_memory_total_bytes", "Total memory; MIG slices have `mig`."),
    gauge("gpu_memory_reserved_bytes", "Memory reserved by the driver."),
    gauge("gpu_process_memory_bytes", "Memory held by a process; also labelled `pid` and `process`."),
    gauge("gpu_power_watts", "Power drawn."),
    gauge("gpu_power_watts_max", "The largest sample of it in the interval."),
    gauge("gpu_power_limit_watts", "Power limit in effect."),
    counter("gpu_energy_joules_total", "Energy used since the driver was loaded."),
    gauge("gpu_temperature_celsius", "Temperature, by `sensor`: gpu or memory."),
    gauge("gpu_temperature_celsius_max", "The largest sample of it in the interval."),
    gauge("gpu_temperature_slowdown_celsius", "Temperature at which the card slows down."),
    gauge("gpu_fan_speed_ratio", "Speed of the first fan as a share of its maximum; absent on cards without fans."),
    gauge("gpu_clock_hertz", "Clock, by `clock`: sm, memory, graphics or video."),
    gauge("gpu_clock_max_hertz", "Maximum clock, by `clock`."),
    gauge(
        "gpu_clock_held",
        "Share of the interval in which clocks were throttled, by `reason`: power_cap, thermal, hardware_slowdown, \
         power_brake, sync_boost, application_setting.",
    ),
    gauge("gpu_pcie_received_bytes_per_second", "Traffic from the host, as sampled by the driver."),
    gauge("gpu_pcie_received_bytes_per_second_max", "The largest sample of it in the interval."),
    gauge("gpu_pcie_sent_bytes_per_second", "Traffic to the host, as sampled by the driver."),
    gauge("gpu_pcie_sent_bytes_per_second_max", "The largest sample of it in the interval."),
    counter("gpu_pcie_replays_total", "PCIe transfers that were repeated."),
    counter("gpu_nvlink_received_bytes_total", "Bytes received over NVLink, all links together."),
    counter("gpu_nvlink_sent_bytes_total", "Bytes sent over NVLink, all links together."),
    counter("gpu_ecc_errors_total", "Memory errors since the driver was loaded, by `type`: corrected or uncorrected."),
    gauge("gpu_remapped_rows", "Memory rows that were remapped, by `type`: corrected or uncorrected."),
    gauge("gpu_last_xid", "Number of the last XID error; absent before the first."),
];

const fn gauge(name: &'static str, meaning: &'static str) -> GpuMetric {
    GpuMetric { name, kind: "gauge", meaning }
}

const fn counter(name: &'static str, meaning: &'static str) -> GpuMetric {
    GpuMetric { name, kind: "counter", meaning }
}

pub(super) const NVML: Engine = Engine {
    id: "nvml",
    title: "NVML",
    layer: Layer::Machine,
    signatures: &[Signature::Prefix("gpu_info"), Signature::Name("gpu_utilization_ratio")],
    version: Some(VersionLabel { metric: "gpu_info", label: "driver_version" }),
    source: "https://docs.nvidia.com/deploy/nvml-api/",
    is_captured: false,
    recipes: &[
        avg("gpu/average", &["gpu_utilization_ratio"]),
        max("gpu/busiest", &["gpu_utilization_ratio_max", "gpu_utilization_ratio"]),
        avg("gpu/engine active", &["gpu_engine_active_ratio"]),
        sum("gpu-memory/in use", &["gpu_memory_used_bytes{mig=\"\"}"]),
        sum("gpu-memory/capacity", &["gpu_memory_total_bytes{mig=\"\"}"]),
        avg("gpu-activity/memory", &["gpu_memory_utilization_ratio"]),
        avg("gpu-activity/SM", &["gpu_sm_active_ratio"]),
        avg("gpu-activity/SM occupancy", &["gpu_sm_occupancy_ratio"]),
        avg("gpu-activity/tensor cores", &["gpu_tensor_active_ratio"]),
        sum_by("gpu-processes", &["gpu_process_memory_bytes"], "process"),
        sum("gpu-power/drawn", &["gpu_power_watts"]),
        sum("gpu-power/limit", &["gpu_power_limit_watts"]),
        rate("gpu-energy/mean", &["gpu_energy_joules_total"]),
        max(
            "gpu-temperature/hottest GPU",
            &["gpu_temperature_celsius_max{sensor=\"gpu\"}", "gpu_temperature_celsius{sensor=\"gpu\"}"],
        ),
        max(
            "gpu-temperature/hottest memory",
            &["gpu_temperature_celsius_max{sensor=\"memory\"}", "gpu_temperature_celsius{sensor=\"memory\"}"],
        ),
        avg("gpu-temperature/slowdown", &["gpu_temperature_slowdown_celsius"]),
        avg("gpu-clocks/SM", &["gpu_clock_hertz{clock=\"sm\"}"]),
        avg("gpu-clocks/memory", &["gpu_clock_hertz{clock=\"memory\"}"]),
        sum_by("gpu-throttling", &["gpu_clock_held"], "reason"),
        sum("gpu-pcie/received", &["gpu_pcie_received_bytes_per_second"]),
        sum("gpu-pcie/sent", &["gpu_pcie_sent_bytes_per_second"]),
        rate("gpu-nvlink/received", &["gpu_nvlink_received_bytes_total"]),
        rate("gpu-nvlink/sent", &["gpu_nvlink_sent_bytes_total"]),
        sum("gpu-errors/corrected", &["gpu_ecc_errors_total{type=\"corrected\"}"]),
        sum("gpu-errors/uncorrected", &["gpu_ecc_errors_total{type=\"uncorrected\"}"]),
        sum("gpu-errors/rows remapped, corrected", &["gpu_remapped_rows{type=\"corrected\"}"]),
        sum("gpu-errors/rows remapped, uncorrected", &["gpu_remapped_rows{type=\"uncorrected\"}"]),
        sum("gpu-errors/PCIe replays", &["gpu_pcie_replays_total"]),
        max("gpu-errors/last XID", &["gpu_last_xid"]),
    ],
    ..Engine::PLAIN
};

/// DCGM writes numbers near 2^63 for unknown values.
const KNOWN: &str = "< 9e18";
const MIB: f64 = 1_048_576.0;

/// What identifies a card: a metrics page repeats its values for each pod and each MIG slice on it.
const CARD: &[&str] = &["instance", "gpu", "UUID"];
/// What identifies a MIG slice, or a card without any.
const SLICE: &[&str] = &["instance", "gpu", "UUID", "GPU_I_ID"];

pub(super) const DCGM: Engine = Engine {
    id: "dcgm",
    title: "DCGM",
    layer: Layer::Machine,
    signatures: &[Signature::Prefix("DCGM_FI_")],
    version: Some(VersionLabel { metric: "DCGM_FI_*", label: "DCGM_FI_DRIVER_VERSION" }),
    source: "https://github.com/NVIDIA/dcgm-exporter",
    recipes: &[
        avg("gpu/average", &["DCGM_FI_DEV_GPU_UTIL"]).scale(0.01).valid(KNOWN).once_by(CARD),
        max("gpu/busiest", &["DCGM_FI_DEV_GPU_UTIL"]).scale(0.01).valid(KNOWN).once_by(CARD),
        avg("gpu/engine active", &["DCGM_FI_PROF_GR_ENGINE_ACTIVE"]).valid(KNOWN).once_by(SLICE),
        sum("gpu-memory/in use", &["DCGM_FI_DEV_FB_USED"]).scale(MIB).valid(KNOWN).once_by(SLICE),
        sum("gpu-memory/capacity", &["DCGM_FI_DEV_FB_TOTAL"]).scale(MIB).valid(KNOWN).once_by(SLICE),
        raw(
            "gpu-memory/capacity",
            "sum$by ($once((DCGM_FI_DEV_FB_USED{$scope} < 9e18) + (DCGM_FI_DEV_FB_FREE{$scope} < 9e18))) * 1048576",
            &["DCGM_FI_DEV_FB_USED", "DCGM_FI_DEV_FB_FREE"],
        )
        .once_by(SLICE),
        avg("gpu-activity/memory", &["DCGM_FI_PROF_DRAM_ACTIVE"]).valid(KNOWN).once_by(SLICE),
        avg("gpu-activity/memory", &["DCGM_FI_DEV_MEM_COPY_UTIL"]).scale(0.01).valid(KNOWN).once_by(SLICE),
        avg("gpu-activity/SM", &["DCGM_FI_PROF_SM_ACTIVE"]).valid(KNOWN).once_by(SLICE),
        avg("gpu-activity/SM occupancy", &["DCGM_FI_PROF_SM_OCCUPANCY"]).valid(KNOWN).once_by(SLICE),
        avg("gpu-activity/tensor cores", &["DCGM_FI_PROF_PIPE_TENSOR_ACTIVE"]).valid(KNOWN).once_by(SLICE),
        avg("gpu-activity/FP16", &["DCGM_FI_PROF_PIPE_FP16_ACTIVE"]).valid(KNOWN).once_by(SLICE),
        avg("gpu-activity/FP32", &["DCGM_FI_PROF_PIPE_FP32_ACTIVE"]).valid(KNOWN).once_by(SLICE),
        sum("gpu-power/drawn", &["DCGM_FI_DEV_POWER_USAGE"]).valid(KNOWN).once_by(CARD),
        sum("gpu-power/limit", &["DCGM_FI_DEV_POWER_MGMT_LIMIT"]).valid(KNOWN).once_by(CARD),
        // The metric is in millijoules.
        rate("gpu-energy/mean", &["DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"]).scale(0.001).once_by(CARD),
        max("gpu-temperature/hottest GPU", &["DCGM_FI_DEV_GPU_TEMP"]).valid(KNOWN).once_by(CARD),
        max("gpu-temperature/hottest memory", &["DCGM_FI_DEV_MEMORY_TEMP"]).valid(KNOWN).once_by(CARD),
        avg("gpu-temperature/slowdown", &["DCGM_FI_DEV_SLOWDOWN_TEMP"]).valid(KNOWN).once_by(CARD),
        avg("gpu-clocks/SM", &["DCGM_FI_DEV_SM_CLOCK"]).scale(1e6).valid(KNOWN).once_by(CARD),
        avg("gpu-clocks/memory", &["DCGM_FI_DEV_MEM_CLOCK"]).scale(1e6).valid(KNOWN).once_by(CARD),
        // One bit for each reason, numbered as by NVML.
        raw(
            "gpu-throttling/power cap",
            "sum$by ($once(floor((DCGM_FI_DEV_CLOCK_THROTTLE_REASONS{$scope} < 9e18) / 4) % 2))",
            &["DCGM_FI_DEV_CLOCK_THROTTLE_REASONS"],
        )
        .once_by(CARD),
        raw(
            "gpu-throttling/thermal",
            "sum$by ($once(clamp_max(floor((DCGM_FI_DEV_CLOCK_THROTTLE_REASONS{$scope} < 9e18) / 32) % 4, 1)))",
            &["DCGM_FI_DEV_CLOCK_THROTTLE_REASONS"],
        )
        .once_by(CARD),
        raw(
            "gpu-throttling/hardware slowdown",
            "sum$by ($once(floor((DCGM_FI_DEV_CLOCK_THROTTLE_REASONS{$scope} < 9e18) / 8) % 2))",
            &["DCGM_FI_DEV_CLOCK_THROTTLE_REASONS"],
        )
        .once_by(CARD),
        raw(
            "gpu-throttling/power brake",
            "sum$by ($once(floor((DCGM_FI_DEV_CLOCK_THROTTLE_REASONS{$scope} < 9e18) / 128) % 2))",
            &["DCGM_FI_DEV_CLOCK_THROTTLE_REASONS"],
        )
        .once_by(CARD),
        sum("gpu-pcie/received", &["DCGM_FI_PROF_PCIE_RX_BYTES"]).valid(KNOWN).once_by(CARD),
        sum("gpu-pcie/sent", &["DCGM_FI_PROF_PCIE_TX_BYTES"]).valid(KNOWN).once_by(CARD),
        sum("gpu-nvlink/received", &["DCGM_FI_PROF_NVLINK_RX_BYTES"])
            .valid(KNOWN)
            .once_by(CARD)
            .documented("https://github.com/NVIDIA/dcgm-exporter/blob/main/etc/default-counters.csv"),
        sum("gpu-nvlink/sent", &["DCGM_FI_PROF_NVLINK_TX_BYTES"])
            .valid(KNOWN)
            .once_by(CARD)
            .documented("https://github.com/NVIDIA/dcgm-exporter/blob/main/etc/default-counters.csv"),
        sum("gpu-errors/rows remapped, corrected", &["DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS"])
            .valid(KNOWN)
            .once_by(CARD),
        sum("gpu-errors/rows remapped, uncorrected", &["DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS"])
            .valid(KNOWN)
            .once_by(CARD),
        sum("gpu-errors/PCIe replays", &["DCGM_FI_DEV_PCIE_REPLAY_COUNTER"]).valid(KNOWN).once_by(CARD),
        max("gpu-errors/last XID", &["DCGM_FI_DEV_XID_ERRORS"]).valid(KNOWN).once_by(CARD),
    ],
    ..Engine::PLAIN
};

pub(super) const NVIDIA_SMI: Engine = Engine {
    id: "nvidia-smi",
    title: "nvidia-smi",
    layer: Layer::Machine,
    signatures: &[Signature::Prefix("nvidia_smi_")],
    gpu_label: "uuid",
    version: Some(VersionLabel { metric: "nvidia_smi_gpu_info", label: "driver_version" }),
    source: "https://github.com/utkuozdemir/nvidia_gpu_exporter",
    recipes: &[
        avg("gpu/average", &["nvidia_smi_utilization_gpu_ratio"]).once_by(&["uuid"]),
        max("gpu/busiest", &["nvidia_smi_utilization_gpu_ratio"]).once_by(&["uuid"]),
        sum("gpu-memory/in use", &["nvidia_smi_memory_used_bytes"]).once_by(&["uuid"]),
        sum("gpu-memory/capacity", &["nvidia_smi_memory_total_bytes"]).once_by(&["uuid"]),
        avg("gpu-activity/memory", &["nvidia_smi_utilization_memory_ratio"]).once_by(&["uuid"]),
        sum_by("gpu-processes", &["nvidia_smi_compute_app_used_memory_bytes"], "process_name"),
        sum("gpu-power/drawn", &["nvidia_smi_power_draw_watts"]).once_by(&["uuid"]),
        sum("gpu-power/limit", &["nvidia_smi_enforced_power_limit_watts", "nvidia_smi_power_limit_watts"])
            .once_by(&["uuid"]),
        max("gpu-temperature/hottest GPU", &["nvidia_smi_temperature_gpu"]).once_by(&["uuid"]),
        max("gpu-temperature/hottest memory", &["nvidia_smi_temperature_memory"]).once_by(&["uuid"]),
        avg("gpu-clocks/SM", &["nvidia_smi_clocks_current_sm_clock_hz"]).once_by(&["uuid"]),
        avg("gpu-clocks/memory", &["nvidia_smi_clocks_current_memory_clock_hz"]).once_by(&["uuid"]),
        sum("gpu-throttling/power cap", &["nvidia_smi_clocks_event_reasons_sw_power_cap"]).once_by(&["uuid"]),
        raw(
            "gpu-throttling/thermal",
            "sum$by (clamp_max(nvidia_smi_clocks_event_reasons_sw_thermal_slowdown{$scope} + \
             nvidia_smi_clocks_event_reasons_hw_thermal_slowdown{$scope}, 1))",
            &[
                "nvidia_smi_clocks_event_reasons_sw_thermal_slowdown",
                "nvidia_smi_clocks_event_reasons_hw_thermal_slowdown",
            ],
        ),
        sum("gpu-throttling/hardware slowdown", &["nvidia_smi_clocks_event_reasons_hw_slowdown"]).once_by(&["uuid"]),
        sum("gpu-throttling/power brake", &["nvidia_smi_clocks_event_reasons_hw_power_brake_slowdown"])
            .once_by(&["uuid"]),
        sum("gpu-errors/corrected", &["nvidia_smi_ecc_errors_corrected_volatile_total"]).once_by(&["uuid"]),
        sum("gpu-errors/uncorrected", &["nvidia_smi_ecc_errors_uncorrected_volatile_total"]).once_by(&["uuid"]),
        sum("gpu-errors/rows remapped, corrected", &["nvidia_smi_remapped_rows_correctable"]).once_by(&["uuid"]),
        sum("gpu-errors/rows remapped, uncorrected", &["nvidia_smi_remapped_rows_uncorrectable"]).once_by(&["uuid"]),
    ],
    ..Engine::PLAIN
};
