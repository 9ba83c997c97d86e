//! Series of states over a range, from what there was at its start and from what has changed since.
use crate::data::discovery::inventory::{Labels, without};
use crate::data::graph::grid::Grid;
use crate::data::replicas::intervals::{StateSeries, milliseconds};
use crate::state::time_range::TimeRange;
use crate::wasm_size::table::{Table, joined};
use catalogue::contract::ReplicaState;
use catalogue::{ALL_LINE, GONE, LINE_LABEL};
use prometheus_api::{InstantValue, Number, RangeValues, Series};
use std::sync::Arc;

/// The end of a run that goes on.
const OPEN_MS: i64 = i64::MAX;

/// Labels of the server's series that say nothing about the replica.
const OWN_LABELS: [&str; 3] = ["__name__", "state", LINE_LABEL];

/// The series of states of a range.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct StateLog {
    /// In order of labels and states.
    series: Vec<StateSeries>,
    /// Series of states that the page does not know, as long as they last.
    unknown: Table<bool>,
}

impl StateLog {
    /// What there is at the first time of a grid.
    pub(crate) fn new(vector: &[Series<InstantValue>], grid: Grid) -> Self {
        let mut log = Self::default();
        for Series { metric, samples } in vector {
            log.set(metric, grid.start_ms, samples.value.1, grid.step_ms);
        }
        log.close(grid.start_ms);
        log
    }

    /// The series, in order of labels and states.
    pub(crate) fn series(&self) -> &[StateSeries] {
        &self.series
    }

    /// The log up to a time, with the changes from then on. What ended before the grid begins is dropped.
    pub(crate) fn continued(mut self, changes: &[Series<RangeValues>], from_ms: i64, grid: Grid) -> Self {
        let last_ms = from_ms - grid.step_ms;
        for series in &mut self.series {
            series.runs.retain(|run| run.start_ms < from_ms && run.end_ms >= grid.start_ms);
            for run in &mut series.runs {
                run.start_ms = run.start_ms.max(grid.start_ms);
                run.end_ms = if run.end_ms >= last_ms { OPEN_MS } else { run.end_ms };
            }
        }
        for Series { metric, samples } in changes.iter().filter(|series| !is_sum(series)) {
            for (time_s, value) in &samples.values {
                self.set(metric, milliseconds(*time_s), *value, grid.step_ms);
            }
        }
        self.close(grid.end_ms);
        self
    }

    /// Whether the log has as much at the last time of the grid as the server. Otherwise a change was missed.
    pub(crate) fn is_whole(&self, changes: &[Series<RangeValues>], grid: Grid) -> bool {
        let sum = changes.iter().find(|series| is_sum(series)).and_then(|series| series.samples.values.last());
        let sum = sum.filter(|(time_s, _)| milliseconds(*time_s) == grid.end_ms).map_or(0.0, |(_, sum)| sum.0);
        let open = self.series.iter().filter(|series| series.runs.last().is_some_and(|run| run.end_ms == grid.end_ms));
        // Each series adds one more than its value, and a target that does not answer has the value zero.
        let own: usize = open.map(|series| if is_silent_target(series) { 1 } else { 2 }).sum();
        let unknown = self.unknown.values().iter().filter(|is_on| **is_on).count();
        sum == (own + 2 * unknown) as f64
    }

    /// Applies a value of a series at a time.
    fn set(&mut self, metric: &Labels, time_ms: i64, value: Number, step_ms: i64) {
        let labels = without(metric, &OWN_LABELS);
        let is_on = value.0 != GONE;
        match metric.get("state").or(metric.get("phase")) {
            Some(id) => match ReplicaState::from_id(id).or_else(|| ReplicaState::from_pod_phase(id)) {
                Some(state) => self.turn(labels, state, is_on, time_ms, step_ms),
                None => *self.unknown.at(&joined(labels.values().chain([id]).map(String::as_str)), is_on) = is_on,
            },
            None => {
                self.turn(labels.clone(), ReplicaState::Running, value.0 == 1.0, time_ms, step_ms);
                self.turn(labels, ReplicaState::Silent, is_on && value.0 != 1.0, time_ms, step_ms);
            }
        }
    }

    /// Begins or ends a run.
    fn turn(&mut self, labels: Labels, state: ReplicaState, is_on: bool, time_ms: i64, step_ms: i64) {
        let at = self.series.binary_search_by(|series| (&*series.labels, series.state).cmp(&(&labels, state)));
        let at = match at {
            Ok(at) => at,
            Err(_) if !is_on => return,
            Err(at) => {
                self.series.insert(at, StateSeries { labels: Arc::new(labels), state, runs: Vec::new() });
                at
            }
        };
        let runs = &mut self.series[at].runs;
        match runs.last_mut().filter(|run| run.end_ms == OPEN_MS) {
            None if is_on => runs.push(TimeRange::new(time_ms, OPEN_MS)),
            Some(run) if !is_on => {
                run.end_ms = time_ms - step_ms;
                if run.end_ms < run.start_ms {
                    runs.pop();
                }
            }
            _ => {}
        }
    }

