//! Replicas probed once a second.
use crate::replica::tracker::*;
use reqwest::StatusCode;

const UP: ProbeResult = ProbeResult { failure: None, health: None, start_s: None };

fn down(failure: Failure) -> ProbeResult {
    ProbeResult { failure: Some(failure), ..UP }
}

fn health(health: Health) -> ProbeResult {
    ProbeResult { health: Some(health), ..UP }
}

fn started(start_s: f64) -> ProbeResult {
    ProbeResult { start_s: Some(start_s), ..UP }
}

fn refused(status: StatusCode, health: Option<Health>) -> ProbeResult {
    ProbeResult { failure: Some(Failure::status(status)), health, ..UP }
}

/// The states after each probe, one probe a second from second 1000 on.
fn states(tracker: &mut ReplicaTracker, results: &[ProbeResult]) -> Vec<&'static str> {
    let observe = |(second, result): (usize, &ProbeResult)| {
        tracker.observe((1000 + second as i64) * 1000, *result);
        tracker.state.id()
    };
    results.iter().enumerate().map(observe).collect()
}

#[test]
fn vllm_listens_only_when_it_is_ready() {
    let mut tracker = ReplicaTracker::new();
    let gone = down(Failure::Connect);
    let results = [gone, gone, started(998.5), started(998.5), gone, started(1004.5)];
    assert_eq!(states(&mut tracker, &results), ["pending", "pending", "running", "running", "stopped", "running"]);
    assert_eq!((tracker.restarts, tracker.ready_s), (1.0, Some(0.5)));
    let mut first = ReplicaTracker::new();
    states(&mut first, &results[..4]);
    assert_eq!((first.restarts, first.ready_s), (0.0, Some(3.5)));
}

#[test]
fn an_unobserved_start_is_not_timed() {
    let mut tracker = ReplicaTracker::new();
    assert_eq!(states(&mut tracker, &[down(Failure::Timeout), started(500.0)]), ["pending", "running"]);
    assert_eq!(tracker.ready_s, None, "it may have been running all the time");
    let mut late = ReplicaTracker::new();
    states(&mut late, &[down(Failure::Connect), started(990.0)]);
    assert_eq!(late.ready_s, Some(11.0), "it was not running at the first probe");
    let mut first = ReplicaTracker::new();
    states(&mut first, &[started(990.0)]);
    assert_eq!(first.ready_s, None);
}

#[test]
fn llama_cpp_answers_while_it_loads() {
    let loading = refused(StatusCode::SERVICE_UNAVAILABLE, Some(Health::Loading));
    let mut tracker = ReplicaTracker::new();
    let results = [down(Failure::Connect), loading, loading, health(Health::Ready), UP, loading, UP];
    assert_eq!(
        states(&mut tracker, &results),
        ["pending", "initializing", "initializing", "running", "running", "initializing", "running"]
    );
    assert_eq!(tracker.ready_s, Some(1.0));
    assert_eq!(tracker.restarts, 0.0, "it never went away");
}

#[test]
fn unavailable_means_initializing_before_the_first_run_and_failed_after_it() {
    let unavailable = refused(StatusCode::SERVICE_UNAVAILABLE, Some(Health::Unavailable));
    let gone = down(Failure::Connect);
    let mut tracker = ReplicaTracker::new();
    let results = [health(Health::Unavailable), health(Health::Ready), unavailable, gone, unavailable, UP];
    assert_eq!(
        states(&mut tracker, &results),
        ["initializing", "running", "failed", "stopped", "initializing", "running"]
    );
    assert_eq!(tracker.restarts, 1.0, "it went away and came back");
}

#[test]
fn a_single_inconclusive_probe_is_not_a_failure() {
    let slow = down(Failure::Timeout);
    let broken = down(Failure::Parse { line: 1, column: 1 });
    assert_eq!(states(&mut ReplicaTracker::new(), &[UP, slow, UP, broken, UP]), ["running"; 5]);
    assert_eq!(states(&mut ReplicaTracker::new(), &[UP, slow, slow, UP]), ["running", "running", "failed", "running"]);
    assert_eq!(states(&mut ReplicaTracker::new(), &[slow, slow, UP]), ["pending", "pending", "running"]);
    let slow_but_healthy = ProbeResult { health: Some(Health::Ready), ..slow };
    assert_eq!(states(&mut ReplicaTracker::new(), &[UP, slow, slow_but_healthy, slow]), ["running"; 4]);
}

#[test]
fn an_unreachable_replica_has_failed_if_it_was_seen_before() {
    for failure in [Failure::Unreachable, Failure::Dns] {
        assert_eq!(
            states(&mut ReplicaTracker::new(), &[down(failure), UP, down(failure)]),
            ["pending", "running", "failed"]
        );
    }
    assert_eq!(states(&mut ReplicaTracker::new(), &[down(Failure::Tls)]), ["failed"]);
}

#[test]
fn the_health_endpoint_determines_the_state_of_a_server_without_metrics() {
    let no_page = |health| refused(StatusCode::NOT_FOUND, Some(health));
    assert_eq!(states(&mut ReplicaTracker::new(), &[no_page(Health::Ready)]), ["running"]);
    assert_eq!(states(&mut ReplicaTracker::new(), &[no_page(Health::Silent)]), ["failed"]);
    let error = refused(StatusCode::INTERNAL_SERVER_ERROR, Some(Health::Broken));
    assert_eq!(states(&mut ReplicaTracker::new(), &[UP, error]), ["running", "failed"]);
}

#[test]
fn health_is_requested_only_if_the_page_does_not_determine_the_state() {
    let mut tracker = ReplicaTracker::new();
    assert!(tracker.needs_health(None) && tracker.needs_health(Some(Failure::ContentType)));
    assert!(!tracker.needs_health(Some(Failure::Connect)) && !tracker.needs_health(Some(Failure::Timeout)));
    tracker.observe(1000, started(0.5));
    assert!(!tracker.needs_health(None) && !tracker.is_inconclusive());
    tracker.observe(2000, started(5.0));
    assert!(tracker.is_inconclusive(), "another process may still be loading");
    assert_eq!(tracker.restarts, 1.0);
    tracker.observe(3000, ProbeResult { health: Some(Health::Unavailable), ..started(5.0) });
    assert_eq!(tracker.state, ReplicaState::Initializing);
}

#[test]
fn a_start_between_two_probes_is_a_restart() {
    let mut tracker =
        ReplicaTracker { start_s: Some(10.0), restarts: 3.0, ..ReplicaTracker::resumed(ReplicaState::Running) };
    tracker.observe(100_000, started(10.4));
    assert_eq!(tracker.restarts, 3.0, "the same start");
    tracker.observe(101_000, started(90.0));
    assert_eq!((tracker.restarts, tracker.ready_s), (4.0, None));
    let mut resumed = ReplicaTracker::resumed(ReplicaState::Stopped);
    resumed.observe(100_000, down(Failure::Connect));
    assert_eq!(resumed.state, ReplicaState::Stopped, "it has been seen before");
}
