//! NVIDIA's GPUs: the companion's own collector, and nvidia_gpu_exporter.
use crate::engine::for_documents;
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
    version: Some(VersionLabel { metric: "gpu_info", labels: &["driver_version"] }),
    source: for_documents("https://docs.nvidia.com/deploy/nvml-api/"),
    is_captured: false,
    recipes: recipes![
        avg("gpu/average", &["gpu_utilization_ratio"]),
        max("gpu/busiest", &["gpu_utilization_ratio_max", "gpu_utilization_ratio"]),
        avg("gpu/engine active", &["gpu_engine_active_ratio"]),
        avg("gpu/SM active", &["gpu_sm_active_ratio"]),
        sum("gpu-memory/in use", &["gpu_memory_used_bytes{mig=\"\"}"]),
        sum("gpu-memory/capacity", &["gpu_memory_total_bytes{mig=\"\"}"]),
        sum_by("gpu-shares", &["gpu_memory_used_bytes{mig!=\"\"}"], "mig"),
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
        raw(
            "gpu-health/failing",
            "sum$by (clamp_max(gpu_ecc_errors_total{$scopetype=\"uncorrected\"}, 1))",
            &["gpu_ecc_errors_total"],
        ),
        raw(
            "gpu-health/worn",
            "sum$by (clamp_max(gpu_remapped_rows{$scopetype=\"uncorrected\"}, 1))",
            &["gpu_remapped_rows"],
        ),
    ],
    ..Engine::PLAIN
};

pub(super) const NVIDIA_SMI: Engine = Engine {
    id: "nvidia-smi",
    title: "nvidia-smi",
    layer: Layer::Machine,
    has_few_names: true,
    signatures: &[Signature::Prefix("nvidia_smi_")],
    gpu_label: "uuid",
    version: Some(VersionLabel { metric: "nvidia_smi_gpu_info", labels: &["driver_version"] }),
    source: for_documents("https://github.com/utkuozdemir/nvidia_gpu_exporter"),
    recipes: recipes![
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
            "sum$by ($once(clamp_max(nvidia_smi_clocks_event_reasons_sw_thermal_slowdown{$scope} + \
             nvidia_smi_clocks_event_reasons_hw_thermal_slowdown{$scope}, 1)))",
            &[
                "nvidia_smi_clocks_event_reasons_sw_thermal_slowdown",
                "nvidia_smi_clocks_event_reasons_hw_thermal_slowdown",
            ],
        )
        .once_by(&["uuid"]),
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
