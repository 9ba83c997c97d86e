//! Records the readings of one GPU; single fields may fail.
use crate::fault::{affects_whole_gpu, fault_of};
use crate::identity::{Labels, extended};
use crate::metric::{Metric, Reading};
use catalogue::contract::GpuFault;
use nvml_wrapper::error::NvmlError;

/// NVML reports missing values as -1 in 64 bits, and DCGM as numbers near 2^63; valid values are below this.
const MAX_VALUE: u64 = 1 << 62;

/// The readings of one GPU or MIG device, and the faults met while reading it.
#[derive(Debug)]
pub(crate) struct Recorder<'a> {
    labels: &'a Labels,
    pub(crate) readings: Vec<Reading>,
    /// The first fault of any field.
    fault: Option<GpuFault>,
    /// The first fault that affects the whole GPU.
    gpu_fault: Option<GpuFault>,
}

impl<'a> Recorder<'a> {
    /// An empty recorder whose readings get `labels`.
    pub(crate) fn new(labels: &'a Labels) -> Self {
        Self { labels, readings: Vec::new(), fault: None, gpu_fault: None }
    }

    /// The value of a call, if it succeeded. An error is noted, unless it means that the GPU does not support the call.
    pub(crate) fn check<T>(&mut self, result: Result<T, NvmlError>) -> Option<T> {
        let error = match result {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        let is_unsupported = matches!(
            error,
            NvmlError::NotSupported
                | NvmlError::InvalidArg
                | NvmlError::NotFound
                | NvmlError::NoData
                | NvmlError::FunctionNotFound
                | NvmlError::FailedToLoadSymbol(_)
        );
        if !is_unsupported {
            let fault = fault_of(&error);
            self.fault.get_or_insert(fault);
            if affects_whole_gpu(fault) {
                self.gpu_fault.get_or_insert(fault);
            }
        }
        None
    }

    /// Adds a reading, unless the value is missing or not finite.
    pub(crate) fn record(&mut self, metric: &'static Metric, more: &[(&'static str, &str)], value: Option<f64>) {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            self.readings.push(Reading { metric, labels: extended(self.labels, more), value });
        }
    }

    /// Adds the reading of a 32-bit field in multiples of `unit`.
    pub(crate) fn record_u32(
        &mut self,
        metric: &'static Metric,
        more: &[(&'static str, &str)],
        result: Result<u32, NvmlError>,
        unit: f64,
    ) {
        let value = self.check(result).filter(|value| *value != u32::MAX);
        self.record(metric, more, value.map(|value| f64::from(value) * unit));
    }

    /// Adds the reading of a 64-bit field in multiples of `unit`.
    pub(crate) fn record_u64(
        &mut self,
        metric: &'static Metric,
        more: &[(&'static str, &str)],
        result: Result<u64, NvmlError>,
        unit: f64,
    ) {
        let value = self.check(result).filter(|value| *value < MAX_VALUE);
        self.record(metric, more, value.map(|value| value as f64 * unit));
    }

    /// Adds the reading of a ratio in percent.
    pub(crate) fn record_percent(&mut self, metric: &'static Metric, percent: Option<u32>) {
        self.record(metric, &[], percent.filter(|percent| *percent <= 100).map(|percent| f64::from(percent) / 100.0));
    }

    /// Why the GPU cannot be measured: a fault affects all of it, or it reports nothing at all.
    pub(crate) fn fault(&self) -> Option<GpuFault> {
        self.gpu_fault.or(if self.readings.is_empty() { Some(self.fault.unwrap_or(GpuFault::Unknown)) } else { None })
    }

    /// Adds the readings and faults of a MIG device of the GPU.
    pub(crate) fn merge(&mut self, other: Recorder<'_>) {
        self.readings.extend(other.readings);
        self.fault = self.fault.or(other.fault);
        self.gpu_fault = self.gpu_fault.or(other.gpu_fault);
    }
}
