//! Accelerators of other makers, and shares of a card, as their exporters report them.
use crate::engine::for_documents;
use crate::recipe::{avg, max, rate, raw, sum, sum_by};
use crate::{Engine, Layer, Signature};

/// The tokens that engines generate per second, over what follows.
macro_rules! tokens {
    () => {
        "sum($any($rate(vllm:generation_tokens_total{$scope}) | $rate(sglang:generation_tokens_total{$scope}) | \
         $rate(trtllm_generation_tokens_total{$scope}) | $rate(llamacpp:tokens_predicted_total{$scope}))) / "
    };
}

const MIB: f64 = 1_048_576.0;

/// What HAMi gives to the users of shared cards.
pub(super) const HAMI: Engine = Engine {
    id: "hami",
    title: "HAMi",
    layer: Layer::Machine,
    has_few_names: true,
    signatures: &[Signature::Prefix("hami_")],
    gpu_label: "device_uuid",
    source: for_documents("https://github.com/Project-HAMi/HAMi: cmd/vGPUmonitor/metrics.go of 4707fb02"),
    is_captured: false,
    recipes: recipes![
        // Its shares are percentages.
        avg("gpu/average", &["hami_host_gpu_utilization_ratio percent"]),
        max("gpu/busiest", &["hami_host_gpu_utilization_ratio percent"]),
        sum("gpu-memory/in use", &["hami_host_gpu_memory_used_bytes"]),
        sum("gpu-memory/capacity", &["hami_gpu_memory_limit_bytes"]).once_by(&["device_uuid"]),
        avg("gpu-activity/memory", &["hami_host_gpu_memory_controller_utilization_ratio percent"]),
        sum_by("gpu-shares", &["hami_vgpu_memory_used_bytes"], "pod"),
        sum("gpu-shares/limit", &["hami_vgpu_memory_limit_bytes"]),
    ],
    ..Engine::PLAIN
};

/// What identifies one of AMD's cards, or a partition of it.
const AMD_CARD: &[&str] = &["instance", "gpu_id", "serial_number", "gpu_partition_id"];

pub(super) const AMD: Engine = Engine {
    id: "amd",
    title: "AMD",
    layer: Layer::Machine,
    signatures: &[
        Signature::Name("gpu_gfx_activity"),
        Signature::Name("gpu_nodes_total"),
        Signature::Name("gpu_package_power"),
        Signature::Name("gpu_used_vram"),
    ],
    gpu_label: "gpu_id",
    source: for_documents(
        "https://github.com/ROCm/device-metrics-exporter: docs/configuration/metricslist.md of afd0fe81",
    ),
    is_captured: false,
    recipes: recipes![
        avg("gpu/average", &["gpu_gfx_activity"]).scale(0.01).once_by(AMD_CARD),
        max("gpu/busiest", &["gpu_gfx_activity"]).scale(0.01).once_by(AMD_CARD),
        avg("gpu/SM active", &["gpu_prof_sm_active"]).scale(0.01).once_by(AMD_CARD),
        sum("gpu-memory/in use", &["gpu_used_vram"]).scale(MIB).once_by(AMD_CARD),
        sum("gpu-memory/capacity", &["gpu_total_vram"]).scale(MIB).once_by(AMD_CARD),
        avg("gpu-activity/memory", &["gpu_umc_activity"]).scale(0.01).once_by(AMD_CARD),
        avg("gpu-activity/SM", &["gpu_prof_sm_active"]).scale(0.01).once_by(AMD_CARD),
        avg("gpu-activity/SM occupancy", &["gpu_prof_occupancy_percent"]).scale(0.01).once_by(AMD_CARD),
        avg("gpu-activity/tensor cores", &["gpu_prof_tensor_active_percent"]).scale(0.01).once_by(AMD_CARD),
        sum("gpu-power/drawn", &["gpu_package_power", "gpu_average_package_power", "gpu_power_usage"])
            .once_by(AMD_CARD),
        raw(
            "gpu-energy/mean",
            "sum$by ($once(deriv(gpu_energy_consumed{$scope}[$window]) / 1e6 >= 0))",
            &["gpu_energy_consumed"],
        )
        .once_by(AMD_CARD),
        max("gpu-temperature/hottest GPU", &["gpu_junction_temperature", "gpu_edge_temperature"]).once_by(AMD_CARD),
        max("gpu-temperature/hottest memory", &["gpu_memory_temperature"]).once_by(AMD_CARD),
        avg("gpu-clocks/SM", &["gpu_clock{clock_type=\"system\"}"]).scale(1e6).once_by(AMD_CARD),
        avg("gpu-clocks/memory", &["gpu_clock{clock_type=\"memory\"}"]).scale(1e6).once_by(AMD_CARD),
        sum("gpu-throttling/power cap", &["gpu_violation_ppt_residency_percentage"]).scale(0.01).once_by(AMD_CARD),
        sum("gpu-throttling/thermal", &["gpu_violation_socket_thermal_residency_percentage"])
            .scale(0.01)
            .once_by(AMD_CARD),
        sum("gpu-errors/corrected", &["gpu_ecc_correct_total"]).once_by(AMD_CARD),
        sum("gpu-errors/uncorrected", &["gpu_ecc_uncorrect_total"]).once_by(AMD_CARD),
        sum("gpu-errors/PCIe replays", &["pcie_replay_count"]).once_by(AMD_CARD),
        raw("gpu-health/failing", "sum$by ($once(gpu_health{$scope} < bool 1))", &["gpu_health"]).once_by(AMD_CARD),
    ],
    ..Engine::PLAIN
};

