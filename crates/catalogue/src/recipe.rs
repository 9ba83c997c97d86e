//! The words an engine's metrics are described in: a recipe makes one line of one graph of them.

/// How the metrics of one engine make a line of a graph.
#[derive(Debug)]
pub struct Recipe {
    /// What it draws: a graph's id, or `id/line` for a line that has a name.
    pub feeds: &'static str,
    /// What is made of the metrics.
    pub shape: Shape,
    /// What brings the values to the graph's unit: 0.001 for milliseconds.
    pub scale: f64,
    /// What is added to a ratio: 1 where the part is what came on top of one.
    pub plus: f64,
    /// A comparison that only real values pass, such as `< 9e18` where a huge number says that there is none.
    pub valid: &'static str,
    /// The layer that it counts at, where that is not its engine's.
    pub layer: Option<super::Layer>,
    /// What must be turned on for these metrics to be there.
    pub needs: &'static str,
    /// The first version of the engine that has them.
    pub since: &'static str,
    /// Where its names are from, when no capture of a running server has them.
    pub documented: &'static str,
}

impl Recipe {
    /// Id of the graph that it feeds.
    pub fn graph(&self) -> &'static str {
        self.feeds.split_once('/').map_or(self.feeds, |(graph, _)| graph)
    }

    /// Name of the line that it draws; empty when the shape names its lines.
    pub fn line(&self) -> &'static str {
        self.feeds.split_once('/').map_or("", |(_, line)| line)
    }

    const fn new(feeds: &'static str, shape: Shape) -> Self {
        Self { feeds, shape, scale: 1.0, plus: 0.0, valid: "", layer: None, needs: "", since: "", documented: "" }
    }

    pub(crate) const fn scale(mut self, scale: f64) -> Self {
        self.scale = scale;
        self
    }

    pub(crate) const fn plus(mut self, plus: f64) -> Self {
        self.plus = plus;
        self
    }

    pub(crate) const fn valid(mut self, valid: &'static str) -> Self {
        self.valid = valid;
        self
    }

    pub(crate) const fn layer(mut self, layer: super::Layer) -> Self {
        self.layer = Some(layer);
        self
    }

    pub(crate) const fn needs(mut self, needs: &'static str) -> Self {
        self.needs = needs;
        self
    }

    pub(crate) const fn since(mut self, since: &'static str) -> Self {
        self.since = since;
        self
    }

    pub(crate) const fn documented(mut self, documented: &'static str) -> Self {
        self.documented = documented;
        self
    }
}

/// Names of samples, newest first: one metric under all the names it has had. A series keeps its line through a rename,
/// and where a version exports two of the names at once the newer counts. A name may carry matchers:
/// `tgi_batch_inference_duration{method="prefill"}`.
pub type Names = &'static [&'static str];

/// What is made of a metric.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// One value of a gauge over what is selected.
    Gauge {
        /// Mean, sum, or the largest or smallest.
        fold: Fold,
        /// The gauge.
        names: Names,
    },
    /// A gauge, one line for each value of a label.
    GaugeBy {
        /// Over the series that share the value.
        fold: Fold,
        /// The gauge.
        names: Names,
        /// The label.
        label: &'static str,
    },
    /// Sum, or mean where the counter counts seconds of being busy, of a counter's rate per second.
    Rate {
        /// Over what is selected.
        fold: Fold,
        /// The counter.
        names: Names,
    },
    /// A counter's rate per second, one line for each value of a label.
    RateBy {
        /// Over the series that share the value.
        fold: Fold,
        /// The counter.
        names: Names,
        /// The label.
        label: &'static str,
    },
    /// A counter's rate per second, one line for each class of an HTTP status: `"404"` and `"4xx"` count as 4xx. Codes
    /// of other protocols keep a line each.
    RateByClass {
        /// The counter.
        names: Names,
        /// The label that holds the status.
        label: &'static str,
    },
    /// Percentiles and mean of a classic histogram; the names are without `_bucket`.
    Spread {
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
    /// Percentiles that the server computed. They cannot be averaged: of several replicas the highest is drawn.
    Quantiles {
        /// The summary.
        names: Names,
    },
    /// One counter over another within the window; absent while the whole stands still.
    Ratio {
        /// The counter above the line.
        part: Names,
        /// The counter below it.
        whole: Names,
    },
    /// One counter over itself and another within the window: hits of hits and misses.
    ShareOf {
        /// The counter above the line.
        part: Names,
        /// What the whole has besides.
        rest: Names,
    },
    /// As `Ratio`, one line for each value of a label of the part.
    RatioBy {
        /// The counter above the line.
        part: Names,
        /// The counter below it.
        whole: Names,
        /// The label.
        label: &'static str,
    },
    /// PromQL as it is, with `$scope` for matchers (each followed by a comma), `$replica` for the label of that name,
    /// `$by` for the grouping of an aggregation, `$window` for the window of a rate, and `$wide` and `$wide_seconds` for one in
    /// which rare events are seen.
    Raw {
        /// The query.
        promql: &'static str,
        /// The metrics it reads, all of which must be present.
        names: Names,
    },
}

