//! The queries about targets: which are scraped, which of them answer, how often they are scraped, and which fail.
use super::changes::changes_with_sum;
use super::selection::{Selection, of_targets};
use super::window::{BOUND_LABEL, LOWER_BOUND, UPPER_BOUND};
use super::{PAGE_LABEL, QueryContext};
use crate::contract::names::SCRAPE_FAILED;
use crate::promql_text::{duration, labelled, named, quoted};
use crate::scope::one_of;
use crate::{Scope, ScopeLabels};

/// The line of the targets whose last sample is old, with its age in seconds.
pub const LATE_LINE: &str = "late";

/// The label of the job, in which targets are scraped alike.
const JOB_LABEL: &str = "job";

/// The queries about the targets of a scope. They include targets without the scope's labels, because a plain Prometheus
/// does not know which model a target serves.
#[derive(Clone, Copy, Debug)]
pub struct TargetQueries<'a> {
    /// The selection.
    pub scope: &'a Scope,
    /// The backend's names for its parts.
    pub labels: &'a ScopeLabels,
}

impl<'a> TargetQueries<'a> {
    /// The labels that the queries keep of a target.
    pub fn kept_labels(&self) -> Vec<&'a str> {
        let mut kept = self.group_labels();
        for label in [self.labels.replica.as_str(), PAGE_LABEL] {
            if !kept.contains(&label) {
                kept.push(label);
            }
        }
        kept
    }

    /// The labels of targets that are usually scraped alike.
    pub fn group_labels(&self) -> Vec<&'a str> {
        let [model, environment, deployment, _] = self.labels.all();
        let mut groups = vec![model, environment, deployment];
        if !groups.contains(&JOB_LABEL) {
            groups.push(JOB_LABEL);
        }
        groups
    }

    /// An instant query for the targets, with 1 for those that answer and 0 for the others; and, as [`LATE_LINE`], for
    /// those whose last sample is older than `max_age_ms`.
    pub fn all(&self, max_age_ms: i64) -> String {
        format!("{} or {}", self.up(""), self.late(max_age_ms))
    }

    /// As [`TargetQueries::all`], with only those that have changed within `since_ms`, [`GONE`](super::GONE) for those that
    /// are not scraped any more, and the sum of all.
    pub fn changes(&self, since_ms: i64, max_age_ms: i64) -> String {
        let before = self.up(&format!(" offset {}", duration(since_ms)));
        format!("{} or {}", changes_with_sum(&self.up(""), &before), self.late(max_age_ms))
    }

    /// Queries for the time of the newest scrape in Unix seconds, of the replica scraped longest ago: first of those that
    /// are known to be of the scope, then of those that may be. Where nothing is a replica, of all targets.
    pub fn oldest_scrape(&self, present: &dyn Fn(&str) -> bool, has_replicas: bool) -> Vec<String> {
        let of = |own: Selection, replica: &str| {
            let comma = if own.matchers.is_empty() || replica.is_empty() { "" } else { "," };
            format!("timestamp(up{{{}{comma}{replica}}}){}", own.matchers, own.filter)
        };
        let lenient = || Selection { matchers: self.scope.lenient_matchers(self.labels, true), filter: String::new() };
        let parts = if has_replicas {
            let replica = format!("{}!=\"\"", self.labels.replica);
            let own = of_targets(self.scope, self.labels, "", present).into_iter();
            vec![own.map(|own| of(own, &replica)).collect::<Vec<_>>().join(" or "), of(lenient(), &replica)]
        } else {
            vec![of(lenient(), "")]
        };
        parts.into_iter().map(|times| format!("min({times})")).collect()
    }

    fn up(&self, offset: &str) -> String {
        let (by, matchers) = (self.kept_labels().join(", "), self.scope.lenient_matchers(self.labels, true));
        format!("max by ({by}) (up{{{matchers}}}{offset})")
    }

    fn late(&self, max_age_ms: i64) -> String {
        let (by, matchers) = (self.kept_labels().join(", "), self.scope.lenient_matchers(self.labels, true));
        let age = format!("time() - max by ({by}) (timestamp(up{{{matchers}}}))");
        named(&format!("{age} > {}", max_age_ms as f64 / 1000.0), LATE_LINE)
    }
}

/// An instant query for the shortest and the longest scrape interval of targets, in seconds, by the labels that say which
/// are scraped alike, and [`BOUND_LABEL`].
pub fn intervals_query(labels: &ScopeLabels) -> String {
    let interval = interval("up");
    let by = TargetQueries { scope: &Scope::default(), labels }.group_labels().join(", ");
    let bound =
        |operator: &str, bound: &str| labelled(&format!("{operator} by ({by}) ({interval})"), BOUND_LABEL, bound);
    format!("{} or {}", bound("min", LOWER_BOUND), bound("max", UPPER_BOUND))
}

/// An instant query for the scrape interval of each target, in seconds.
pub fn target_intervals_query(labels: &ScopeLabels) -> String {
    let by = TargetQueries { scope: &Scope::default(), labels }.kept_labels().join(", ");
    format!("max by ({by}) ({})", interval("up"))
}