/// The exporter that AMD has replaced. It repeats each value in a label and names the card in another one of these, so each
/// change of a value is a new series of one card.
pub(super) const AMD_SMI: Engine = Engine {
    id: "amd-smi",
    title: "AMD SMI",
    layer: Layer::Machine,
    has_few_names: true,
    signatures: &[Signature::Prefix("amd_gpu_")],
    gpu_label: "productname",
    source: for_documents("https://github.com/amd/amd_smi_exporter: src/main.go of ad2e1b1"),
    is_captured: false,
    recipes: recipes![
        avg("gpu/average", &["amd_gpu_use_percent"]).scale(0.01),
        max("gpu/busiest", &["amd_gpu_use_percent"]).scale(0.01),
        avg("gpu-activity/memory", &["amd_gpu_memory_use_percent"]).scale(0.01),
        sum("gpu-power/drawn", &["amd_gpu_power"]).scale(1e-6),
        sum("gpu-power/limit", &["amd_gpu_power_cap"]).scale(1e-6),
        max("gpu-temperature/hottest GPU", &["amd_gpu_current_temperature"]).scale(0.001),
        avg("gpu-clocks/SM", &["amd_gpu_SCLK"]),
        avg("gpu-clocks/memory", &["amd_gpu_MCLK"]),
    ],
    ..Engine::PLAIN
};

/// What identifies a Gaudi card.
const GAUDI_CARD: &[&str] = &["instance", "UUID", "device"];

pub(super) const GAUDI: Engine = Engine {
    id: "gaudi",
    title: "Gaudi",
    layer: Layer::Machine,
    has_few_names: true,
    signatures: &[Signature::Prefix("habanalabs_")],
    gpu_label: "UUID",
    source: for_documents("https://docs.habana.ai/en/latest/Orchestration/Prometheus_Metric_Exporter.html"),
    is_captured: false,
    recipes: recipes![
        avg("gpu/average", &["habanalabs_utilization"]).scale(0.01).once_by(GAUDI_CARD),
        max("gpu/busiest", &["habanalabs_utilization"]).scale(0.01).once_by(GAUDI_CARD),
        sum("gpu-memory/in use", &["habanalabs_memory_used_bytes"]).once_by(GAUDI_CARD),
        sum("gpu-memory/capacity", &["habanalabs_memory_total_bytes"]).once_by(GAUDI_CARD),
        sum("gpu-power/drawn", &["habanalabs_power_mW"]).scale(0.001).once_by(GAUDI_CARD),
        sum("gpu-power/limit", &["habanalabs_power_default_limit_mW"]).scale(0.001).once_by(GAUDI_CARD),
        max("gpu-temperature/hottest GPU", &["habanalabs_temperature_onchip"]).once_by(GAUDI_CARD),
        avg("gpu-temperature/slowdown", &["habanalabs_temperature_threshold_slowdown"]).once_by(GAUDI_CARD),
        avg("gpu-clocks/SM", &["habanalabs_clock_soc_mhz"]).scale(1e6).once_by(GAUDI_CARD),
        sum("gpu-errors/PCIe replays", &["habanalabs_pcie_replay_count"]).once_by(GAUDI_CARD),
    ],
    ..Engine::PLAIN
};

/// What identifies one of Intel's GPUs, or a tile of it.
const XPU_TILE: &[&str] = &["instance", "uuid", "sub_dev"];

