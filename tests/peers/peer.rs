//! The page's queries, answered by the companion and by Prometheus from the same points.
use catalogue::{GRAPHS, QueryContext, Scope, ScopeLabels, drawn_query, start_times_query, summary_query};
use inferboard_tests::{
    Api, Companion, FixtureError, Play, Prometheus, Recording, Replay, Result, SeriesKey, now_ms, skipped, until,
};
use prometheus_api::{RangeValues, Series};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Both scrape as often.
const INTERVAL: Duration = Duration::from_millis(250);
/// Between two evaluations; like all windows below a whole number of seconds.
const STEP_MS: i64 = 5000;
/// Windows of rates: the shortest that the page takes for scrapes each 5 s, and those of longer steps.
const WINDOWS_MS: [i64; 3] = [20_000, 60_000, 240_000];
/// Values agree to this, relative to the larger.
const TOLERANCE: f64 = 1e-6;
/// Where a window begins further than this before the first sample in it, the two extrapolate differently.
const EXTRAPOLATED_ALIKE_MS: i64 = 5500;

/// A query and what it extrapolates over: the window of its `rate` or `increase`, and the metrics inside.
struct Question {
    query: String,
    extrapolates: Option<(i64, Vec<String>)>,
}

/// What the page sends: every graph of the catalogue that has data in the recording, at three windows, with its boxes,
/// and the queries beside the graphs.
fn page_queries(recorded: &BTreeSet<String>) -> Vec<Question> {
    let (scope, labels) = (Scope { model: Some("tiny-llama".into()), ..Scope::default() }, ScopeLabels::default());
    // `up` has the times of the scrapes, which differ between two scrapers.
    let present = |name: &str| recorded.contains(name);
    let mut queries =
        vec![plain(start_times_query(&QueryContext { scope: &scope, labels: &labels, window_ms: 60_000 }))];
    for window_ms in WINDOWS_MS {
        let ask = QueryContext { scope: &scope, labels: &labels, window_ms };
        for graph in GRAPHS {
            let drawn = drawn_query(graph, &present, &ask);
            let boxes = summary_query(graph, &present, &ask, window_ms).filter(|boxes| Some(boxes) != drawn.as_ref());
            queries.extend([drawn, boxes].into_iter().flatten().map(|query| extrapolating(query, window_ms, recorded)));
        }
    }
    queries
}

/// PromQL that the page does not send yet, but that a Grafana panel or a finding would.
fn other_queries() -> Vec<Question> {
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
        // Of half seconds, as a subquery's own steps are whole ones, and none may lie on a window's edge either.
        "max_over_time((vllm:num_requests_running + vllm:num_requests_waiting)[59s500ms:10s])",
        "irate(process_cpu_seconds_total[1m])",
        "delta(process_resident_memory_bytes[1m])",
        "deriv(process_resident_memory_bytes[1m])",
        "sum by (reason) (vllm:num_requests_waiting_by_reason)",
    ]
    .map(|query| plain(query.to_owned()))
    .into()
}

fn plain(query: String) -> Question {
    Question { query, extrapolates: None }
}

