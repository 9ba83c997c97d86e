//! What a query depends on besides its graph: scope, label names, windows and how the server counts.
use super::window::{Counting, Peaks, Window, WindowKind};
use crate::promql_text::duration;
use crate::{Detail, Scope, ScopeLabels};

/// Servers accept queries of 16 KiB; the rest is left for what callers add.
const MAX_QUERY_BYTES: usize = 15 << 10;

/// Rare events that leave a gap in the samples are counted over at least this long.
const MIN_WIDE_WINDOW_MS: i64 = 600_000;

/// What the query of a graph selects.
#[derive(Clone, Debug)]
pub struct QueryContext<'a> {
    /// The selection.
    pub scope: &'a Scope,
    /// The backend's names for its parts.
    pub labels: &'a ScopeLabels,
    /// The window of a rate.
    pub window: Window,
    /// How the lines of gauges keep their peaks; none for values of one moment.
    pub peaks: Option<Peaks>,
    /// How the server counts.
    pub counting: Counting,
}

impl<'a> QueryContext<'a> {
    /// The context of values at single moments, with rates over `window_ms`.
    pub fn of_moments(scope: &'a Scope, labels: &'a ScopeLabels, window_ms: i64) -> Self {
        Self { scope, labels, window: Window::sliding(window_ms), peaks: None, counting: Counting::Extrapolated }
    }
}

/// Everything but the recipe that an expression depends on, as PromQL text.
pub(crate) struct RenderedContext<'a> {
    /// Matchers of the selection.
    pub(crate) matchers: String,
    /// Matchers for series of machines, which need not carry the labels of a scope.
    pub(crate) machine_matchers: String,
    /// Matchers for series of machines that carry the backend's label for replicas.
    pub(crate) machine_replica_matchers: String,
    /// The window of a rate.
    pub(crate) window: String,
    /// The length of the window in seconds.
    pub(crate) window_seconds: String,
    /// How the windows lie beside each other.
    pub(crate) window_kind: WindowKind,
    /// How the server counts.
    pub(crate) counting: Counting,
    /// How the lines of gauges keep their peaks.
    pub(crate) peaks: Option<Peaks>,
    /// The window in which rare events are counted.
    pub(crate) wide_window: String,
    /// The length of the wide window in seconds.
    pub(crate) wide_seconds: String,
    /// Whether the query is for a summary: percentiles without the mean, over the whole range.
    pub(crate) is_summary: bool,
    /// The backend's label for replicas.
    pub(crate) replica_label: &'a str,
    /// Labels that are kept beside the name of the line.
    pub(crate) kept_labels: &'a [&'a str],
    /// The largest query; the outermost engines are left out to stay below it.
    pub(crate) max_bytes: usize,
    /// The details to draw instead of sums and averages.
    pub(crate) detail: Option<Detail>,
    /// Whether a metric is present.
    pub(crate) present: &'a dyn Fn(&str) -> bool,
}

impl<'a> RenderedContext<'a> {
    pub(crate) fn new(context: &'a QueryContext<'_>, present: &'a dyn Fn(&str) -> bool) -> Self {
        let QueryContext { scope, labels, window, peaks, counting } = context;
        let wide_ms = window.length_ms.max(MIN_WIDE_WINDOW_MS);
        Self {
            matchers: scope.matchers(labels),
            machine_matchers: scope.lenient_matchers(labels, false),
            machine_replica_matchers: scope.lenient_matchers(labels, true),
            window: duration(window.length_ms),
            window_seconds: seconds(window.length_ms),
            window_kind: window.kind,
            counting: *counting,
            peaks: *peaks,
            wide_window: duration(wide_ms),
            wide_seconds: seconds(wide_ms),
            is_summary: false,
            replica_label: &labels.replica,
            kept_labels: &[],
            max_bytes: MAX_QUERY_BYTES,
            detail: None,
            present,
        }
    }

    /// The same for the summary of a range, which is the window of `context`.
    pub(crate) fn for_summary(self, context: &QueryContext<'_>) -> Self {
        let length_ms = context.window.length_ms;
        Self { wide_window: duration(length_ms), wide_seconds: seconds(length_ms), is_summary: true, ..self }
    }

    /// The context of a query with `matchers` and `window` as another program writes them.
    pub(crate) fn external(
        matchers: &str,
        window: &str,
        kept_labels: &'a [&'a str],
        present: &'a dyn Fn(&str) -> bool,
    ) -> Self {
        Self {
            matchers: matchers.to_owned(),
            machine_matchers: String::new(),
            machine_replica_matchers: String::new(),
            window: window.to_owned(),
            window_seconds: String::new(),
            window_kind: WindowKind::Sliding,
            counting: Counting::Extrapolated,
            peaks: None,
            wide_window: "10m".into(),
            wide_seconds: "600".into(),
            is_summary: false,
            replica_label: "replica",
            kept_labels,
            max_bytes: usize::MAX,
            detail: None,
            present,
        }
    }
}

fn seconds(duration_ms: i64) -> String {
    (duration_ms as f64 / 1000.0).to_string()
}
