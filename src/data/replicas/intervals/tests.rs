//! Tests of spans: changes, holes, labels that change, restarts, tails.
use crate::data::replicas::intervals::*;
use ReplicaState::{Failed, Initializing, Pending, Running, Silent, Stopped};
use prometheus_api::Number;

const POINTS: Points = Points { start_ms: 0, end_ms: 100_000, step_ms: 1000, window_ms: 4000 };
const RANGE: (i64, i64) = (0, 99_500);

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn one(state: ReplicaState, runs: &[(i64, i64)]) -> Told {
    let runs = runs.iter().map(|(first_s, last_s)| (first_s * 1000, last_s * 1000)).collect();
    Told { labels: labels(&[("replica", "a")]), state, runs }
}

/// State, start and end in seconds.
fn seen(told: &[Told]) -> Vec<(ReplicaState, f64, f64)> {
    brief(&spans(&told.iter().collect::<Vec<_>>(), POINTS, RANGE))
}

fn brief(spans: &[Span]) -> Vec<(ReplicaState, f64, f64)> {
    spans.iter().map(|span| (span.state, span.start_ms as f64 / 1000.0, span.end_ms as f64 / 1000.0)).collect()
}

fn series(pairs: &[(&str, &str)], points: &[(f64, f64)]) -> Series<RangeValues> {
    let values = points.iter().map(|(time_s, value)| (*time_s, Number(*value))).collect();
    Series { metric: labels(pairs), samples: RangeValues { values } }
}

#[test]
fn points_become_runs_and_holes_part_them() {
    let matrix = [
        series(&[("__name__", "x"), ("state", "running"), ("replica", "a")], &[(1.0, 1.0), (2.0, 1.0), (9.0, 1.0)]),
        series(&[("state", "asleep"), ("replica", "a")], &[(1.0, 1.0)]),
        series(&[("replica", "b")], &[(1.0, 1.0), (2.0, 0.0), (3.0, 0.0)]),
    ];
    let told = told(&matrix, 1000);
    let brief: Vec<_> = told.iter().map(|one| (one.state, one.labels.len(), one.runs.clone())).collect();
    assert_eq!(
        brief,
        [
            (Running, 1, vec![(1000, 2000), (9000, 9000)]),
            (Running, 1, vec![(1000, 1000)]),
            (Silent, 1, vec![(2000, 3000)])
        ]
    );
}

#[test]
fn a_session_has_its_states_one_after_the_other() {
    let told = [one(Pending, &[(5, 9)]), one(Running, &[(10, 39), (50, 100)]), one(Stopped, &[(40, 49)])];
    assert_eq!(
        seen(&told),
        [(Pending, 5.0, 10.0), (Running, 10.0, 40.0), (Stopped, 40.0, 50.0), (Running, 50.0, 99.5)]
    );
}

#[test]
fn a_hole_is_a_hole_and_what_the_window_added_before_it_is_taken_off() {
    // The last sample before the hole was at 20; the points at 21 to 23 still found it.
    let told = [one(Running, &[(10, 23), (40, 100)])];
    assert_eq!(seen(&told), [(Running, 10.0, 21.0), (Running, 40.0, 99.5)]);
    let lone = [one(Failed, &[(10, 12)])];
    assert_eq!(seen(&lone), [(Failed, 10.0, 11.0)]);
}

#[test]
fn what_began_before_is_known_to_be_older() {
    let told = [one(Running, &[(0, 100)])];
    let spans = spans(&[&told[0]], POINTS, (500, 99_500));
    assert!(spans[0].is_older && spans[0].start_ms == 500 && spans[0].end_ms == 99_500);
}

#[test]
fn after_a_change_of_labels_the_new_series_holds() {
    let mut known = one(Running, &[(10, 30)]);
    known.labels.insert("model".into(), "m".into());
    let told = [one(Pending, &[(5, 13)]), known];
    assert_eq!(seen(&told)[..2], [(Pending, 5.0, 10.0), (Running, 10.0, 28.0)]);
}

#[test]
fn that_nothing_answers_counts_where_nothing_else_is_told() {
    let told = [one(Silent, &[(5, 30)]), one(Pending, &[(3, 10)]), one(Running, &[(31, 100)])];
    assert_eq!(seen(&told), [(Pending, 3.0, 11.0), (Silent, 11.0, 31.0), (Running, 31.0, 99.5)]);
}

fn event(time_s: i64, value: f64, reason: &str) -> Event {
    Event { labels: labels(&[("replica", "a"), ("reason", reason)]), time_ms: time_s * 1000, value }
}

#[test]
fn the_start_up_takes_the_place_of_waiting() {
    let told = [one(Pending, &[(5, 9)]), one(Running, &[(10, 39), (50, 100)]), one(Stopped, &[(40, 49)])];
    let spans = spans(&told.iter().collect::<Vec<_>>(), POINTS, RANGE);
    let ready = [event(10, 2.5, ""), event(50, 30.0, ""), event(70, 5.0, "")];
    let spans = with_startups(spans, &ready.iter().collect::<Vec<_>>(), POINTS, RANGE);
    assert_eq!(
        brief(&spans),
        [
            (Pending, 5.0, 7.5),
            (Initializing, 7.5, 10.0),
            (Running, 10.0, 40.0),
            // It cannot have started before the run before had ended.
            (Initializing, 40.0, 50.0),
            (Running, 50.0, 99.5)
        ]
    );
    assert_eq!(spans[2].ready_ms, Some(2500));
    let restarts = restarts(&[&event(51, 1.0, "unknown"), &event(20, 2.0, "OOMKilled")], &spans, POINTS, RANGE);
    let brief: Vec<_> = restarts.iter().map(|one| (one.time_ms, one.count, one.reason.as_str())).collect();
    assert_eq!(brief, [(20_000, 2, "OOMKilled"), (40_000, 1, "")]);
}

#[test]
fn a_start_up_that_is_told_in_detail_stays_as_told() {
    let told = [one(Initializing, &[(5, 9)]), one(Running, &[(10, 100)])];
    let spans = spans(&told.iter().collect::<Vec<_>>(), POINTS, RANGE);
    let spans = with_startups(spans, &[&event(10, 20.0, "")], POINTS, RANGE);
    assert_eq!(brief(&spans), [(Initializing, 5.0, 10.0), (Running, 10.0, 99.5)]);
}

#[test]
fn a_tail_goes_on_where_the_old_points_end() {
    let old = [one(Running, &[(0, 40)]), one(Failed, &[(0, 3)]), one(Stopped, &[(41, 50)])];
    let points = Points { start_ms: 10_000, ..POINTS };
    let fresh = vec![one(Running, &[(55, 60)]), one(Stopped, &[(45, 54)])];
    let all = continued(&old, fresh, 45_000, points);
    assert_eq!(all, [one(Running, &[(10, 40), (55, 60)]), one(Stopped, &[(41, 54)])]);
}

#[test]
fn odd_times_do_no_harm() {
    assert_eq!(spans(&[], POINTS, RANGE), []);
    let told = one(Running, &[(200, 300)]);
    assert_eq!(spans(&[&told], POINTS, RANGE), []);
    let empty = with_startups(Vec::new(), &[&event(5, f64::NAN, ""), &event(6, -1.0, "")], POINTS, RANGE);
    assert!(restarts(&[&event(-9, f64::NAN, "")], &empty, POINTS, RANGE).len() == 1);
}
