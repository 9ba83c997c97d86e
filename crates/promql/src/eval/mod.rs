//! Evaluation: one series after another, each at all steps at once.
//!
//! An expression either streams its series to a sink as each is finished, or computes a [`StepMatrix`] of all of them.
//! An aggregation folds the series that its operand streams, so the series of a selector are never in memory together.
mod absent_labels;
mod aggregate;
mod annotations;
mod binary;
mod budget;
mod count_values;
mod elementwise;
mod evaluator;
mod extended;
mod label_map;
mod matching;
mod memo;
mod properties;
mod run;
mod select;
mod set_operators;
mod step_matrix;
mod steps;
mod topk;
mod windows;

pub(crate) use absent_labels::absent_labels;
pub(crate) use evaluator::Evaluator;
pub(crate) use extended::Extender;
pub(crate) use label_map::LabelMap;
pub(crate) use properties::type_mismatch;
pub use run::{instant, range};
pub(crate) use select::SamplesNeeded;
pub(crate) use step_matrix::{Row, Sink, StepMatrix};
pub(crate) use steps::Steps;
pub(crate) use windows::{Window, WindowedSamples};
