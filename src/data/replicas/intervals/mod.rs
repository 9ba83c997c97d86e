//! Samples of states into spans: from when to when each replica did what, where it restarted and how long it took to be
//! ready. Nothing here asks or draws.
use crate::wasm_size::sort::sort_by;
use catalogue::contract::ReplicaState;
use prometheus_api::{RangeValues, Series};
use std::collections::BTreeMap;

/// The labels of a series.
pub(crate) type Labels = BTreeMap<String, String>;

/// When a series told that a replica is in a state.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    pub(crate) labels: Labels,
    pub(crate) state: ReplicaState,
    /// First and last point of each run of points without a hole, Unix milliseconds, in order.
    pub(crate) runs: Vec<(i64, i64)>,
}

/// Something that was seen of a replica at a point: restarts, or seconds until it was ready.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) labels: Labels,
    pub(crate) time_ms: i64,
    pub(crate) value: f64,
}

/// The points that were asked for, and how far back each looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Points {
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
    pub(crate) step_ms: i64,
    pub(crate) window_ms: i64,
}

/// A stretch of time in one state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// The state.
    pub state: ReplicaState,
    /// When it began, Unix milliseconds.
    pub start_ms: i64,
    /// When it ended, or the end of what is shown.
    pub end_ms: i64,
    /// Whether it may have begun before what is shown.
    pub is_older: bool,
    /// Milliseconds from the start of the process or pod, of a run that was seen to become ready.
    pub ready_ms: Option<i64>,
}

/// A restart.
#[derive(Clone, Debug, PartialEq)]
pub struct Restart {
    /// When, Unix milliseconds.
    pub time_ms: i64,
    /// How many within a step.
    pub count: u32,
    /// Why the run before ended, as it was told; empty if nothing is known.
    pub reason: String,
}

/// Reads the answer to the query for states.
pub(crate) fn told(matrix: &[Series<RangeValues>], step_ms: i64) -> Vec<Told> {
    let mut all = Vec::with_capacity(matrix.len());
    for series in matrix {
        let label = |name: &str| series.metric.get(name).map(String::as_str);
        let mut add = |state, wanted: f64| {
            let points = series.samples.values.iter().filter(|(_, value)| value.0 == wanted);
            let runs = runs(points.map(|(time_s, _)| (time_s * 1000.0).round() as i64), step_ms);
            if !runs.is_empty() {
                let mut labels = series.metric.clone();
                for own in ["__name__", "state"] {
                    labels.remove(own);
                }
                all.push(Told { labels, state, runs });
            }
        };
        match label("state").or(label("phase")) {
            Some(id) => {
                if let Some(state) = ReplicaState::from_id(id).or_else(|| ReplicaState::from_pod_phase(id)) {
                    add(state, 1.0);
                }
            }
            None => {
                add(ReplicaState::Running, 1.0);
                add(ReplicaState::Silent, 0.0);
            }
        }
    }
    all
}

/// Reads an answer of which every point is an event.
pub(crate) fn events(matrix: &[Series<RangeValues>]) -> Vec<Event> {
    let of = |series: &Series<RangeValues>| {
        let event = |(time_s, value): &(f64, prometheus_api::Number)| Event {
            labels: series.metric.clone(),
            time_ms: (time_s * 1000.0).round() as i64,
            value: value.0,
        };
        series.samples.values.iter().map(event).collect::<Vec<_>>()
    };
    matrix.iter().flat_map(of).collect()
}

fn runs(times_ms: impl Iterator<Item = i64>, step_ms: i64) -> Vec<(i64, i64)> {
    let mut runs: Vec<(i64, i64)> = Vec::new();
    for time_ms in times_ms {
        match runs.last_mut() {
            Some((_, last_ms)) if time_ms - *last_ms <= step_ms => *last_ms = time_ms,
            _ => runs.push((time_ms, time_ms)),
        }
    }
    runs
}

/// What was known before `joint_ms`, in order of labels and states, and the `fresh` from there on; what ended before the
/// first point falls out.
pub(crate) fn continued(old: &[Told], fresh: Vec<Told>, joint_ms: i64, points: Points) -> Vec<Told> {
    let mut all: Vec<Told> = old.to_vec();
    for told in &mut all {
        told.runs.retain(|(first_ms, last_ms)| *first_ms < joint_ms && *last_ms >= points.start_ms);
        for (first_ms, last_ms) in &mut told.runs {
            *first_ms = (*first_ms).max(points.start_ms);
            *last_ms = (*last_ms).min(joint_ms - points.step_ms);
        }
    }
    for new in fresh {
        match all.binary_search_by(|told| (&told.labels, told.state).cmp(&(&new.labels, new.state))) {
            Ok(at) => {
                let told = &mut all[at];
                let mut runs = new.runs.into_iter().peekable();
                if let (Some((_, last_ms)), Some((first_ms, end_ms))) = (told.runs.last_mut(), runs.peek())
                    && first_ms - *last_ms <= points.step_ms
                {
                    *last_ms = *end_ms;
                    runs.next();
                }
                told.runs.extend(runs);
            }
            Err(at) => all.insert(at, new),
        }
    }
    all.retain(|told| !told.runs.is_empty());
    all
}

