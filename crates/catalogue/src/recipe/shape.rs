//! How a recipe combines its metrics.

/// Names of one metric's samples, newest name first. A series keeps its line through a rename, and where a version
/// exports two of the names the newer one counts. A name may carry matchers,
/// `tgi_batch_inference_duration{method="prefill"}`, and a conversion from its own unit, so that the names of one metric
/// need not share it:
/// - `old_clock_mhz * 1e6`: a factor;
/// - `utilization percent`: 0 to 100, unless its values show that a collector has made it 0 to 1;
/// - `utilization_ratio share`: 0 to 1, unless its values show that it is 0 to 100.
pub type Names = &'static [&'static str];

/// How a recipe combines its metrics.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// A gauge, aggregated over the selection.
    Gauge {
        /// How series are combined.
        aggregation: Aggregation,
        /// The gauge.
        names: Names,
    },
    /// A gauge, one line for each value of a label.
    GaugeBy {
        /// How the series of one value are combined.
        aggregation: Aggregation,
        /// The gauge.
        names: Names,
        /// The label.
        label: &'static str,
    },
    /// A counter's rate per second: the sum, or the average where the counter counts busy seconds.
    Rate {
        /// How series are combined.
        aggregation: Aggregation,
        /// The counter.
        names: Names,
    },
    /// A counter's rate per second, one line for each value of a label.
    RateBy {
        /// How the series of one value are combined.
        aggregation: Aggregation,
        /// The counter.
        names: Names,
        /// The label.
        label: &'static str,
    },
    /// A counter's rate per second, one line for each class of an HTTP status: `"404"` and `"4xx"` count as 4xx. Codes
    /// of other protocols get a line each.
    RateByClass {
        /// The counter.
        names: Names,
        /// The label that holds the status.
        label: &'static str,
    },
    /// Percentiles and mean of a classic histogram; the names are without `_bucket`.
    Histogram {
        /// The histogram.
        names: Names,
    },
    /// Mean of a histogram or summary over the window; the names are without `_sum`.
    Mean {
        /// The histogram or summary.
        names: Names,
    },
    /// As `Mean`, one line for each value of a label.
    MeanBy {
        /// The histogram or summary.
        names: Names,
        /// The label.
        label: &'static str,
    },
    /// Percentiles that the server computed. They cannot be averaged, so the highest of several replicas is drawn.
    Quantiles {
        /// The summary.
        names: Names,
    },
    /// One counter over another within the window; no value while the denominator is not increasing.
    Ratio {
        /// The counter above the line.
        numerator: Names,
        /// The counter below it.
        denominator: Names,
    },
    /// One counter over the sum of itself and another within the window: hits over hits and misses.
    ShareOf {
        /// The counter whose share is drawn.
        part: Names,
        /// The other counter.
        rest: Names,
    },
    /// As `Ratio`, one line for each value of a label of the numerator.
    RatioBy {
        /// The counter above the line.
        numerator: Names,
        /// The counter below it.
        denominator: Names,
        /// The label.
        label: &'static str,
    },
    /// PromQL with placeholders: `$any(a | b)` for the alternatives whose metrics are present, joined by `or`, `$rate(x)` for a counter's rate, `$machine` for the matchers of hosts beside those of replicas, `$scope` for matchers (each followed by a comma), `$replica` for the backend's label of
    /// replicas, `$by` for the grouping of an aggregation, `$window` for the window of a rate, and `$wide` and
    /// `$wide_seconds` for a window long enough to see rare events. `$series(…)` is written out for each way in which the
    /// series of the first name are selected, `$once(…)` folds what is repeated, and `$unless_role` leaves out targets that
    /// are no replicas.
    Raw {
        /// The query.
        promql: &'static str,
        /// The metrics it reads. All must be present, but of those in alternatives only the metrics of one.
        names: Names,
    },
}

impl Shape {
    /// The one or two metrics that it reads.
    pub(super) fn names(&self) -> [Names; 2] {
        match *self {
            Self::Gauge { names, .. }
            | Self::GaugeBy { names, .. }
            | Self::Rate { names, .. }
            | Self::RateBy { names, .. }
            | Self::RateByClass { names, .. }
            | Self::Histogram { names }
            | Self::Mean { names }
            | Self::MeanBy { names, .. }
            | Self::Quantiles { names }
            | Self::Raw { names, .. } => [names, &[]],
            Self::Ratio { numerator, denominator } | Self::RatioBy { numerator, denominator, .. } => {
                [numerator, denominator]
            }
            Self::ShareOf { part, rest } => [part, rest],
        }
    }
}

/// How the values of several series become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregation {
    /// Their average.
    Avg,
    /// Their sum.
    Sum,
    /// The largest.
    Max,
    /// The smallest.
    Min,
}

impl Aggregation {
    /// All of them, in the order of their values.
    pub(super) const ALL: [Self; 4] = [Self::Avg, Self::Sum, Self::Max, Self::Min];

    /// The PromQL operator.
    pub(crate) fn operator(self) -> &'static str {
        match self {
            Self::Avg => "avg",
            Self::Sum => "sum",
            Self::Max => "max",
            Self::Min => "min",
        }
    }
}
