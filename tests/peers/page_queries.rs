//! The page's queries must have the same results in the companion and in Prometheus, which hold the same samples.
use catalogue::{GRAPHS, QueryContext, Scope, ScopeLabels, drawn_query, start_times_query, summary_query};
use inferboard_tests::{
    Api, Companion, FixtureError, Play, Prometheus, Recording, Replay, Result, SeriesKey, now_ms, skipped, until,
};
use prometheus_api::{RangeValues, Series};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The scrape interval of both.
const INTERVAL: Duration = Duration::from_millis(250);
/// The step of range queries. Like all windows below, it is a whole number of seconds.
const STEP_MS: i64 = 5000;
/// Windows of rates: the shortest that the page uses for a scrape interval of 5 s, and windows of longer steps.
const WINDOWS_MS: [i64; 3] = [20_000, 60_000, 240_000];
/// The largest difference of equal values, relative to the larger one.
const TOLERANCE: f64 = 1e-6;
/// If the first sample in a window is further than this from its start, the two servers extrapolate differently.
const MAX_COMPARABLE_GAP_MS: i64 = 5500;

/// A query and, if it has a `rate` or an `increase`, the window and the metrics over which it extrapolates.
struct TestQuery {
    promql: String,
    extrapolation: Option<(i64, Vec<String>)>,
}

/// The queries that the page sends: for every graph that has data in the recording, those of the graph and its summary
/// with three windows; and the query of start times.
fn page_queries(recorded: &BTreeSet<String>) -> Vec<TestQuery> {
    let (scope, labels) = (Scope { model: Some("tiny-llama".into()), ..Scope::default() }, ScopeLabels::default());
    // Excludes `up`, whose timestamps differ between two scrapers.
    let is_present = |name: &str| recorded.contains(name);
    let mut queries = vec![plain(start_times_query(&QueryContext::of_moments(&scope, &labels, 60_000)))];
    for window_ms in WINDOWS_MS {
        let context = QueryContext::of_moments(&scope, &labels, window_ms);
        for graph in GRAPHS {
            let drawn = drawn_query(graph, &is_present, &context);
            let summary = summary_query(graph, &is_present, &context, window_ms);
            let summary = summary.filter(|summary| Some(summary) != drawn.as_ref());
            let both = [drawn, summary].into_iter().flatten();
            queries.extend(both.map(|query| extrapolating(query, window_ms, recorded)));
        }
    }
    queries
}

/// Queries that the page does not send, but that a Grafana panel or a finding could.
fn other_queries() -> Vec<TestQuery> {
    [
        "group by (__name__, model, replica) (last_over_time({__name__=~\"http_.+|vllm:num_.+\"}[2m]))",
        "max_over_time(vllm:num_requests_running[1m])",
        "avg_over_time(process_resident_memory_bytes[2m])",
        "quantile_over_time(0.9, vllm:num_requests_running[5m])",
        "time() - process_start_time_seconds",
        "changes(process_start_time_seconds[5m]) > 0",
        "resets(vllm:generation_tokens_total[5m])",
        "http_requests_total offset 1m",
        "topk(1, vllm:request_success_total)",
        "count by (status) (http_requests_total)",
        "absent(sglang:num_running_reqs)",
        // Not a whole number of seconds, because the steps of the subquery are, and none may lie on the window's edge.
        "max_over_time((vllm:num_requests_running + vllm:num_requests_waiting)[59s500ms:10s])",
        "irate(process_cpu_seconds_total[1m])",
        "delta(process_resident_memory_bytes[1m])",
        "deriv(process_resident_memory_bytes[1m])",
        "sum by (reason) (vllm:num_requests_waiting_by_reason)",
    ]
    .map(|query| plain(query.to_owned()))
    .into()
}

fn plain(promql: String) -> TestQuery {
    TestQuery { promql, extrapolation: None }
}

fn extrapolating(promql: String, window_ms: i64, recorded: &BTreeSet<String>) -> TestQuery {
    let metrics = recorded.iter().filter(|name| promql.contains(&format!("rate({name}{{"))).cloned().collect();
    TestQuery { promql, extrapolation: Some((window_ms, metrics)) }
}

#[tokio::test(flavor = "multi_thread")]
async fn page_queries_have_the_same_results_in_prometheus() -> Result<()> {
    let recording = Recording::vllm()?;
    let last_ms = last_page_time_ms(&recording);
    let ours = Replay::start(recording.clone(), Play::Stamped { last_ms }, 0)?;
    let theirs = Replay::start(recording.clone(), Play::Stamped { last_ms }, 0)?;
    let interval = format!("{}ms", INTERVAL.as_millis());
    let companion =
        Companion::start(&["--no-discovery", "--scrape-interval", &interval, "--target", &ours.url()]).await?;
    let labels = scope_labels(&companion.api(), &ours).await?;
    let prometheus = match Prometheus::start(&theirs, INTERVAL, &labels).await {
        Err(FixtureError::Absent(program)) => {
            skipped(format_args!("{program} is not installed, so results cannot be compared with it"));
            return Ok(());
        }
        started => started?,
    };
    Replay::turn_through(&[(&ours, companion.api()), (&theirs, prometheus.api())]).await?;

    let recorded = recording.samples();
    let shift_ms = last_ms - recording.last_ms();
    let start_ms = next_second(recording.first_ms() + shift_ms);
    let end_ms = next_second(last_ms);
    let mut failures = Vec::new();
    let names = recorded.keys().map(|series| series.label("__name__").to_owned()).collect();
    let queries = page_queries(&names);
    assert!(queries.len() > 30, "the recording feeds only {} of the page's queries", queries.len());
    for query in queries.into_iter().chain(other_queries()) {
        let is_comparable = |at_ms: i64| query.is_comparable(&recorded, at_ms - shift_ms);
        let evaluate = async |api: Api| -> Result<_> {
            Ok(values(api.range(&query.promql, start_ms, end_ms, STEP_MS).await?, is_comparable))
        };
        let (ours, theirs) = (evaluate(companion.api()).await?, evaluate(prometheus.api()).await?);
        let compared: usize = theirs.values().map(BTreeMap::len).sum();
        assert!(compared >= 15, "{}: only {compared} values to compare, which proves little", query.promql);
        if let Some(difference) = difference(&ours, &theirs) {
            failures.push(format!("{}\n    {difference}", query.promql));
        }
    }
    assert!(failures.is_empty(), "{} queries differ:\n{}", failures.len(), failures.join("\n"));
    Ok(())
}

