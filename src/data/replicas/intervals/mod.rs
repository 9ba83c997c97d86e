//! Turns samples of states into intervals: when each replica was in which state, when it restarted, and how long it took
//! to become ready. Nothing here queries or draws.
use crate::data::discovery::scope_key::Labels;
use crate::data::graph::grid::Grid;
use crate::state::time_range::TimeRange;
use crate::wasm_size::sort::sort_by;
use catalogue::contract::{ReplicaState, RestartReason};
use prometheus_api::{Number, RangeValues, Series};
use std::sync::Arc;

/// When a series said that a replica was in a state.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StateSeries {
    pub(crate) labels: Arc<Labels>,
    pub(crate) state: ReplicaState,
    /// The first and last time of each run of samples without a gap, in order.
    pub(crate) runs: Vec<TimeRange>,
}

/// A sample of a counter of restarts, or of the seconds until a replica was ready.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LabelledSample {
    pub(crate) labels: Labels,
    pub(crate) time_ms: i64,
    pub(crate) value: f64,
}

/// A time during which a replica was in one state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StateInterval {
    /// The state.
    pub state: ReplicaState,
    /// When it began, Unix milliseconds.
    pub start_ms: i64,
    /// When it ended, or the end of the range.
    pub end_ms: i64,
    /// Whether it may have begun before the range.
    pub may_start_earlier: bool,
    /// Milliseconds from the start of the process or pod until it was ready, if that was measured.
    pub ready_ms: Option<i64>,
}

/// A restart.
#[derive(Clone, Debug, PartialEq)]
pub struct Restart {
    /// When, Unix milliseconds.
    pub time_ms: i64,
    /// How many there were within a step.
    pub count: u32,
    /// Why the previous run ended; empty if unknown.
    pub reason: String,
}

/// Reads an answer of which every sample counts by itself.
pub(crate) fn samples(matrix: &[Series<RangeValues>]) -> Vec<LabelledSample> {
    let of = |series: &Series<RangeValues>| {
        let sample = |(time_s, value): &(f64, Number)| LabelledSample {
            labels: series.metric.clone(),
            time_ms: milliseconds(*time_s),
            value: value.0,
        };
        series.samples.values.iter().map(sample).collect::<Vec<_>>()
    };
    matrix.iter().flat_map(of).collect()
}

pub(crate) fn milliseconds(time_s: f64) -> i64 {
    (time_s * 1000.0).round() as i64
}

/// A run of samples with its state, up to the first time without it.
#[derive(Clone, Copy)]
struct StateRun {
    times: TimeRange,
    state: ReplicaState,
}

/// The intervals of one replica in order of time.
///
/// Of two states at one time the one that began later holds, as after a change of labels; silence holds only where there
/// is no other state. Gaps stay gaps. The queries look back over a window, which makes a state before a gap appear
/// longer; that time is subtracted. The last time of the grid may be later than the end of the range: what it has changed
/// did so since the time before, and is shown in the middle between that and the end.
pub(crate) fn state_intervals(series: &[&StateSeries], grid: Grid, range: TimeRange) -> Vec<StateInterval> {
    let before_ms = grid.end_ms - grid.step_ms;
    let is_early = (before_ms..grid.end_ms).contains(&range.end_ms);
    let at = |time_ms: i64| match is_early && time_ms == grid.end_ms {
        true => before_ms + (range.end_ms - before_ms) / 2,
        false => time_ms,
    };
    let mut runs: Vec<StateRun> = Vec::new();
    for one in series {
        runs.extend(one.runs.iter().map(|own| {
            let times = TimeRange::new(at(own.start_ms), at(own.end_ms + grid.step_ms));
            StateRun { times, state: one.state }
        }));
    }
    let key = |run: &StateRun| (run.times.start_ms, run.times.end_ms, run.state);
    sort_by(&mut runs, |a, b| key(a).cmp(&key(b)));
    let mut edges: Vec<i64> = runs.iter().flat_map(|run| [run.times.start_ms, run.times.end_ms]).collect();
    sort_by(&mut edges, i64::cmp);
    edges.dedup();
    let mut intervals: Vec<StateInterval> = Vec::new();
    let (mut next, mut open) = (0, Vec::<StateRun>::new());
    for edge in edges.windows(2) {
        let (start_ms, end_ms) = (edge[0], edge[1]);
        while let Some(run) = runs.get(next).filter(|run| run.times.start_ms <= start_ms) {
            open.push(*run);
            next += 1;
        }
        open.retain(|run| run.times.end_ms > start_ms);
        let rank = |run: &&StateRun| (run.state != ReplicaState::Silent, run.times.start_ms);
        let Some(best) = open.iter().max_by_key(rank) else { continue };
        match intervals.last_mut() {
            Some(last) if last.state == best.state && last.end_ms == start_ms => last.end_ms = end_ms,
            _ => intervals.push(StateInterval {
                state: best.state,
                start_ms,
                end_ms,
                may_start_earlier: start_ms <= grid.start_ms,
                ready_ms: None,
            }),
        }
    }
    trim(&mut intervals, grid, range);
    intervals
}

