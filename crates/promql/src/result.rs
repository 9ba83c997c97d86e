//! What a query answers.
use crate::Labels;

/// One series' value at one time.
#[derive(Clone, PartialEq, Debug)]
pub struct Sample {
    /// The series' labels.
    pub labels: Labels,
    /// Unix time in milliseconds.
    pub time_ms: i64,
    /// The value.
    pub value: f64,
}

/// One series' values over time.
#[derive(Clone, PartialEq, Debug)]
pub struct Series {
    /// The series' labels.
    pub labels: Labels,
    /// Unix times in milliseconds, ascending, with the values; at least one.
    pub samples: Vec<(i64, f64)>,
}

/// A query's result, in one of Prometheus's four types.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// A number.
    Scalar {
        /// The time asked about, Unix milliseconds.
        time_ms: i64,
        /// The number.
        value: f64,
    },
    /// A text.
    String {
        /// The time asked about, Unix milliseconds.
        time_ms: i64,
        /// The text.
        value: String,
    },
    /// One sample per series; in the order of `sort`, `topk` or `bottomk`, else by labels.
    Vector(Vec<Sample>),
    /// Many samples per series, by labels.
    Matrix(Vec<Series>),
}

/// A result with the remarks made while computing it, in Prometheus's words.
#[derive(Clone, PartialEq, Debug)]
pub struct QueryResult {
    /// The result.
    pub value: Value,
    /// What makes the result doubtful; sorted, no text twice.
    pub warnings: Vec<String>,
    /// What may be a mistake in the query; sorted, no text twice.
    pub infos: Vec<String>,
}
