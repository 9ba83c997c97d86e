//! Query results.
use crate::Labels;

/// The value of one series at one time.
#[derive(Clone, PartialEq, Debug)]
pub struct Sample {
    /// The labels of the series.
    pub labels: Labels,
    /// Unix time in milliseconds.
    pub time_ms: i64,
    /// The value.
    pub value: f64,
}

/// The values of one series over time.
#[derive(Clone, PartialEq, Debug)]
pub struct Series {
    /// The labels of the series.
    pub labels: Labels,
    /// At least one pair of Unix time in milliseconds and value, in ascending order of time.
    pub samples: Vec<(i64, f64)>,
}

/// The value of a query, of one of Prometheus's four types.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// A number.
    Scalar {
        /// The evaluation time in Unix milliseconds.
        time_ms: i64,
        /// The number.
        value: f64,
    },
    /// A string.
    String {
        /// The evaluation time in Unix milliseconds.
        time_ms: i64,
        /// The string.
        value: String,
    },
    /// One sample per series, ordered by `sort`, `topk` or `bottomk` if the query has one, otherwise by labels.
    Vector(Vec<Sample>),
    /// Several samples per series, ordered by labels.
    Matrix(Vec<Series>),
}

/// How many samples a query took, as Prometheus counts them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SampleCounts {
    /// The samples that the storage read.
    pub read: u64,
    /// The samples in the windows of all steps; one that is in several windows counts for each.
    pub loaded: u64,
}

/// The value of a query with its annotations, in Prometheus's words.
#[derive(Clone, PartialEq, Debug)]
pub struct QueryResult {
    /// The value.
    pub value: Value,
    /// Reasons to doubt the value; sorted, without duplicates.
    pub warnings: Vec<String>,
    /// Possible mistakes in the query; sorted, without duplicates.
    pub infos: Vec<String>,
    /// How many samples it took.
    pub samples: SampleCounts,
}
