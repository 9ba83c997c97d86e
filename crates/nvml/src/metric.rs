//! The metrics, and how the samples of an interval become one value.
use crate::identity::Labels;

/// A metric: its name, and how its samples are aggregated.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) aggregation: Aggregation,
}

/// How the samples of an interval become one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Aggregation {
    /// The newest sample, for counters and for values that rarely change.
    Last,
    /// Their mean.
    Mean,
    /// Their mean, and the largest as a series of this name.
    MeanAndPeak(&'static str),
}

/// One value of one series.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    pub(crate) metric: &'static Metric,
    pub(crate) labels: Labels,
    /// In the metric's base unit.
    pub value: f64,
}

impl Reading {
    /// The name of the series.
    pub fn name(&self) -> &'static str {
        self.metric.name
    }

    /// The labels of the series.
    pub fn labels(&self) -> &[(&'static str, String)] {
        &self.labels
    }
}

const fn last(name: &'static str) -> Metric {
    Metric { name, aggregation: Aggregation::Last }
}

const fn mean(name: &'static str) -> Metric {
    Metric { name, aggregation: Aggregation::Mean }
}

const fn peak(name: &'static str, peak: &'static str) -> Metric {
    Metric { name, aggregation: Aggregation::MeanAndPeak(peak) }
}

pub(crate) static UP: Metric = last("gpu_up");
pub(crate) static INFO: Metric = last("gpu_info");
pub(crate) static UTILIZATION: Metric = peak("gpu_utilization_ratio", "gpu_utilization_ratio_max");
pub(crate) static MEMORY_UTILIZATION: Metric = peak("gpu_memory_utilization_ratio", "gpu_memory_utilization_ratio_max");
pub(crate) static ENCODER: Metric = mean("gpu_encoder_utilization_ratio");
pub(crate) static DECODER: Metric = mean("gpu_decoder_utilization_ratio");
pub(crate) static ENGINE_ACTIVE: Metric = mean("gpu_engine_active_ratio");
pub(crate) static SM_ACTIVE: Metric = mean("gpu_sm_active_ratio");
pub(crate) static SM_OCCUPANCY: Metric = mean("gpu_sm_occupancy_ratio");
pub(crate) static TENSOR_ACTIVE: Metric = mean("gpu_tensor_active_ratio");
pub(crate) static MEMORY_USED: Metric = peak("gpu_memory_used_bytes", "gpu_memory_used_bytes_max");
pub(crate) static MEMORY_FREE: Metric = mean("gpu_memory_free_bytes");
pub(crate) static MEMORY_TOTAL: Metric = last("gpu_memory_total_bytes");
pub(crate) static MEMORY_RESERVED: Metric = last("gpu_memory_reserved_bytes");
pub(crate) static PROCESS_MEMORY: Metric = last("gpu_process_memory_bytes");
pub(crate) static POWER: Metric = peak("gpu_power_watts", "gpu_power_watts_max");
pub(crate) static POWER_LIMIT: Metric = last("gpu_power_limit_watts");
pub(crate) static ENERGY: Metric = last("gpu_energy_joules_total");
pub(crate) static TEMPERATURE: Metric = peak("gpu_temperature_celsius", "gpu_temperature_celsius_max");
pub(crate) static TEMPERATURE_SLOWDOWN: Metric = last("gpu_temperature_slowdown_celsius");
pub(crate) static FAN: Metric = mean("gpu_fan_speed_ratio");
pub(crate) static CLOCK: Metric = mean("gpu_clock_hertz");
pub(crate) static CLOCK_MAX: Metric = last("gpu_clock_max_hertz");
pub(crate) static CLOCK_HELD: Metric = mean("gpu_clock_held");
pub(crate) static PCIE_RECEIVED: Metric =
    peak("gpu_pcie_received_bytes_per_second", "gpu_pcie_received_bytes_per_second_max");
pub(crate) static PCIE_SENT: Metric = peak("gpu_pcie_sent_bytes_per_second", "gpu_pcie_sent_bytes_per_second_max");
pub(crate) static PCIE_REPLAYS: Metric = last("gpu_pcie_replays_total");
pub(crate) static NVLINK_RECEIVED: Metric = last("gpu_nvlink_received_bytes_total");
pub(crate) static NVLINK_SENT: Metric = last("gpu_nvlink_sent_bytes_total");
pub(crate) static ECC_ERRORS: Metric = last("gpu_ecc_errors_total");
pub(crate) static REMAPPED_ROWS: Metric = last("gpu_remapped_rows");
pub(crate) static LAST_XID: Metric = last("gpu_last_xid");