/// Subtracts the lookback before gaps, and cuts the intervals to the range.
fn trim(intervals: &mut Vec<StateInterval>, grid: Grid, range: TimeRange) {
    let lookback_ms = grid.window.length_ms - grid.step_ms;
    for at in 0..intervals.len() {
        let next_start_ms = intervals.get(at + 1).map(|next| next.start_ms);
        let interval = &mut intervals[at];
        if next_start_ms != Some(interval.end_ms) && interval.end_ms <= grid.end_ms {
            interval.end_ms = (interval.end_ms - lookback_ms).max(interval.start_ms + grid.step_ms);
        }
        interval.end_ms = interval.end_ms.min(range.end_ms);
        interval.start_ms = interval.start_ms.max(range.start_ms);
    }
    intervals.retain(|interval| interval.end_ms > interval.start_ms);
}

/// Adds the start-up, from the start of the process until it was ready, where the replica was only waiting or unknown.
pub(crate) fn with_startups(
    mut intervals: Vec<StateInterval>,
    ready: &[&LabelledSample],
    grid: Grid,
    range: TimeRange,
) -> Vec<StateInterval> {
    use ReplicaState::{Initializing, Pending, Running, Silent, Stopped};
    for sample in ready {
        let ready_ms = milliseconds(sample.value);
        let is_its_run = |interval: &StateInterval| {
            interval.state == Running
                && interval.start_ms > range.start_ms
                && (0..=grid.window.length_ms).contains(&(sample.time_ms - interval.start_ms))
        };
        let Some(at) = intervals.iter().rposition(is_its_run) else { continue };
        if ready_ms <= 0 {
            continue;
        }
        intervals[at].ready_ms = Some(ready_ms);
        let end_ms = intervals[at].start_ms;
        let mut start_ms = (end_ms - ready_ms).max(range.start_ms);
        let mut first = at;
        while first > 0 && intervals[first - 1].end_ms > start_ms {
            let before = &mut intervals[first - 1];
            if !matches!(before.state, Pending | Stopped | Silent) {
                start_ms = before.end_ms;
                break;
            }
            before.end_ms = before.end_ms.min(start_ms);
            if before.start_ms < before.end_ms {
                break;
            }
            first -= 1;
        }
        if start_ms < end_ms {
            let may_start_earlier = end_ms - ready_ms < range.start_ms;
            let startup = StateInterval { state: Initializing, start_ms, end_ms, may_start_earlier, ready_ms: None };
            intervals.splice(first..at, [startup]);
        }
    }
    intervals
}

/// Restarts in order of time. One that is counted when the replica runs again is moved to the start of its process.
pub(crate) fn restarts(
    samples: &[&LabelledSample],
    intervals: &[StateInterval],
    grid: Grid,
    range: TimeRange,
) -> Vec<Restart> {
    let mut all: Vec<Restart> = Vec::new();
    for sample in samples {
        let is_its_run =
            |interval: &StateInterval| (0..=grid.window.length_ms).contains(&(sample.time_ms - interval.start_ms));
        let start_ms = intervals.iter().rposition(is_its_run).map(|at| {
            let startup = at.checked_sub(1).map(|before| &intervals[before]);
            let startup = startup.filter(|interval| interval.state == ReplicaState::Initializing);
            startup.filter(|interval| interval.end_ms == intervals[at].start_ms).unwrap_or(&intervals[at]).start_ms
        });
        let time_ms = start_ms.unwrap_or(sample.time_ms);
        let reason = sample
            .labels
            .get("reason")
            .filter(|reason| *reason != RestartReason::Unknown.id())
            .cloned()
            .unwrap_or_default();
        let count = sample.value.round().max(1.0) as u32;
        let at = all.partition_point(|other| other.time_ms <= time_ms);
        all.insert(at, Restart { time_ms: time_ms.clamp(range.start_ms, range.end_ms), count, reason });
    }
    all
}

#[cfg(test)]
mod tests;