pub(super) const XPU: Engine = Engine {
    id: "xpu",
    title: "Intel XPU",
    layer: Layer::Machine,
    has_few_names: true,
    signatures: &[Signature::Prefix("xpum_")],
    gpu_label: "uuid",
    source: for_documents("https://github.com/intel/xpumanager: rest/prometheus_exporter.py of 1.2"),
    is_captured: false,
    recipes: recipes![
        avg("gpu/average", &["xpum_engine_ratio share"]).once_by(XPU_TILE),
        max("gpu/busiest", &["xpum_engine_ratio share"]).once_by(XPU_TILE),
        sum("gpu-memory/in use", &["xpum_memory_used_bytes"]).once_by(XPU_TILE),
        avg("gpu-memory-share/average", &["xpum_memory_ratio share"]).once_by(XPU_TILE),
        sum("gpu-power/drawn", &["xpum_power_watts{sub_dev=\"\"}"]).once_by(&["instance", "uuid"]),
        rate("gpu-energy/mean", &["xpum_energy_joules_total"]).once_by(&["instance", "uuid"]),
        max("gpu-temperature/hottest GPU", &["xpum_temperature_celsius{location!=\"mem\"}"]).once_by(XPU_TILE),
        max("gpu-temperature/hottest memory", &["xpum_temperature_celsius{location=\"mem\"}"]).once_by(XPU_TILE),
        avg("gpu-clocks/SM", &["xpum_frequency_mhz{location!=\"mem\"}"]).scale(1e6).once_by(XPU_TILE),
    ],
    ..Engine::PLAIN
};

/// What identifies one of Huawei's cards.
const NPU: &[&str] = &["instance", "id", "vdie_id"];

pub(super) const ASCEND: Engine = Engine {
    id: "ascend",
    title: "Ascend",
    layer: Layer::Machine,
    has_few_names: true,
    signatures: &[Signature::Prefix("npu_chip_"), Signature::Name("machine_npu_nums")],
    gpu_label: "id",
    source: for_documents("https://gitcode.com/Ascend/mind-cluster: component/npu-exporter, documents of 7.1"),
    is_captured: false,
    recipes: recipes![
        avg("gpu/average", &["npu_chip_info_utilization"]).scale(0.01).once_by(NPU),
        max("gpu/busiest", &["npu_chip_info_utilization"]).scale(0.01).once_by(NPU),
        sum("gpu-memory/in use", &["npu_chip_info_hbm_used_memory", "npu_chip_info_used_memory"])
            .scale(MIB)
            .once_by(NPU),
        sum("gpu-memory/capacity", &["npu_chip_info_hbm_total_memory", "npu_chip_info_total_memory"])
            .scale(MIB)
            .once_by(NPU),
        sum("gpu-power/drawn", &["npu_chip_info_power"]).once_by(NPU),
        max("gpu-temperature/hottest GPU", &["npu_chip_info_temperature"]).once_by(NPU),
        raw(
            "gpu-health/failing",
            "sum$by ($once(npu_chip_info_health_status{$scope} < bool 1))",
            &["npu_chip_info_health_status"],
        )
        .once_by(NPU),
    ],
    ..Engine::PLAIN
};

pub(super) const NEURON: Engine = Engine {
    id: "neuron",
    title: "Neuron",
    layer: Layer::Machine,
    signatures: &[Signature::Prefix("neuroncore_"), Signature::Prefix("neuron_"), Signature::Prefix("neurondevice_")],
    gpu_label: "neuroncore",
    source: for_documents("https://github.com/aws-neuron/aws-neuron-sdk: neuron-monitor-prometheus.py"),
    is_captured: false,
    recipes: recipes![
        avg("gpu/average", &["neuroncore_utilization_ratio share"]),
        max("gpu/busiest", &["neuroncore_utilization_ratio share"]),
        sum("gpu-memory/in use", &["neuron_runtime_memory_used_bytes{memory_location=\"neuron_device\"}"]),
        sum("gpu-errors/corrected", &["neurondevice_hw_ecc_events_total{event_type=~\".*_corrected\"}"]),
        sum("gpu-errors/uncorrected", &["neurondevice_hw_ecc_events_total{event_type=~\".*_uncorrected\"}"]),
    ],
    ..Engine::PLAIN
};

/// all-smi, which measures NVIDIA's cards and Jetsons, Apple's, Google's TPUs and others under the same names.
pub(super) const ALL_SMI: Engine = Engine {
    id: "all-smi",
    title: "all-smi",
    layer: Layer::Machine,
    has_few_names: true,
    signatures: &[Signature::Prefix("all_smi_")],
    gpu_label: "gpu_index",
    source: for_documents("https://github.com/lablup/all-smi: API.md of b92ea0a"),
    is_captured: false,
    recipes: recipes![
        avg("gpu/average", &["all_smi_gpu_utilization"]).scale(0.01),
        max("gpu/busiest", &["all_smi_gpu_utilization"]).scale(0.01),
        sum("gpu-memory/in use", &["all_smi_gpu_memory_used_bytes"]),
        sum("gpu-memory/capacity", &["all_smi_gpu_memory_total_bytes"]),
        avg("gpu-activity/memory", &["all_smi_gpu_memory_bandwidth_utilization"]),
        avg("gpu-activity/SM occupancy", &["all_smi_gpu_sm_occupancy"]),
        sum("gpu-power/drawn", &["all_smi_gpu_power_consumption_watts"]),
        sum("gpu-power/limit", &["all_smi_gpu_power_limit_current_watts"]),
        max("gpu-temperature/hottest GPU", &["all_smi_gpu_temperature_celsius"]),
        avg("gpu-temperature/slowdown", &["all_smi_gpu_temperature_threshold_slowdown_celsius"]),
        avg("gpu-clocks/SM", &["all_smi_gpu_frequency_mhz"]).scale(1e6),
        sum_by("gpu-shares", &["all_smi_mig_instance_memory_used_bytes"], "gpu_instance_id"),
    ],
    ..Engine::PLAIN
};

