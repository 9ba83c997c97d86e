//! What a query depends on besides its graph: scope, label names, windows and how the server counts.
use super::PERCENTILES;
use super::selection::{Selection, of_each_model, of_machines, of_targets, of_targets_by_model};
use super::window::{Counting, HistoryStart, Peaks, Window, WindowKind};
use crate::contract::names::TARGET_ROLE;
use crate::promql_text::duration;
use crate::scope::one_of;
use crate::{Detail, KnownSeries, Machines, Scope, ScopeLabels};

/// Servers accept queries of 16 KiB; the rest is left for what callers add.
pub(crate) const MAX_QUERY_BYTES: usize = 15 << 10;

/// Rare events that leave a gap in the samples are counted over at least this long.
const MIN_WIDE_WINDOW_MS: i64 = 600_000;

/// What the query of a graph selects.
#[derive(Clone)]
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
    /// When the history of the scope began; none if that was before the range.
    pub history_start: Option<HistoryStart>,
    /// What else is known about the series.
    pub known: &'a dyn KnownSeries,
}

impl<'a> QueryContext<'a> {
    /// The context of values at single moments, with rates over `window_ms`, of series of which only the names are known.
    pub fn of_moments(scope: &'a Scope, labels: &'a ScopeLabels, window_ms: i64) -> Self {
        let (window, counting) = (Window::sliding(window_ms), Counting::Extrapolated);
        Self { scope, labels, window, peaks: None, counting, history_start: None, known: &() }
    }
}

/// Everything but the recipe that an expression depends on, as PromQL text.
#[derive(Clone)]
pub(crate) struct RenderedContext<'a> {
    /// Matchers of the selection.
    pub(crate) matchers: String,
    /// Selections of series about targets as a whole, which together are those of the selection.
    pub(crate) target_selections: Vec<Selection>,
    /// The selection of series of hosts.
    pub(crate) host_selection: Selection,
    /// What follows a selector of `up` to leave out targets that are no replicas.
    pub(crate) unless_role: String,
    /// Matchers for series of hosts, where they are of the scope: not those of a machine that stands apart.
    pub(crate) host_matchers: String,
    /// Matchers for series of the machine that stands apart, if there is one.
    pub(crate) apart_matchers: Option<String>,
    /// Whether there are hosts besides that machine.
    pub(crate) has_hosts: bool,
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
    /// A factor of rates, see [`HistoryStart`].
    pub(crate) rate_factor: Option<String>,
    /// How the lines of gauges keep their peaks.
    pub(crate) peaks: Option<Peaks>,
    /// The window in which rare events are counted.
    pub(crate) wide_window: String,
    /// The length of the wide window in seconds.
    pub(crate) wide_seconds: String,
    /// Whether the query is for a summary: percentiles without the mean, over the whole range.
    pub(crate) is_summary: bool,
    /// The backend's label for models; none if the query is of one model, or of those that another program selects.
    pub(crate) model_label: Option<&'a str>,
    /// The backend's label for replicas.
    pub(crate) replica_label: &'a str,
    /// Labels that are kept beside the name of the line.
    pub(crate) kept_labels: &'a [&'a str],
    /// The percentiles of latencies.
    pub(crate) percentiles: &'a [(&'a str, &'a str)],
    /// The largest query; the outermost engines are left out to stay below it.
    pub(crate) max_bytes: usize,
    /// Whether to choose between layers by what they count, which takes more text than by which of them exist.
    pub(crate) chooses: bool,
    /// The details to draw instead of sums and averages.
    pub(crate) detail: Option<Detail>,
    /// Whether a metric is present.
    pub(crate) present: &'a dyn Fn(&str) -> bool,
    /// What else is known about the series.
    pub(crate) known: &'a dyn KnownSeries,
}

