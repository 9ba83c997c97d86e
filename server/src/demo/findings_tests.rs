//! What the findings say about simulated incidents: each where it is, none where it nearly is, and none in a quiet time.
use crate::demo::history::write_history;
use catalogue::{KnownSeries, Machines, QueryContext, Scope, ScopeLabels, Window};
use findings::{Column, Evidence, Report, Thresholds, find, queries};
use fleet_simulation::{Fleet, Incident, IncidentKind};
use promql::{Labels, Options as PromqlOptions, QueryResult, Selector, Storage, Value, parse, uninterrupted};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tsdb::{LocalFileSystem, Options, Store};

/// 1 December 2026, a Tuesday, 15:00 UTC.
const NOW_MS: i64 = 1_796_137_200_000;
const STEP_MS: i64 = 60_000;
const MINUTE_MS: i64 = 60_000;

/// The machines of one model have addresses of their own.
struct AllMachines;

impl KnownSeries for AllMachines {
    fn machines(&self, _: &Scope) -> Machines {
        Machines::default()
    }
}

/// The history of one model, up to [`NOW_MS`].
fn history(model: &str, incidents: Vec<Incident>, minutes: i64, seed: u64) -> (tempfile::TempDir, Store) {
    let start_ms = NOW_MS - minutes * MINUTE_MS;
    let parts = Fleet::new(seed, start_ms, &incidents.into()).split();
    let fleet = parts.into_iter().find(|part| part.model_names() == [model]).expect("a model");
    let dir = tempfile::tempdir().expect("a folder");
    let (store, _) = Store::open(dir.path(), Options::default(), Arc::new(LocalFileSystem)).expect("an empty folder");
    write_history(&store, fleet, start_ms..NOW_MS, &AtomicBool::new(false)).expect("a history");
    (dir, store)
}

fn names(store: &Store) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let selector = Selector { any_of: vec![Vec::new()] };
    let mut visit = |labels: &Labels, _: promql::Samples<'_>| {
        names.extend(labels.metric_name().map(str::to_owned));
        ControlFlow::Continue(())
    };
    store.select(&selector, i64::MIN, i64::MAX, &mut visit).expect("a snapshot");
    names
}

/// The evidence of the last minutes.
fn evidence(store: &Store, model: &str, minutes: i64) -> Evidence {
    let (scope, labels) = (Scope { model: Some(model.into()), ..Scope::default() }, ScopeLabels::default());
    let context = QueryContext {
        window: Window::sliding(75_000),
        known: &AllMachines,
        ..QueryContext::of_moments(&scope, &labels, 75_000)
    };
    let names = names(store);
    let (start_ms, end_ms) = (NOW_MS - minutes * MINUTE_MS, NOW_MS - MINUTE_MS);
    let steps = ((end_ms - start_ms) / STEP_MS + 1) as usize;
    let mut evidence = Evidence::new(start_ms, STEP_MS, steps);
    for query in queries(&|name| names.contains(name), &context) {
        let options = PromqlOptions::default();
        let parsed = parse(&query.promql, &options.limits).expect("a query");
        let result = promql::range(store, &parsed, start_ms, end_ms, STEP_MS, &options, &uninterrupted);
        let QueryResult { value: Value::Matrix(series), .. } = result.expect("an answer") else { panic!("no matrix") };
        let columns = series.into_iter().map(|series| {
            let mut values = vec![f64::NAN; steps];
            for (time_ms, value) in series.samples {
                values[((time_ms - start_ms) / STEP_MS) as usize] = value;
            }
            Column { line: series.labels.get("line").unwrap_or_default().to_owned(), values }
        });
        evidence.add(query.graph, query.is_detailed, columns.collect());
    }
    evidence
}

fn incident(model: &str, kind: IncidentKind, from_min: i64, until_min: i64) -> Incident {
    let at_s = |minutes: i64| (NOW_MS + minutes * MINUTE_MS) as f64 / 1000.0;
    Incident { model: model.into(), kind, from_s: at_s(from_min), until_s: at_s(until_min) }
}

/// What is found in the last three hours of a model with an incident from 70 to 30 minutes before the end.
fn report(model: &str, kind: Option<IncidentKind>) -> Report {
    let incidents: Vec<Incident> = kind.into_iter().map(|kind| incident(model, kind, -70, -30)).collect();
    let (_dir, store) = history(model, incidents, 190, 1);
    find(&evidence(&store, model, 180), &Thresholds::default())
}