    /// Sets the end of the runs that go on, and drops series without any.
    fn close(&mut self, end_ms: i64) {
        for run in self.series.iter_mut().filter_map(|series| series.runs.last_mut()) {
            run.end_ms = run.end_ms.min(end_ms);
        }
        self.series.retain(|series| !series.runs.is_empty());
    }
}

fn is_sum<V>(series: &Series<V>) -> bool {
    series.metric.get(LINE_LABEL).is_some_and(|line| line == ALL_LINE)
}

fn is_silent_target(series: &StateSeries) -> bool {
    series.state == ReplicaState::Silent && !series.labels.contains_key("phase")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ReplicaState::{Failed, Running, Silent, Stopped};
    use catalogue::Window;

    const GRID: Grid =
        Grid { start_ms: 0, end_ms: 100_000, step_ms: 1000, window: Window::sliding(4000), settling_ms: 0 };

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn there(pairs: &[(&str, &str)], value: f64) -> Series<InstantValue> {
        Series { metric: labels(pairs), samples: InstantValue { value: (0.0, Number(value)) } }
    }

    fn changes(pairs: &[(&str, &str)], values: &[(f64, f64)]) -> Series<RangeValues> {
        let values = values.iter().map(|(time_s, value)| (*time_s, Number(*value))).collect();
        Series { metric: labels(pairs), samples: RangeValues { values } }
    }

    /// State and runs in seconds.
    fn brief(log: &StateLog) -> Vec<(ReplicaState, Vec<(i64, i64)>)> {
        let runs =
            |series: &StateSeries| series.runs.iter().map(|run| (run.start_ms / 1000, run.end_ms / 1000)).collect();
        log.series.iter().map(|series| (series.state, runs(series))).collect()
    }

    const STATE: [(&str, &str); 2] = [("__name__", "x"), ("replica", "a")];

    fn of(state: &'static str) -> Vec<(&'static str, &'static str)> {
        STATE.into_iter().chain([("state", state)]).collect()
    }

    #[test]
    fn states_begin_and_end_with_their_changes() {
        let log = StateLog::new(&[there(&of("running"), 1.0), there(&of("asleep"), 1.0)], GRID);
        let all = [
            changes(&of("running"), &[(40.0, GONE), (60.0, 1.0)]),
            changes(&of("failed"), &[(40.0, 1.0), (44.0, GONE)]),
            changes(&of("asleep"), &[(44.0, GONE), (50.0, 1.0)]),
            changes(&[(LINE_LABEL, ALL_LINE)], &[(99.0, 2.0), (100.0, 4.0)]),
        ];
        let log = log.continued(&all, 1000, GRID);
        assert_eq!(brief(&log), [(Running, vec![(0, 39), (60, 100)]), (Failed, vec![(40, 43)])]);
        assert!(log.is_whole(&all, GRID));
        assert!(!log.is_whole(&[changes(&[(LINE_LABEL, ALL_LINE)], &[(100.0, 6.0)])], GRID), "one more at the server");
        assert!(!log.is_whole(&[], GRID) && StateLog::default().is_whole(&[], GRID));
    }

    #[test]
    fn a_target_is_running_or_silent() {
        let log = StateLog::new(&[there(&STATE, 1.0), there(&[("replica", "b")], 0.0)], GRID);
        let all = [changes(&STATE, &[(20.0, 0.0), (30.0, GONE)]), changes(&[(LINE_LABEL, ALL_LINE)], &[(100.0, 1.0)])];
        let log = log.continued(&all, 1000, GRID);
        assert_eq!(brief(&log), [(Running, vec![(0, 19)]), (Silent, vec![(20, 29)]), (Silent, vec![(0, 100)])]);
        assert!(log.is_whole(&all, GRID));
    }

    #[test]
    fn a_tail_replaces_what_it_covers_and_what_is_over_is_dropped() {
        let log = StateLog::new(&[there(&of("running"), 1.0)], Grid { end_ms: 50_000, ..GRID });
        let first = [changes(&of("running"), &[(41.0, GONE), (50.0, 1.0)]), changes(&of("stopped"), &[(41.0, 1.0)])];
        let log = log.continued(&first, 1000, Grid { end_ms: 50_000, ..GRID });
        assert_eq!(brief(&log), [(Running, vec![(0, 40), (50, 50)]), (Stopped, vec![(41, 50)])]);
        // What was running at 50 was not settled.
        let tail = [changes(&of("running"), &[(55.0, 1.0)]), changes(&of("stopped"), &[(55.0, GONE)])];
        let log = log.continued(&tail, 45_000, Grid { start_ms: 10_000, ..GRID });
        assert_eq!(brief(&log), [(Running, vec![(10, 40), (55, 100)]), (Stopped, vec![(41, 54)])]);
        let log = log.continued(&[], 100_000, Grid { start_ms: 60_000, end_ms: 160_000, ..GRID });
        assert_eq!(brief(&log), [(Running, vec![(60, 160)])]);
    }

    #[test]
    fn a_run_that_ends_at_the_joint_stays_ended() {
        let log = StateLog::new(&[there(&of("running"), 1.0)], GRID);
        let gone = [changes(&of("running"), &[(50.0, GONE)])];
        let log = log.continued(&gone, 1000, GRID).continued(&gone, 50_000, GRID);
        assert_eq!(brief(&log), [(Running, vec![(0, 49)])]);
    }
}