/// mactop, for Apple's chips.
pub(super) const MACTOP: Engine = Engine {
    id: "mactop",
    title: "mactop",
    layer: Layer::Machine,
    has_few_names: true,
    signatures: &[Signature::Prefix("mactop_")],
    source: for_documents("https://github.com/context-labs/mactop: internal/app/metrics.go of 7c6aa36"),
    is_captured: false,
    recipes: recipes![
        avg("cpu/average", &["mactop_cpu_usage_percent"]).scale(0.01),
        sum("memory/in use", &["mactop_memory_gb{type=\"used\"}"]).scale(1_073_741_824.0),
        sum("memory/capacity", &["mactop_memory_gb{type=\"total\"}"]).scale(1_073_741_824.0),
        avg("gpu/average", &["mactop_gpu_usage_percent"]).scale(0.01),
        max("gpu/busiest", &["mactop_gpu_usage_percent"]).scale(0.01),
        sum("gpu-power/drawn", &["mactop_power_watts{component=\"gpu\"}"]),
        max("gpu-temperature/hottest GPU", &["mactop_gpu_temperature_celsius"]),
        avg("gpu-clocks/SM", &["mactop_gpu_freq_mhz"]).scale(1e6),
    ],
    ..Engine::PLAIN
};

/// The exporter of jetson-stats. It has no share of the GPU's time.
pub(super) const JETSON: Engine = Engine {
    id: "jetson",
    title: "Jetson",
    layer: Layer::Machine,
    signatures: &[Signature::Name("gpuram_kB"), Signature::Name("integrated_power_mW")],
    source: for_documents("https://github.com/laminair/jetson_stats_node_exporter: b0aca27"),
    is_captured: false,
    recipes: recipes![
        sum("memory/in use", &["ram_kB{statistic=\"used\"}"]).scale(1024.0),
        sum("memory/capacity", &["ram_kB{statistic=\"total\"}"]).scale(1024.0),
        sum("gpu-memory/in use", &["gpuram_kB"]).scale(1024.0),
        sum("gpu-power/drawn", &["integrated_power_mW{statistic=\"power\",machine_part=\"\"}"]).scale(0.001),
        max("gpu-temperature/hottest GPU", &["temperature_C{statistic=~\"(?i)gpu.*\"}"]),
        avg("gpu-clocks/SM", &["gpu_utilization_percentage_Hz{nvidia_gpu=\"freq\"}"]).scale(1000.0),
    ],
    ..Engine::PLAIN
};

/// What replicas generate for the power of the machines that they run on.
pub(super) const EFFICIENCY: Engine = Engine {
    id: "efficiency",
    title: "tokens and power",
    signatures: &[],
    source: for_documents("computed from the tokens of engines and the power of GPUs"),
    is_captured: false,
    recipes: recipes![
        raw(
            "tokens-per-joule/generated",
            concat!(tokens!(), "sum(gpu_power_watts{$machine})"),
            &[
                "vllm:generation_tokens_total",
                "sglang:generation_tokens_total",
                "trtllm_generation_tokens_total",
                "llamacpp:tokens_predicted_total",
                "gpu_power_watts",
            ],
        ),
        raw(
            "tokens-per-joule/generated",
            concat!(
                tokens!(),
                "sum(max by (instance, gpu, UUID) ($any(DCGM_FI_DEV_BOARD_POWER_WATTS{$machine} | \
                 DCGM_FI_DEV_POWER_USAGE{$machine} < 9e18)))"
            ),
            &[
                "vllm:generation_tokens_total",
                "sglang:generation_tokens_total",
                "trtllm_generation_tokens_total",
                "llamacpp:tokens_predicted_total",
                "DCGM_FI_DEV_BOARD_POWER_WATTS",
                "DCGM_FI_DEV_POWER_USAGE",
            ],
        ),
    ],
    ..Engine::PLAIN
};