/// Findings by id, with begin and end in minutes before the end of the evidence.
fn found(report: &Report) -> Vec<(&'static str, i64, i64, String)> {
    let minutes = |time_ms: i64| (time_ms - NOW_MS) / MINUTE_MS;
    let findings = report.findings.iter();
    findings.map(|own| (own.entry.id, minutes(own.from_ms), minutes(own.until_ms), own.numbers.clone())).collect()
}

/// An incident, the finding that it is, and one that is nearly it.
const INCIDENTS: [(&str, IncidentKind, &str, IncidentKind); 9] = [
    (
        "llama-chat",
        IncidentKind::LongPrompts { factor: 18.0, share: 0.3 },
        "kv-cache-full",
        IncidentKind::LongPrompts { factor: 4.0, share: 0.1 },
    ),
    ("llama-chat", IncidentKind::Surge(2.9), "at-maximum", IncidentKind::Surge(1.25)),
    ("llama-chat", IncidentKind::Surge(2.9), "cold-start", IncidentKind::Surge(1.25)),
    ("llama-chat", IncidentKind::Errors(0.12), "errors", IncidentKind::Errors(0.02)),
    ("summarize", IncidentKind::OutOfMemory(420.0), "restart-loop", IncidentKind::OutOfMemory(1_600.0)),
    ("llama-chat", IncidentKind::StuckEngine, "replica-stuck", IncidentKind::Unreachable),
    ("llama-chat", IncidentKind::HotGpu(1.7), "replica-unlike-peers", IncidentKind::HotGpu(1.12)),
    ("llama-chat", IncidentKind::HotGpu(1.7), "gpu-throttled", IncidentKind::HotGpu(1.12)),
    ("code-assist", IncidentKind::PrefixChange(0.05), "prefix-cache-lost", IncidentKind::PrefixChange(0.75)),
];

#[test]
fn an_incident_is_found_when_it_was_and_what_is_nearly_one_is_not() {
    for (model, kind, id, near) in INCIDENTS {
        let with = report(model, Some(kind));
        let all = found(&with);
        let (_, from, until, _) = all.iter().find(|(own, ..)| *own == id).unwrap_or_else(|| panic!("{id}: {all:?}"));
        // A start is within two steps of the incident's, or of the autoscaler's and the queue's reaction to it.
        let reaction = if id == "at-maximum" { 5 } else { 0 };
        assert!((-72..=-68 + reaction).contains(from), "{id}: {all:?}");
        if id != "cold-start" {
            assert!((-32..=-28).contains(until), "{id}: {all:?}");
        }
        let without = found(&report(model, Some(near)));
        assert!(!without.iter().any(|(own, ..)| *own == id), "{id}, nearly: {without:?}");
    }
}

#[test]
fn an_eager_autoscaler_is_found() {
    let all = found(&report("llama-chat", Some(IncidentKind::EagerScaling)));
    assert!(matches!(&all[..], [("flapping", -72..=-60, -40..=-28, _)]), "{all:?}");
}

/// A day of each model; more with `FINDINGS_WEEKS`.
#[test]
fn nothing_is_found_in_a_quiet_time() {
    let weeks: u64 = std::env::var("FINDINGS_WEEKS").map_or(0, |weeks| weeks.parse().expect("a number"));
    let minutes = if weeks > 0 { 7 * 1_440 } else { 1_440 };
    let mut alarms = Vec::new();
    for seed in 1..=weeks.max(1) {
        for model in ["llama-chat", "code-assist", "summarize", "moderation"] {
            let (_dir, store) = history(model, Vec::new(), minutes + 10, seed);
            let report = find(&evidence(&store, model, minutes), &Thresholds::default());
            alarms.extend(found(&report).into_iter().map(|found| (seed, model, found)));
        }
    }
    let max = if weeks > 0 { weeks as usize / 20 } else { 0 };
    assert!(alarms.len() <= max, "{} in {weeks} weeks: {alarms:#?}", alarms.len());
}

#[test]
fn what_cannot_be_told_is_said() {
    // A hosted endpoint shows neither queue nor cache.
    let (_dir, store) = history("moderation", Vec::new(), 40, 1);
    let report = find(&evidence(&store, "moderation", 30), &Thresholds::default());
    let unknown: Vec<&str> = report.unknown.iter().map(|own| own.entry.id).collect();
    assert!(unknown.contains(&"kv-cache-full") && unknown.contains(&"replica-stuck"), "{unknown:?}");
    assert!(!unknown.contains(&"flapping"), "its numbers of replicas are known: {unknown:?}");
    assert!(report.unknown.iter().all(|own| !own.needs.is_empty()));
}
