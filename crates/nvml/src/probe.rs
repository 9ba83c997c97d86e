//! Gathering a card's readings while single fields fail.
use crate::fault::{affects_whole_card, fault_of};
use crate::identity::with;
use crate::metric::{Metric, Reading};
use catalogue::contract::GpuFault;
use nvml_wrapper::error::NvmlError;

/// Values at and above this are NVML's ways to say that there is none: -1 in 64 bits, and DCGM's blanks near 2^63.
const LARGEST: u64 = 1 << 62;

/// What one card told.
#[derive(Debug)]
pub(crate) struct Probe<'a> {
    labels: &'a str,
    pub(crate) readings: Vec<Reading>,
    /// The first fault met, and the first that takes the whole card.
    fault: Option<GpuFault>,
    lost: Option<GpuFault>,
}

impl<'a> Probe<'a> {
    /// Nothing told yet of what has these labels.
    pub(crate) fn new(labels: &'a str) -> Self {
        Self { labels, readings: Vec::new(), fault: None, lost: None }
    }

    /// The value, if there is one; what went wrong is noted, but for what the card does not support.
    pub(crate) fn ask<T>(&mut self, answer: Result<T, NvmlError>) -> Option<T> {
        let error = match answer {
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
            if affects_whole_card(fault) {
                self.lost.get_or_insert(fault);
            }
        }
        None
    }

    /// Adds a reading; what is no number is left out.
    pub(crate) fn tell(&mut self, metric: &'static Metric, more: &[(&str, &str)], value: Option<f64>) {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            self.readings.push(Reading { metric, labels: with(self.labels, more).into(), value });
        }
    }

    /// Adds the reading of a field that counts in units of `unit`.
    pub(crate) fn tell_u32(
        &mut self,
        metric: &'static Metric,
        more: &[(&str, &str)],
        answer: Result<u32, NvmlError>,
        unit: f64,
    ) {
        let value = self.ask(answer).filter(|value| *value != u32::MAX);
        self.tell(metric, more, value.map(|value| f64::from(value) * unit));
    }

    /// As `tell_u32`, for wide fields.
    pub(crate) fn tell_u64(
        &mut self,
        metric: &'static Metric,
        more: &[(&str, &str)],
        answer: Result<u64, NvmlError>,
        unit: f64,
    ) {
        let value = self.ask(answer).filter(|value| *value < LARGEST);
        self.tell(metric, more, value.map(|value| value as f64 * unit));
    }

    /// Adds a share that is given in percent.
    pub(crate) fn tell_percent(&mut self, metric: &'static Metric, percent: Option<u32>) {
        self.tell(metric, &[], percent.filter(|percent| *percent <= 100).map(|percent| f64::from(percent) / 100.0));
    }

    /// Why the card cannot be measured: something took all of it, or nothing at all was told.
    pub(crate) fn fault(&self) -> Option<GpuFault> {
        self.lost.or(if self.readings.is_empty() { Some(self.fault.unwrap_or(GpuFault::Unknown)) } else { None })
    }

    /// Adds what was told of a part of the card.
    pub(crate) fn join(&mut self, part: Probe<'_>) {
        self.readings.extend(part.readings);
        self.fault = self.fault.or(part.fault);
        self.lost = self.lost.or(part.lost);
    }
}