fn extrapolating(query: String, window_ms: i64, recorded: &BTreeSet<String>) -> Question {
    let inside = recorded.iter().filter(|name| query.contains(&format!("rate({name}{{"))).cloned().collect();
    Question { query, extrapolates: Some((window_ms, inside)) }
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_gives_the_same_answers() -> Result<()> {
    let recording = Recording::vllm()?;
    let last_ms = last_between_seconds(&recording);
    let ours = Replay::start(recording.clone(), Play::Stamped { last_ms }, 0)?;
    let theirs = Replay::start(recording.clone(), Play::Stamped { last_ms }, 0)?;
    let interval = format!("{}ms", INTERVAL.as_millis());
    let companion =
        Companion::start(&["--no-discovery", "--scrape-interval", &interval, "--target", &ours.url()]).await?;
    let labels = scope_labels(&companion.api(), &ours).await?;
    let prometheus = match Prometheus::start(&theirs, INTERVAL, &labels).await {
        Err(FixtureError::Absent(program)) => {
            skipped(format_args!("{program} is not installed, so there is nothing to compare answers with"));
            return Ok(());
        }
        started => started?,
    };
    Replay::turn_through(&[(&ours, companion.api()), (&theirs, prometheus.api())]).await?;

    let recorded = recording.samples();
    let to_stamp_ms = last_ms - recording.last_ms();
    let start_ms = next_second(recording.first_ms() + to_stamp_ms);
    let end_ms = next_second(last_ms);
    let mut failures = Vec::new();
    let names = recorded.keys().map(|series| series.label("__name__").to_owned()).collect();
    let queries = page_queries(&names);
    assert!(queries.len() > 30, "the recording feeds only {} of the page's queries", queries.len());
    for asked in queries.into_iter().chain(other_queries()) {
        let alike = |at_ms: i64| asked.extrapolated_alike(&recorded, at_ms - to_stamp_ms);
        let answer = async |api: Api| -> Result<_> {
            Ok(points(api.range(&asked.query, start_ms, end_ms, STEP_MS).await?, alike))
        };
        let (ours, theirs) = (answer(companion.api()).await?, answer(prometheus.api()).await?);
        let compared: usize = theirs.values().map(BTreeMap::len).sum();
        assert!(compared >= 15, "{}: only {compared} points to compare, which proves little", asked.query);
        if let Some(difference) = difference(&ours, &theirs) {
            failures.push(format!("{}\n    {difference}", asked.query));
        }
    }
    assert!(failures.is_empty(), "{} queries differ:\n{}", failures.len(), failures.join("\n"));
    Ok(())
}

/// Unix milliseconds of the first whole second after these.
fn next_second(at_ms: i64) -> i64 {
    (at_ms / 1000 + 1) * 1000
}

/// A time of the last page, about now, with which no page falls on a whole second. Queries are evaluated at whole
/// seconds over windows of whole seconds, so no sample lies on a window's edge, where Prometheus 2 counts it in at the
/// left and Prometheus 3, like the companion, does not.
fn last_between_seconds(recording: &Recording) -> i64 {
    let now_ms = now_ms();
    let between = |last_ms: &i64| {
        recording.pages().all(|(at_ms, _)| (at_ms - recording.last_ms() + last_ms).rem_euclid(1000) != 0)
    };
    // 77 pages leave most of 1,000 milliseconds free.
    (now_ms - 1000..now_ms).find(between).unwrap_or(now_ms)
}

/// The labels that the companion puts on the target's samples, for Prometheus to put on its own.
async fn scope_labels(api: &Api, replay: &Replay) -> Result<BTreeMap<String, String>> {
    let query = format!("process_start_time_seconds{{instance=\"{}\"}}[30m]", replay.instance());
    let stored = async || api.samples(&query, None).await;
    let series = until("the first samples", Duration::from_secs(60), stored, |series| !series.is_empty()).await?;
    let labels = series.into_iter().next().map(|series| series.metric).unwrap_or_default();
    Ok(labels.into_iter().filter(|(name, _)| name != "__name__").collect())
}

impl Question {
    /// Whether both servers extrapolate alike at a time of the recording: Prometheus 3 changed the order of the two
    /// bounds on how far a counter is extended to the window's start, which shows only where a window begins in a
    /// hole, before a series was born.
    fn extrapolated_alike(&self, recorded: &BTreeMap<SeriesKey, Vec<(i64, f64)>>, at_ms: i64) -> bool {
        let Some((window_ms, metrics)) = &self.extrapolates else { return true };
        let start_ms = at_ms - window_ms;
        let inside = recorded.iter().filter(|(series, _)| metrics.iter().any(|name| name == series.label("__name__")));
        inside
            .filter_map(|(_, points)| points.iter().map(|point| point.0).find(|t| start_ms < *t && *t <= at_ms))
            .all(|first_ms| first_ms - start_ms < EXTRAPOLATED_ALIKE_MS)
    }
}

type Points = BTreeMap<BTreeMap<String, String>, BTreeMap<i64, f64>>;

fn points(answer: Vec<Series<RangeValues>>, compared: impl Fn(i64) -> bool) -> Points {
    answer
        .into_iter()
        .map(|series| {
            let points = series.samples.values.iter().map(|(at_s, value)| ((at_s * 1000.0).round() as i64, value.0));
            (series.metric, points.filter(|(at_ms, _)| compared(*at_ms)).collect())
        })
        .filter(|(_, points): &(_, BTreeMap<_, _>)| !points.is_empty())
        .collect()
}

/// The first place where two answers differ.
fn difference(ours: &Points, theirs: &Points) -> Option<String> {
    if let Some(series) = ours.keys().find(|series| !theirs.contains_key(*series)) {
        return Some(format!("only the companion gives {series:?}"));
    }
    theirs.iter().find_map(|(series, theirs)| {
        let Some(ours) = ours.get(series) else { return Some(format!("only Prometheus gives {series:?}")) };
        let times: Vec<_> = ours.keys().chain(theirs.keys()).collect();
        let (at_ms, ours, theirs) = times
            .into_iter()
            .map(|at_ms| (at_ms, ours.get(at_ms), theirs.get(at_ms)))
            .find(|(_, ours, theirs)| !same(*ours, *theirs))?;
        Some(format!("{series:?} at {at_ms}: the companion {ours:?}, Prometheus {theirs:?}"))
    })
}

fn same(ours: Option<&f64>, theirs: Option<&f64>) -> bool {
    match (ours, theirs) {
        (Some(a), Some(b)) => a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= TOLERANCE * a.abs().max(b.abs()),
        (None, None) => true,
        _ => false,
    }
}
