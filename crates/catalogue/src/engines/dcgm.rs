//! NVIDIA's DCGM exporter: every name that a field has had, with its unit.
//!
//! dcgm-exporter 4.9, with DCGM 4.7, renames fields and gives them base units, and a fleet has both for a while. Some
//! platforms pass percentages on as shares under the old name. PCIe and NVLink traffic are gauges, whatever type they have.
use crate::engine::for_documents;
use crate::recipe::{avg, max, rate_by, raw, sum, sum_by};
use crate::{Engine, Layer, Signature, VersionLabel};

/// DCGM writes numbers near 2^63 for unknown values.
const KNOWN: &str = "< 9e18";

/// What identifies a card: a metrics page repeats its values for each pod and each MIG slice on it.
const CARD: &[&str] = &["instance", "gpu", "UUID"];
/// What identifies a MIG slice, or a card without any.
const SLICE: &[&str] = &["instance", "gpu", "UUID", "GPU_I_ID"];

/// What may say why a card's clocks are held down: a counter of the time, in seconds or nanoseconds, or a mask with a bit
/// for each reason, numbered as by NVML.
macro_rules! throttled {
    ($line:literal, [$seconds:literal, $nanoseconds:literal], $bits:literal) => {
        raw(
            concat!("gpu-throttling/", $line),
            concat!(
                "sum$by ($once($any($rate(",
                $seconds,
                "{$scope}) | $rate(",
                $nanoseconds,
                "{$scope}) / 1e9 | clamp_max(floor((DCGM_FI_DEV_CLOCKS_EVENT_REASONS{$scope} < 9e18) / ",
                $bits,
                ", 1) | clamp_max(floor((DCGM_FI_DEV_CLOCK_THROTTLE_REASONS{$scope} < 9e18) / ",
                $bits,
                ", 1))))"
            ),
            &[$seconds, $nanoseconds, "DCGM_FI_DEV_CLOCKS_EVENT_REASONS", "DCGM_FI_DEV_CLOCK_THROTTLE_REASONS"],
        )
        .once_by(CARD)
    };
    ($line:literal, $bits:literal) => {
        raw(
            concat!("gpu-throttling/", $line),
            concat!(
                "sum$by ($once($any(floor((DCGM_FI_DEV_CLOCKS_EVENT_REASONS{$scope} < 9e18) / ",
                $bits,
                " | floor((DCGM_FI_DEV_CLOCK_THROTTLE_REASONS{$scope} < 9e18) / ",
                $bits,
                ")))"
            ),
            &["DCGM_FI_DEV_CLOCKS_EVENT_REASONS", "DCGM_FI_DEV_CLOCK_THROTTLE_REASONS"],
        )
        .once_by(CARD)
    };
}

