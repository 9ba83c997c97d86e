//! Tests of state intervals: changes, gaps, changing labels, restarts, tails.
use crate::data::replicas::intervals::*;
use ReplicaState::{Failed, Initializing, Pending, Running, Silent, Stopped};
use catalogue::Window;

const GRID: Grid = Grid { start_ms: 0, end_ms: 100_000, step_ms: 1000, window: Window::sliding(4000), settling_ms: 0 };
const RANGE: TimeRange = TimeRange::new(0, 99_500);

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn one(state: ReplicaState, runs: &[(i64, i64)]) -> StateSeries {
    let runs = runs.iter().map(|(first_s, last_s)| TimeRange::new(first_s * 1000, last_s * 1000)).collect();
    StateSeries { labels: Arc::new(labels(&[("replica", "a")])), state, runs }
}

/// State, start and end in seconds.
fn intervals(series: &[StateSeries]) -> Vec<(ReplicaState, f64, f64)> {
    brief(&state_intervals(&series.iter().collect::<Vec<_>>(), GRID, RANGE))
}

fn brief(intervals: &[StateInterval]) -> Vec<(ReplicaState, f64, f64)> {
    let seconds = |time_ms: i64| time_ms as f64 / 1000.0;
    intervals.iter().map(|one| (one.state, seconds(one.start_ms), seconds(one.end_ms))).collect()
}

#[test]
fn states_follow_each_other() {
    let series = [one(Pending, &[(5, 9)]), one(Running, &[(10, 39), (50, 100)]), one(Stopped, &[(40, 49)])];
    assert_eq!(
        intervals(&series),
        [(Pending, 5.0, 10.0), (Running, 10.0, 40.0), (Stopped, 40.0, 50.0), (Running, 50.0, 99.5)]
    );
}

#[test]
fn a_gap_stays_and_the_lookback_before_it_is_subtracted() {
    // The last sample before the gap was at 20; the query still found it at 21 to 23.
    let series = [one(Running, &[(10, 23), (40, 100)])];
    assert_eq!(intervals(&series), [(Running, 10.0, 21.0), (Running, 40.0, 99.5)]);
    let lone = [one(Failed, &[(10, 12)])];
    assert_eq!(intervals(&lone), [(Failed, 10.0, 11.0)]);
}

#[test]
fn what_has_changed_since_the_last_whole_step_is_shown() {
    let series = [one(Running, &[(10, 99)]), one(Silent, &[(100, 100)])];
    assert_eq!(intervals(&series), [(Running, 10.0, 99.25), (Silent, 99.25, 99.5)]);
    let born = [one(Running, &[(100, 100)])];
    assert_eq!(intervals(&born), [(Running, 99.25, 99.5)]);
}

#[test]
fn a_state_at_the_start_of_the_range_may_have_begun_earlier() {
    let series = [one(Running, &[(0, 100)])];
    let intervals = state_intervals(&[&series[0]], GRID, TimeRange::new(500, 99_500));
    assert!(intervals[0].may_start_earlier && intervals[0].start_ms == 500 && intervals[0].end_ms == 99_500);
}

#[test]
fn after_a_change_of_labels_the_new_series_holds() {
    let mut known = one(Running, &[(10, 30)]);
    known.labels = Arc::new(labels(&[("replica", "a"), ("model", "m")]));
    let series = [one(Pending, &[(5, 13)]), known];
    assert_eq!(intervals(&series)[..2], [(Pending, 5.0, 10.0), (Running, 10.0, 28.0)]);
}

#[test]
fn silence_counts_where_there_is_no_other_state() {
    let series = [one(Silent, &[(5, 30)]), one(Pending, &[(3, 10)]), one(Running, &[(31, 100)])];
    assert_eq!(intervals(&series), [(Pending, 3.0, 11.0), (Silent, 11.0, 31.0), (Running, 31.0, 99.5)]);
}

fn sample(time_s: i64, value: f64, reason: &str) -> LabelledSample {
    LabelledSample { labels: labels(&[("replica", "a"), ("reason", reason)]), time_ms: time_s * 1000, value }
}

#[test]
fn the_startup_replaces_waiting() {
    let series = [one(Pending, &[(5, 9)]), one(Running, &[(10, 39), (50, 100)]), one(Stopped, &[(40, 49)])];
    let intervals = state_intervals(&series.iter().collect::<Vec<_>>(), GRID, RANGE);
    let ready = [sample(10, 2.5, ""), sample(50, 30.0, ""), sample(70, 5.0, "")];
    let intervals = with_startups(intervals, &ready.iter().collect::<Vec<_>>(), GRID, RANGE);
    assert_eq!(
        brief(&intervals),
        [
            (Pending, 5.0, 7.5),
            (Initializing, 7.5, 10.0),
            (Running, 10.0, 40.0),
            // It cannot have started before the previous run ended.
            (Initializing, 40.0, 50.0),
            (Running, 50.0, 99.5)
        ]
    );
    assert_eq!(intervals[2].ready_ms, Some(2500));
    let restarts = restarts(&[&sample(51, 1.0, "unknown"), &sample(20, 2.0, "OOMKilled")], &intervals, GRID, RANGE);
    let brief: Vec<_> = restarts.iter().map(|one| (one.time_ms, one.count, one.reason.as_str())).collect();
    assert_eq!(brief, [(20_000, 2, "OOMKilled"), (40_000, 1, "")]);
}

#[test]
fn a_startup_with_its_own_samples_stays() {
    let series = [one(Initializing, &[(5, 9)]), one(Running, &[(10, 100)])];
    let intervals = state_intervals(&series.iter().collect::<Vec<_>>(), GRID, RANGE);
    let intervals = with_startups(intervals, &[&sample(10, 20.0, "")], GRID, RANGE);
    assert_eq!(brief(&intervals), [(Initializing, 5.0, 10.0), (Running, 10.0, 99.5)]);
}

#[test]
fn times_out_of_range_are_ignored() {
    assert_eq!(state_intervals(&[], GRID, RANGE), []);
    let later = one(Running, &[(200, 300)]);
    assert_eq!(state_intervals(&[&later], GRID, RANGE), []);
    let empty = with_startups(Vec::new(), &[&sample(5, f64::NAN, ""), &sample(6, -1.0, "")], GRID, RANGE);
    assert!(restarts(&[&sample(-9, f64::NAN, "")], &empty, GRID, RANGE).len() == 1);
}
