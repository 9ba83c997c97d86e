//! The windows of rates, how a server counts within one, and how gauges keep their peaks.
use crate::promql_text::{duration, labelled};

/// The label that tells the bounds of a gauge's line from its mean.
pub const BOUND_LABEL: &str = "bound";

/// The values of [`BOUND_LABEL`].
pub const LOWER_BOUND: &str = "least";
/// See [`LOWER_BOUND`].
pub const UPPER_BOUND: &str = "greatest";

/// The time that a rate looks back over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its length in milliseconds.
    pub length_ms: i64,
    /// How it lies beside other windows.
    pub kind: WindowKind,
}

/// How the windows of a query lie beside each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowKind {
    /// Each overlaps its neighbours: a moving average.
    Sliding,
    /// Each begins where the one before ends, so that every increase is in one of them. Samples after the end exist.
    Adjacent,
    /// It is the only one, and its increase is a count.
    Whole,
}

impl Window {
    /// A window that overlaps its neighbours.
    pub const fn sliding(length_ms: i64) -> Self {
        Self { length_ms, kind: WindowKind::Sliding }
    }
}

/// When the history behind a graph began, if that is within the range: a window that began earlier is partly empty, so the
/// increase in it is divided by the time since then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryStart {
    /// The time of the first scrape, Unix milliseconds.
    pub time_ms: i64,
    /// The scrape interval in milliseconds.
    pub interval_ms: i64,
}

/// `rate` extrapolates to the start of the window if the first sample is nearer to it than this many scrape intervals, and
/// else by half an interval: `extrapolatedRate` in Prometheus's `promql/functions.go`.
const NEAR_INTERVALS: f64 = 1.1;

impl HistoryStart {
    /// The factor from a rate over a window to one over the part of it that has history; none for rates that need none.
    pub(super) fn factor(self, window: Window, counting: Counting) -> Option<String> {
        let seconds = |ms: f64| ms / 1000.0;
        let (start_s, interval_s) = (seconds(self.time_ms as f64), seconds(self.interval_ms as f64));
        let length_s = seconds(window.length_ms as f64);
        // Before the start, where series without scrapes may have values, and a window's length after it, it is 1.
        let factor = |passed_s: String| format!("scalar(clamp_min(vector({length_s} / ({passed_s})), 1))");
        match (counting, window.kind) {
            (_, WindowKind::Whole) | (Counting::Difference, _) => None,
            (Counting::Anchored | Counting::AnchoredFromZero, WindowKind::Adjacent) => {
                Some(factor(format!("time() - {start_s:.3}")))
            }
            _ => {
                let near_s = start_s + length_s - NEAR_INTERVALS * interval_s;
                let from_s = start_s - interval_s / 2.0;
                Some(factor(format!("time() - {from_s:.3} + {length_s} * (time() >= bool {near_s:.3})")))
            }
        }
    }
}

/// An instant query with one result in PromQL and none in MetricsQL, which drops series without numbers.
pub const COUNTING_QUERY: &str = "vector(NaN)";

/// How a server counts the increase of a counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Counting {
    /// `rate(x[1m])` extrapolates to the ends of the window, so that a count is an estimate.
    #[default]
    Extrapolated,
    /// `rate(x[1m] anchored)` is the difference between the last samples before the ends of the window, and
    /// `rate(x[1m] smoothed)` interpolates at the ends. Prometheus 3.16 lists both under `promql` in `/api/v1/features`. What
    /// a counter has at its first sample is not counted, so that a count is an estimate.
    Anchored,
    /// The same by the companion, which keeps that a counter was zero before its first sample.
    AnchoredFromZero,
    /// `increase(x[1m])` is a difference between samples, as in MetricsQL.
    Difference,
}

impl Counting {
    /// Whether a count is counted rather than estimated.
    pub fn is_exact(self) -> bool {
        matches!(self, Self::AnchoredFromZero | Self::Difference)
    }

    /// Whether the server has `anchored` and `smoothed` selectors.
    pub fn is_anchored(self) -> bool {
        matches!(self, Self::Anchored | Self::AnchoredFromZero)
    }

    /// The rate of a counter per second; `window_seconds` is the length of `window`.
    pub(super) fn rate(self, kind: WindowKind, series: &str, window: &str, window_seconds: &str) -> String {
        match (self, kind) {
            (Self::Anchored | Self::AnchoredFromZero, WindowKind::Adjacent) => {
                format!("rate({series}[{window}] smoothed)")
            }
            (Self::Anchored | Self::AnchoredFromZero, WindowKind::Whole) => {
                format!("rate({series}[{window}] anchored)")
            }
            (Self::Difference, WindowKind::Whole) => format!("(increase({series}[{window}]) / {window_seconds})"),
            _ => format!("rate({series}[{window}])"),
        }
    }
}

/// How the lines of gauges keep their peaks where a step has several samples: each is drawn as its mean over the step,
/// with its least and greatest values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peaks {
    /// The time that a value stands for, in milliseconds.
    pub step_ms: i64,
    /// The distance of the moments that are looked at, in milliseconds.
    pub resolution_ms: i64,
    /// Whether all samples between two of these moments count, and not only the last.
    pub is_complete: bool,
}

impl Peaks {
    /// The lines of an expression: their mean, and with [`BOUND_LABEL`] their least and greatest values. `lines` writes
    /// the expression with a function such as `max_over_time` and its window, or with none, around its gauges.
    pub(super) fn lines(&self, lines: &dyn Fn(Option<Over>) -> String) -> String {
        let over = |function: &'static str| {
            let within = self.is_complete.then_some(Over { function, window_ms: self.resolution_ms });
            format!("{function}(({})[{}:{}])", lines(within), duration(self.step_ms), duration(self.resolution_ms))
        };
        format!(
            "{} or {} or {}",
            over("avg_over_time"),
            labelled(&over("min_over_time"), BOUND_LABEL, LOWER_BOUND),
            labelled(&over("max_over_time"), BOUND_LABEL, UPPER_BOUND)
        )
    }
}

/// A function over a gauge's samples.
#[derive(Clone, Copy, Debug)]
pub(super) struct Over {
    function: &'static str,
    window_ms: i64,
}

impl Over {
    /// The greatest value within a step.
    pub(super) fn greatest(window_ms: i64) -> Self {
        Self { function: "max_over_time", window_ms }
    }

    /// The function of a selector.
    pub(super) fn of(self, selector: &str) -> String {
        format!("{}({selector}[{}])", self.function, duration(self.window_ms))
    }
}
