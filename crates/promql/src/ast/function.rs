//! The functions of PromQL.

#[derive(Clone, Copy, Debug)]
pub(crate) enum Function {
    /// A function of each value.
    Math(fn(f64) -> f64),
    /// A part of the date that each value is as a Unix time; by default of the evaluation time.
    Date(DatePart),
    Round,
    Clamp,
    ClampMin,
    ClampMax,
    Timestamp,
    OverWindow(WindowFunction),
    AbsentOverTime,
    Absent,
    Sort {
        descending: bool,
    },
    LabelReplace,
    LabelJoin,
    HistogramQuantile,
    HistogramFraction,
    /// A function of native histograms, which do not exist here.
    NativeHistogram,
    Vector,
    Scalar,
    Time,
    Pi,
    Start,
    End,
    Step,
    Range,
    MinOf,
    MaxOf,
}

impl Function {
    /// Whether each input series becomes one output series whose labels differ at most by the metric name.
    pub(crate) fn is_elementwise(self) -> bool {
        matches!(
            self,
            Self::Math(_)
                | Self::Date(_)
                | Self::Round
                | Self::Clamp
                | Self::ClampMin
                | Self::ClampMax
                | Self::Timestamp
        )
    }

    /// Whether output series can be passed on one by one, without holding all of them.
    pub(crate) fn streams(self) -> bool {
        self.is_elementwise() || matches!(self, Self::OverWindow(_) | Self::Vector | Self::NativeHistogram)
    }
}

/// A part of a date in UTC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum DatePart {
    Minute,
    Hour,
    DayOfWeek,
    DayOfMonth,
    DayOfYear,
    DaysInMonth,
    Month,
    Year,
}

/// A function of the samples in a window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum WindowFunction {
    Rate,
    Increase,
    Delta,
    Irate,
    Idelta,
    Deriv,
    PredictLinear,
    Changes,
    Resets,
    Sum,
    Avg,
    Min,
    Max,
    Count,
    First,
    Last,
    Present,
    Stddev,
    Stdvar,
    Quantile,
}

impl WindowFunction {
    /// Whether the metric name stays, as the result is a sample of the window.
    pub(crate) fn keeps_name(self) -> bool {
        matches!(self, Self::First | Self::Last)
    }
}
