//! The functions of PromQL: their names, and their evaluation.
mod absent;
mod by_name;
mod call;
mod date;
mod extended_rate;
mod histogram_functions;
mod label_functions;
mod math;
mod over_time;
mod rate;
mod regression;
mod signature;
mod sort;
mod window_functions;

pub(crate) use by_name::by_name;
pub(crate) use signature::{all, is_experimental};