/// The spans of one replica from all that was told of it, in order of time.
///
/// Where two states are told at once, that which was told later holds, as after a change of labels; that nothing answers
/// holds only where nothing else is told. A hole stays one. The points look back over a window, so a state seems to last
/// as much longer before a hole; that is taken off.
pub(crate) fn spans(told: &[&Told], points: Points, range: (i64, i64)) -> Vec<Span> {
    let mut runs: Vec<(i64, i64, ReplicaState)> = Vec::new();
    for one in told {
        runs.extend(one.runs.iter().map(|(first_ms, last_ms)| (*first_ms, *last_ms, one.state)));
    }
    sort_by(&mut runs, Ord::cmp);
    let mut edges: Vec<i64> =
        runs.iter().flat_map(|(first_ms, last_ms, _)| [*first_ms, *last_ms + points.step_ms]).collect();
    sort_by(&mut edges, i64::cmp);
    edges.dedup();
    let mut spans: Vec<Span> = Vec::new();
    let (mut next, mut open) = (0, Vec::<(i64, i64, ReplicaState)>::new());
    for edge in edges.windows(2) {
        let (from_ms, to_ms) = (edge[0], edge[1]);
        while let Some(run) = runs.get(next).filter(|run| run.0 <= from_ms) {
            open.push(*run);
            next += 1;
        }
        open.retain(|run| run.1 + points.step_ms > from_ms);
        let Some(best) = open.iter().max_by_key(|run| (run.2 != ReplicaState::Silent, run.0)) else { continue };
        match spans.last_mut() {
            Some(last) if last.state == best.2 && last.end_ms == from_ms => last.end_ms = to_ms,
            _ => spans.push(Span {
                state: best.2,
                start_ms: from_ms,
                end_ms: to_ms,
                is_older: from_ms <= points.start_ms,
                ready_ms: None,
            }),
        }
    }
    let overshoot_ms = points.window_ms - points.step_ms;
    for at in 0..spans.len() {
        let follows_ms = spans.get(at + 1).map(|next| next.start_ms);
        let span = &mut spans[at];
        if follows_ms != Some(span.end_ms) && span.end_ms <= points.end_ms {
            span.end_ms = (span.end_ms - overshoot_ms).max(span.start_ms + points.step_ms);
        }
        span.end_ms = span.end_ms.min(range.1);
        span.start_ms = span.start_ms.max(range.0);
    }
    spans.retain(|span| span.end_ms > span.start_ms);
    spans
}

/// Draws the start-up, from the start of the process to the first moment ready, where only waiting or nothing was told.
pub(crate) fn with_startups(mut spans: Vec<Span>, ready: &[&Event], points: Points, range: (i64, i64)) -> Vec<Span> {
    use ReplicaState::{Initializing, Pending, Running, Silent, Stopped};
    for event in ready {
        let ready_ms = (event.value * 1000.0).round() as i64;
        let is_its = |span: &Span| {
            span.state == Running
                && span.start_ms > range.0
                && (0..=points.window_ms).contains(&(event.time_ms - span.start_ms))
        };
        let Some(at) = spans.iter().rposition(is_its) else { continue };
        if ready_ms <= 0 {
            continue;
        }
        spans[at].ready_ms = Some(ready_ms);
        let (until_ms, mut from_ms) = (spans[at].start_ms, (spans[at].start_ms - ready_ms).max(range.0));
        let mut first = at;
        while first > 0 && spans[first - 1].end_ms > from_ms {
            let before = &mut spans[first - 1];
            if !matches!(before.state, Pending | Stopped | Silent) {
                from_ms = before.end_ms;
                break;
            }
            before.end_ms = before.end_ms.min(from_ms);
            if before.start_ms < before.end_ms {
                break;
            }
            first -= 1;
        }
        if from_ms < until_ms {
            let is_older = until_ms - ready_ms < range.0;
            let start = Span { state: Initializing, start_ms: from_ms, end_ms: until_ms, is_older, ready_ms: None };
            spans.splice(first..at, [start]);
        }
    }
    spans
}

/// Restarts in order of time; one that is seen when the replica runs again is put to where its process started.
pub(crate) fn restarts(seen: &[&Event], spans: &[Span], points: Points, range: (i64, i64)) -> Vec<Restart> {
    let mut all: Vec<Restart> = Vec::new();
    for event in seen {
        let run = spans.iter().rposition(|span| (0..=points.window_ms).contains(&(event.time_ms - span.start_ms)));
        let start_ms = run.map(|at| {
            let start_up = at.checked_sub(1).map(|before| &spans[before]);
            let start_up = start_up.filter(|span| span.state == ReplicaState::Initializing);
            start_up.filter(|span| span.end_ms == spans[at].start_ms).unwrap_or(&spans[at]).start_ms
        });
        let time_ms = start_ms.unwrap_or(event.time_ms);
        let reason = event.labels.get("reason").filter(|reason| *reason != "unknown").cloned().unwrap_or_default();
        let count = event.value.round().max(1.0) as u32;
        let at = all.partition_point(|other| other.time_ms <= time_ms);
        all.insert(at, Restart { time_ms: time_ms.clamp(range.0, range.1), count, reason });
    }
    all
}

#[cfg(test)]
mod tests;