/// The first whole second after a time, both in Unix milliseconds.
fn next_second(at_ms: i64) -> i64 {
    (at_ms / 1000 + 1) * 1000
}

/// A time of the last metrics page, about now, for which no page lies on a whole second. Queries are evaluated at whole
/// seconds with windows of whole seconds, so no sample lies on the left edge of a window, which Prometheus 2 includes
/// and Prometheus 3, like the companion, excludes.
fn last_page_time_ms(recording: &Recording) -> i64 {
    let now_ms = now_ms();
    let is_between_seconds = |last_ms: &i64| {
        recording.pages().all(|(at_ms, _)| (at_ms - recording.last_ms() + last_ms).rem_euclid(1000) != 0)
    };
    // 77 pages occupy at most 77 of the 1,000 milliseconds of a second.
    (now_ms - 1000..now_ms).find(is_between_seconds).unwrap_or(now_ms)
}

/// The labels that the companion adds to the target's series, for Prometheus to add, too.
async fn scope_labels(api: &Api, replay: &Replay) -> Result<BTreeMap<String, String>> {
    let query = format!("process_start_time_seconds{{instance=\"{}\"}}[30m]", replay.instance());
    let stored = async || api.samples(&query, None).await;
    let series = until("the first samples", Duration::from_secs(60), stored, |series| !series.is_empty()).await?;
    let labels = series.into_iter().next().map(|series| series.metric).unwrap_or_default();
    Ok(labels.into_iter().filter(|(name, _)| name != "__name__").collect())
}

impl TestQuery {
    /// Whether all versions extrapolate equally at a time of the recording. Prometheus 3 changed the order of the two
    /// limits on how far a counter is extended to the window's start, which matters only if a window begins in a gap
    /// before the first sample of a series.
    fn is_comparable(&self, recorded: &BTreeMap<SeriesKey, Vec<(i64, f64)>>, at_ms: i64) -> bool {
        let Some((window_ms, metrics)) = &self.extrapolation else { return true };
        let start_ms = at_ms - window_ms;
        let extrapolated =
            recorded.iter().filter(|(series, _)| metrics.iter().any(|name| name == series.label("__name__")));
        extrapolated
            .filter_map(|(_, samples)| samples.iter().map(|sample| sample.0).find(|t| start_ms < *t && *t <= at_ms))
            .all(|first_ms| first_ms - start_ms < MAX_COMPARABLE_GAP_MS)
    }
}

type Values = BTreeMap<BTreeMap<String, String>, BTreeMap<i64, f64>>;

fn values(result: Vec<Series<RangeValues>>, is_comparable: impl Fn(i64) -> bool) -> Values {
    result
        .into_iter()
        .map(|series| {
            let values = series.samples.values.iter().map(|(at_s, value)| ((at_s * 1000.0).round() as i64, value.0));
            (series.metric, values.filter(|(at_ms, _)| is_comparable(*at_ms)).collect())
        })
        .filter(|(_, values): &(_, BTreeMap<_, _>)| !values.is_empty())
        .collect()
}

/// The first difference of two results.
fn difference(ours: &Values, theirs: &Values) -> Option<String> {
    if let Some(series) = ours.keys().find(|series| !theirs.contains_key(*series)) {
        return Some(format!("only the companion returns {series:?}"));
    }
    theirs.iter().find_map(|(series, theirs)| {
        let Some(ours) = ours.get(series) else { return Some(format!("only Prometheus returns {series:?}")) };
        let times: Vec<_> = ours.keys().chain(theirs.keys()).collect();
        let (at_ms, ours, theirs) = times
            .into_iter()
            .map(|at_ms| (at_ms, ours.get(at_ms), theirs.get(at_ms)))
            .find(|(_, ours, theirs)| !same(*ours, *theirs))?;
        Some(format!("{series:?} at {at_ms}: {ours:?} in the companion, {theirs:?} in Prometheus"))
    })
}

fn same(ours: Option<&f64>, theirs: Option<&f64>) -> bool {
    match (ours, theirs) {
        (Some(a), Some(b)) => a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= TOLERANCE * a.abs().max(b.abs()),
        (None, None) => true,
        _ => false,
    }
}