impl<'a> RenderedContext<'a> {
    pub(crate) fn new(context: &'a QueryContext<'_>, present: &'a dyn Fn(&str) -> bool) -> Self {
        let QueryContext { scope, labels, window, peaks, counting, history_start, known } = context;
        let wide_ms = window.length_ms.max(MIN_WIDE_WINDOW_MS);
        let machine_matchers = scope.lenient_matchers(labels, false);
        let Machines { of_replicas, apart } = known.machines(scope);
        let with_instances = |operator: &str, instances: &[String]| {
            let comma = if machine_matchers.is_empty() { "" } else { "," };
            format!("{machine_matchers}{comma}instance{operator}{}", one_of(instances))
        };
        let host_matchers = match &of_replicas {
            Some(list) => with_instances("=~", list),
            None if !apart.is_empty() => with_instances("!~", &apart),
            None => machine_matchers.clone(),
        };
        Self {
            matchers: scope.matchers(labels),
            target_selections: of_targets(scope, labels, "", present),
            host_selection: of_machines(&host_matchers, present),
            host_matchers,
            apart_matchers: (!apart.is_empty()).then(|| with_instances("=~", &apart)),
            has_hosts: of_replicas.is_none_or(|list| !list.is_empty()),
            unless_role: unless_role(&labels.replica, present),
            machine_matchers,
            machine_replica_matchers: scope.lenient_matchers(labels, true),
            window: duration(window.length_ms),
            window_seconds: seconds(window.length_ms),
            window_kind: window.kind,
            counting: *counting,
            rate_factor: history_start.and_then(|start| start.factor(*window, *counting)),
            peaks: *peaks,
            wide_window: duration(wide_ms),
            wide_seconds: seconds(wide_ms),
            is_summary: false,
            model_label: scope.model.is_none().then_some(labels.model.as_str()),
            replica_label: &labels.replica,
            kept_labels: &[],
            percentiles: &PERCENTILES,
            max_bytes: MAX_QUERY_BYTES,
            chooses: true,
            detail: None,
            present,
            known: *known,
        }
    }

    /// The same for values over the last `length_ms` as a whole, which have no mean beside percentiles.
    pub(crate) fn over_range(self, length_ms: i64) -> Self {
        let (window, window_seconds) = (duration(length_ms), seconds(length_ms));
        Self {
            wide_window: window.clone(),
            wide_seconds: window_seconds.clone(),
            window,
            window_seconds,
            window_kind: WindowKind::Whole,
            rate_factor: None,
            peaks: None,
            is_summary: true,
            ..self
        }
    }

    /// The same for values of each model, kept apart by the backend's label for models in `kept_labels`.
    pub(crate) fn of_each_model(self, kept_labels: &'a [&'a str], labels: &ScopeLabels) -> Self {
        let target_selections = match kept_labels.is_empty() {
            true => self.target_selections,
            false => of_each_model(&self.matchers, labels, self.present),
        };
        Self { kept_labels, target_selections, ..self }
    }

    /// The context of a query with `model_matcher` (one matcher, or empty) and `window` as another program writes them.
    pub(crate) fn external(
        model_matcher: &str,
        window: &str,
        kept_labels: &'a [&'a str],
        present: &'a dyn Fn(&str) -> bool,
    ) -> Self {
        Self {
            matchers: model_matcher.to_owned(),
            target_selections: of_targets_by_model(model_matcher, kept_labels, present),
            host_selection: of_machines("", present),
            host_matchers: String::new(),
            apart_matchers: None,
            has_hosts: true,
            unless_role: unless_role("replica", present),
            machine_matchers: String::new(),
            machine_replica_matchers: String::new(),
            window: window.to_owned(),
            window_seconds: String::new(),
            window_kind: WindowKind::Sliding,
            counting: Counting::Extrapolated,
            rate_factor: None,
            peaks: None,
            wide_window: "10m".into(),
            wide_seconds: "600".into(),
            is_summary: false,
            model_label: None,
            replica_label: "replica",
            kept_labels,
            percentiles: &PERCENTILES,
            max_bytes: usize::MAX,
            chooses: true,
            detail: None,
            present,
            known: &(),
        }
    }

    /// The same for the machine that stands apart, if there is one.
    pub(crate) fn apart(&self) -> Option<Self> {
        let host_matchers = self.apart_matchers.clone()?;
        let host_selection = of_machines(&host_matchers, self.present);
        Some(Self { host_matchers, host_selection, ..self.clone() })
    }

    /// The labels that are kept beside the name of the line, and `more`, as a list.
    pub(crate) fn groups(&self, more: Option<&str>) -> String {
        let more = more.filter(|label| !self.kept_labels.contains(label));
        self.kept_labels.iter().copied().chain(more).collect::<Vec<_>>().join(", ")
    }
}

/// What leaves out targets that are no replicas: empty where all are.
fn unless_role(replica_label: &str, present: &dyn Fn(&str) -> bool) -> String {
    match present(TARGET_ROLE) {
        true => format!(" unless on (instance, {replica_label}) {TARGET_ROLE}"),
        false => String::new(),
    }
}

fn seconds(duration_ms: i64) -> String {
    (duration_ms as f64 / 1000.0).to_string()
}