pub(super) const DCGM: Engine = Engine {
    id: "dcgm",
    title: "DCGM",
    layer: Layer::Machine,
    has_few_names: true,
    signatures: &[Signature::Prefix("DCGM_FI_"), Signature::Prefix("DCGM_EXP_")],
    version: Some(VersionLabel {
        metric: "DCGM_FI_*",
        labels: &["DCGM_FI_SYSTEM_DRIVER_VERSION", "DCGM_FI_DRIVER_VERSION"],
    }),
    source: for_documents(
        "https://github.com/NVIDIA/dcgm-exporter: etc/default-counters.csv of 4.8.2; release notes of 4.9.0; DCGM 4.7: \
         dcgmlib/dcgm_fields.h",
    ),
    recipes: recipes![
        avg("gpu/average", &["DCGM_FI_DEV_GPU_UTIL_RATIO share", "DCGM_FI_DEV_GPU_UTIL percent"])
            .valid(KNOWN)
            .once_by(CARD),
        max("gpu/busiest", &["DCGM_FI_DEV_GPU_UTIL_RATIO share", "DCGM_FI_DEV_GPU_UTIL percent"])
            .valid(KNOWN)
            .once_by(CARD),
        avg("gpu/engine active", &["DCGM_FI_PROF_GR_ENGINE_UTIL_RATIO", "DCGM_FI_PROF_GR_ENGINE_ACTIVE"])
            .valid(KNOWN)
            .once_by(SLICE),
        avg("gpu/SM active", &["DCGM_FI_PROF_SM_UTIL_RATIO", "DCGM_FI_PROF_SM_ACTIVE"]).valid(KNOWN).once_by(SLICE),
        sum("gpu-memory/in use", &["DCGM_FI_DEV_FB_USED_BYTES", "DCGM_FI_DEV_FB_USED * 1048576"])
            .valid(KNOWN)
            .once_by(SLICE),
        raw(
            "gpu-memory/capacity",
            "sum$by ($once($any(DCGM_FI_DEV_FB_CAPACITY_BYTES{$scope} < 9e18 | (DCGM_FI_DEV_FB_TOTAL{$scope} < 9e18) * \
             1048576 | ((DCGM_FI_DEV_FB_USED{$scope} < 9e18) + (DCGM_FI_DEV_FB_FREE{$scope} < 9e18)) * 1048576)))",
            &["DCGM_FI_DEV_FB_CAPACITY_BYTES", "DCGM_FI_DEV_FB_TOTAL", "DCGM_FI_DEV_FB_USED", "DCGM_FI_DEV_FB_FREE"],
        )
        .once_by(SLICE),
        sum_by(
            "gpu-shares",
            &["DCGM_FI_DEV_FB_USED_BYTES{GPU_I_ID!=\"\"}", "DCGM_FI_DEV_FB_USED{GPU_I_ID!=\"\"} * 1048576"],
            "GPU_I_ID",
        )
        .valid(KNOWN)
        .once_by(SLICE),
        avg("gpu-activity/memory", &["DCGM_FI_PROF_DRAM_UTIL_RATIO", "DCGM_FI_PROF_DRAM_ACTIVE"])
            .valid(KNOWN)
            .once_by(SLICE),
        avg("gpu-activity/memory", &["DCGM_FI_DEV_MEMORY_UTIL_RATIO share", "DCGM_FI_DEV_MEM_COPY_UTIL percent"])
            .valid(KNOWN)
            .once_by(SLICE),
        avg("gpu-activity/SM", &["DCGM_FI_PROF_SM_UTIL_RATIO", "DCGM_FI_PROF_SM_ACTIVE"]).valid(KNOWN).once_by(SLICE),
        avg("gpu-activity/SM occupancy", &["DCGM_FI_PROF_SM_OCCUPANCY_RATIO", "DCGM_FI_PROF_SM_OCCUPANCY"])
            .valid(KNOWN)
            .once_by(SLICE),
        avg("gpu-activity/tensor cores", &["DCGM_FI_PROF_TENSOR_UTIL_RATIO", "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE"])
            .valid(KNOWN)
            .once_by(SLICE),
        avg("gpu-activity/FP16", &["DCGM_FI_PROF_PIPE_FP16_ACTIVE"]).valid(KNOWN).once_by(SLICE),
        avg("gpu-activity/FP32", &["DCGM_FI_PROF_FP32_UTIL_RATIO", "DCGM_FI_PROF_PIPE_FP32_ACTIVE"])
            .valid(KNOWN)
            .once_by(SLICE),
        sum("gpu-power/drawn", &["DCGM_FI_DEV_BOARD_POWER_WATTS", "DCGM_FI_DEV_POWER_USAGE"])
            .valid(KNOWN)
            .once_by(CARD),
        sum(
            "gpu-power/limit",
            &[
                "DCGM_FI_DEV_BOARD_POWER_LIMIT_ENFORCED_WATTS",
                "DCGM_FI_DEV_ENFORCED_POWER_LIMIT",
                "DCGM_FI_DEV_POWER_MGMT_LIMIT",
            ],
        )
        .valid(KNOWN)
        .once_by(CARD),
        // The slope does not depend on how much of the window a series covers: a pod that ends hands its card to another.
        raw(
            "gpu-energy/mean",
            "sum$by ($once($any(deriv(DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL{$scope}[$window]) | \
             deriv(DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{$scope}[$window]) / 1000) >= 0))",
            &["DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL", "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"],
        )
        .once_by(CARD),
        max("gpu-temperature/hottest GPU", &["DCGM_FI_DEV_GPU_TEMP_CELSIUS", "DCGM_FI_DEV_GPU_TEMP"])
            .valid(KNOWN)
            .once_by(CARD),
        max("gpu-temperature/hottest memory", &["DCGM_FI_DEV_MEMORY_TEMP_CELSIUS", "DCGM_FI_DEV_MEMORY_TEMP"])
            .valid(KNOWN)
            .once_by(CARD),
        avg("gpu-temperature/slowdown", &["DCGM_FI_DEV_GPU_TEMP_SLOWDOWN_CELSIUS", "DCGM_FI_DEV_SLOWDOWN_TEMP"])
            .valid(KNOWN)
            .once_by(CARD),
        avg("gpu-clocks/SM", &["DCGM_FI_DEV_SM_CLOCK_HERTZ", "DCGM_FI_DEV_SM_CLOCK * 1e6"]).valid(KNOWN).once_by(CARD),
        avg("gpu-clocks/memory", &["DCGM_FI_DEV_MEMORY_CLOCK_HERTZ", "DCGM_FI_DEV_MEM_CLOCK * 1e6"])
            .valid(KNOWN)
            .once_by(CARD),
        throttled!(
            "power cap",
            ["DCGM_FI_DEV_GPU_POWER_THROTTLE_SECONDS_TOTAL", "DCGM_FI_DEV_POWER_VIOLATION"],
            "4) % 2"
        ),
        throttled!(
            "thermal",
            ["DCGM_FI_DEV_GPU_THERMAL_THROTTLE_SECONDS_TOTAL", "DCGM_FI_DEV_THERMAL_VIOLATION"],
            "32) % 4"
        ),
        throttled!("hardware slowdown", "8) % 2"),
        throttled!("power brake", "128) % 2"),
        sum("gpu-pcie/received", &["DCGM_FI_PROF_PCIE_RX_BYTES"]).valid(KNOWN).once_by(CARD),
        sum("gpu-pcie/sent", &["DCGM_FI_PROF_PCIE_TX_BYTES"]).valid(KNOWN).once_by(CARD),
        sum("gpu-nvlink/received", &["DCGM_FI_PROF_NVLINK_RX_BYTES"]).valid(KNOWN).once_by(CARD),
        sum("gpu-nvlink/sent", &["DCGM_FI_PROF_NVLINK_TX_BYTES"]).valid(KNOWN).once_by(CARD),
        // The older names count thousands of KiB per second.
        sum(
            "gpu-nvlink/total",
            &[
                "DCGM_FI_DEV_NVLINK_THROUGHPUT_BYTES_PER_SECOND",
                "DCGM_FI_DEV_NVLINK_THROUGHPUT_TOTAL * 1024000",
                "DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL * 1024000",
            ],
        )
        .valid(KNOWN)
        .once_by(CARD),
        sum("gpu-errors/corrected", &["DCGM_FI_DEV_ECC_SBE_VOL_TOTAL"]).valid(KNOWN).once_by(CARD),
        sum("gpu-errors/uncorrected", &["DCGM_FI_DEV_ECC_DBE_VOL_TOTAL"]).valid(KNOWN).once_by(CARD),
        sum(
            "gpu-errors/rows remapped, corrected",
            &["DCGM_FI_DEV_ROW_REMAP_CORRECTABLE_TOTAL", "DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS"],
        )
        .valid(KNOWN)
        .once_by(CARD),
        sum(
            "gpu-errors/rows remapped, uncorrected",
            &["DCGM_FI_DEV_ROW_REMAP_UNCORRECTABLE_TOTAL", "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS"],
        )
        .valid(KNOWN)
        .once_by(CARD),
        sum("gpu-errors/PCIe replays", &["DCGM_FI_DEV_PCIE_REPLAY_TOTAL", "DCGM_FI_DEV_PCIE_REPLAY_COUNTER"])
            .valid(KNOWN)
            .once_by(CARD),
        max("gpu-errors/last XID", &["DCGM_FI_DEV_XID_ERROR", "DCGM_FI_DEV_XID_ERRORS"]).valid(KNOWN).once_by(CARD),
        rate_by("gpu-xid", &["DCGM_EXP_XID_ERRORS_TOTAL{xid!=\"\"}"], "xid")
            .once_by(&["instance", "gpu", "UUID", "xid"]),
        // One for each card that has to be replaced. Zeros say that a card is measured.
        raw(
            "gpu-health/failing",
            "sum$by (clamp_max($once($any(DCGM_FI_DEV_ROW_REMAP_FAILED{$scope} > 0 < 9e18 | \
             DCGM_FI_DEV_ROW_REMAP_FAILURE{$scope} > 0 < 9e18 | DCGM_FI_DEV_ECC_DBE_VOL_TOTAL{$scope} > 0 < 9e18 | \
             (DCGM_FI_DEV_ROW_REMAP_FAILED{$scope} < 9e18) * 0 | (DCGM_FI_DEV_ROW_REMAP_FAILURE{$scope} < 9e18) * 0 | \
             (DCGM_FI_DEV_ECC_DBE_VOL_TOTAL{$scope} < 9e18) * 0)), 1))",
            &["DCGM_FI_DEV_ROW_REMAP_FAILED", "DCGM_FI_DEV_ROW_REMAP_FAILURE", "DCGM_FI_DEV_ECC_DBE_VOL_TOTAL"],
        )
        .once_by(CARD),
        raw(
            "gpu-health/worn",
            "sum$by (clamp_max($once($any(DCGM_FI_DEV_ROW_REMAP_UNCORRECTABLE_TOTAL{$scope} < 9e18 | \
             DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS{$scope} < 9e18)), 1))",
            &["DCGM_FI_DEV_ROW_REMAP_UNCORRECTABLE_TOTAL", "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS"],
        )
        .once_by(CARD),
    ],
    ..Engine::PLAIN
};