/// The scrape interval of targets in seconds: the time between two samples, divided by the number of scrapes between them.
/// The last half minute says it if it has several, so that a gap before does not count.
fn interval(up: &str) -> String {
    let over = |window: &str, least: &str| {
        format!("(timestamp({up}) - timestamp({up} offset {window})) / (count_over_time({up}[{window}]){least})")
    };
    format!("{} or {} or {}", over("30s", " >= 6"), over("180s", ""), over("30s", ""))
}

/// An instant query for the least value of another at steps over a time before.
pub fn oldest_over(query: &str, length_ms: i64, step_ms: i64) -> String {
    format!("min_over_time(({query})[{}:{}])", duration(length_ms), duration(step_ms))
}

/// An instant query for the times of recent scrapes of some targets.
pub fn recent_scrapes_query(instances: &[String], replicas: &[String], labels: &ScopeLabels) -> String {
    let (page, replica) = (one_of(instances), one_of(replicas));
    format!("up{{{PAGE_LABEL}=~{page},{}=~{replica}}}[3m]", labels.replica)
}

/// A range query for how many samples of a metric some replica of each model, environment and deployment has within a
/// window, if it was there before the window too: of one that has just begun the number would be too low. Of series without
/// a replica, if `has_replica` is not set.
pub fn sample_counts_query(
    metric_name: &str,
    has_replica: bool,
    window_ms: i64,
    scope: &Scope,
    labels: &ScopeLabels,
) -> String {
    let [model, environment, deployment, replica] = labels.all();
    let (matchers, window) = (scope.lenient_matchers(labels, true), duration(window_ms));
    let operator = if has_replica { "!=" } else { "=" };
    let selector = format!("{{__name__={},{replica}{operator}\"\",{matchers}}}", quoted(metric_name));
    let count = format!("count_over_time({selector}[{window}]");
    format!("max by ({model}, {environment}, {deployment}) ({count}) and {count} offset {window}))")
}

/// An instant query for the targets in scope whose scrapes fail: how many there are of each `reason` and `status`, and the
/// labels of some. None if there are none. A target has no model before its first metrics page, so those without one match
/// too.
pub fn failures_query(present: &dyn Fn(&str) -> bool, context: &QueryContext<'_>, max_named: usize) -> Option<String> {
    let failed = format!("{SCRAPE_FAILED}{{{}}}", context.scope.lenient_matchers(context.labels, true));
    present(SCRAPE_FAILED).then(|| format!("count by (reason, status) ({failed}) or topk({max_named}, {failed})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_asked_with_and_without_a_model() {
        let (scope, labels) = (Scope { model: Some("m".into()), ..Scope::default() }, ScopeLabels::default());
        let queries = TargetQueries { scope: &scope, labels: &labels };
        let up = r#"max by (model, environment, deployment, job, replica, instance) (up{model=~"|m"})"#;
        assert!(queries.all(15_000).starts_with(&format!("{up} or ")), "{}", queries.all(15_000));
        let changes = queries.changes(30_000, 15_000);
        assert!(changes.starts_with(&format!("({up}) unless ")) && changes.contains("up{model=~\"|m\"} offset 30s"));
        assert!(changes.contains(" > 15, \"line\", \"late\""), "{changes}");
        let labels = ScopeLabels::of_prometheus();
        let queries = TargetQueries { scope: &scope, labels: &labels };
        assert_eq!(queries.kept_labels(), ["model_name", "environment", "job", "instance"], "each once");
    }

    #[test]
    fn the_oldest_scrape_is_of_replicas_where_there_are_any() {
        let (scope, labels) = (Scope { model: Some("m".into()), ..Scope::default() }, ScopeLabels::default());
        let queries = TargetQueries { scope: &scope, labels: &labels };
        let of = |has_replicas: bool| queries.oldest_scrape(&|_| false, has_replicas);
        let own = r#"min(timestamp(up{model="m",replica!=""}))"#;
        assert_eq!(of(true), [own, r#"min(timestamp(up{model=~"|m",replica!=""}))"#]);
        assert_eq!(of(false), [r#"min(timestamp(up{model=~"|m"}))"#], "a machine alone");
        let all = TargetQueries { scope: &Scope::default(), labels: &labels };
        assert_eq!(all.oldest_scrape(&|_| false, true)[0], r#"min(timestamp(up{replica!=""}))"#);
        assert_eq!(oldest_over(own, 900_000, 5000), format!("min_over_time(({own})[900s:5s])"));
    }

    #[test]
    fn samples_are_counted_of_what_was_there_before() {
        let scope = Scope { model: Some("a".into()), ..Scope::default() };
        let query = sample_counts_query("m", true, 900_000, &scope, &ScopeLabels::default());
        let count = r#"count_over_time({__name__="m",replica!="",model=~"|a"}[900s]"#;
        assert_eq!(query, format!("max by (model, environment, deployment) ({count}) and {count} offset 900s))"));
    }

    #[test]
    fn failures_are_counted_and_some_are_named() {
        let (scope, labels) = (Scope { model: Some("m".into()), ..Scope::default() }, ScopeLabels::default());
        let context = QueryContext::of_moments(&scope, &labels, 60_000);
        let query = failures_query(&|name| name == SCRAPE_FAILED, &context, 3);
        let failed = r#"inferboard_scrape_failed{model=~"|m"}"#;
        assert_eq!(query, Some(format!("count by (reason, status) ({failed}) or topk(3, {failed})")));
        assert_eq!(failures_query(&|_| false, &context, 3), None);
    }
}