/// How the values of several series become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// Their mean.
    Mean,
    /// Their sum.
    Sum,
    /// The largest.
    Max,
    /// The smallest.
    Min,
}

impl Fold {
    /// The aggregation of that kind.
    pub(crate) fn operator(self) -> &'static str {
        match self {
            Self::Mean => "avg",
            Self::Sum => "sum",
            Self::Max => "max",
            Self::Min => "min",
        }
    }
}

/// Mean of a gauge.
pub(crate) const fn level(feeds: &'static str, names: Names) -> Recipe {
    Recipe::new(feeds, Shape::Gauge { fold: Fold::Mean, names })
}

/// Largest value of a gauge.
pub(crate) const fn peak(feeds: &'static str, names: Names) -> Recipe {
    Recipe::new(feeds, Shape::Gauge { fold: Fold::Max, names })
}

/// Smallest value of a gauge.
pub(crate) const fn lowest(feeds: &'static str, names: Names) -> Recipe {
    Recipe::new(feeds, Shape::Gauge { fold: Fold::Min, names })
}

/// Sum of a gauge.
pub(crate) const fn total(feeds: &'static str, names: Names) -> Recipe {
    Recipe::new(feeds, Shape::Gauge { fold: Fold::Sum, names })
}

/// Sum of a gauge by a label.
pub(crate) const fn total_by(feeds: &'static str, names: Names, label: &'static str) -> Recipe {
    Recipe::new(feeds, Shape::GaugeBy { fold: Fold::Sum, names, label })
}

/// Largest value of a gauge by a label.
pub(crate) const fn peak_by(feeds: &'static str, names: Names, label: &'static str) -> Recipe {
    Recipe::new(feeds, Shape::GaugeBy { fold: Fold::Max, names, label })
}

/// Sum of a counter's rate.
pub(crate) const fn rate(feeds: &'static str, names: Names) -> Recipe {
    Recipe::new(feeds, Shape::Rate { fold: Fold::Sum, names })
}

/// Mean of a counter's rate: of counted seconds, the share of time.
pub(crate) const fn mean_rate(feeds: &'static str, names: Names) -> Recipe {
    Recipe::new(feeds, Shape::Rate { fold: Fold::Mean, names })
}

/// A counter's rate by a label.
pub(crate) const fn rate_by(feeds: &'static str, names: Names, label: &'static str) -> Recipe {
    Recipe::new(feeds, Shape::RateBy { fold: Fold::Sum, names, label })
}

/// Mean of a counter's rate by a label.
pub(crate) const fn mean_rate_by(feeds: &'static str, names: Names, label: &'static str) -> Recipe {
    Recipe::new(feeds, Shape::RateBy { fold: Fold::Mean, names, label })
}

/// A counter's rate by status class.
pub(crate) const fn rate_by_class(feeds: &'static str, names: Names, label: &'static str) -> Recipe {
    Recipe::new(feeds, Shape::RateByClass { names, label })
}

/// Percentiles of a histogram.
pub(crate) const fn spread(feeds: &'static str, names: Names) -> Recipe {
    Recipe::new(feeds, Shape::Spread { names })
}

/// Mean of a histogram or summary.
pub(crate) const fn mean(feeds: &'static str, names: Names) -> Recipe {
    Recipe::new(feeds, Shape::Mean { names })
}

/// Mean of a histogram or summary by a label.
pub(crate) const fn mean_by(feeds: &'static str, names: Names, label: &'static str) -> Recipe {
    Recipe::new(feeds, Shape::MeanBy { names, label })
}

/// Percentiles of a summary.
pub(crate) const fn quantiles(feeds: &'static str, names: Names) -> Recipe {
    Recipe::new(feeds, Shape::Quantiles { names })
}

/// One counter over another.
pub(crate) const fn ratio(feeds: &'static str, part: Names, whole: Names) -> Recipe {
    Recipe::new(feeds, Shape::Ratio { part, whole })
}

/// One counter over itself and another.
pub(crate) const fn share_of(feeds: &'static str, part: Names, rest: Names) -> Recipe {
    Recipe::new(feeds, Shape::ShareOf { part, rest })
}

/// One counter by a label over another.
pub(crate) const fn ratio_by(feeds: &'static str, part: Names, whole: Names, label: &'static str) -> Recipe {
    Recipe::new(feeds, Shape::RatioBy { part, whole, label })
}

/// PromQL.
pub(crate) const fn raw(feeds: &'static str, promql: &'static str, names: Names) -> Recipe {
    Recipe::new(feeds, Shape::Raw { promql, names })
}
