//! Replicas probed once a second.
use crate::processes::tree::ProcessKey;
use crate::replica::tracker::*;
use reqwest::StatusCode;

const UP: ProbeResult = ProbeResult { failure: None, health: None, start_s: None, listening: Listening::Unknown };

fn down(failure: Failure) -> ProbeResult {
    ProbeResult { failure: Some(failure), ..UP }
}

/// A result while the process `pid`, which started at `start_s`, listens.
fn by(pid: u32, start_s: f64, result: ProbeResult) -> ProbeResult {
    let id = ServerId::Process(ProcessKey { pid, start: 7 });
    ProbeResult { listening: Listening::Server { id, start_s: Some(start_s) }, ..result }
}

/// A result while nothing listens.
fn gone(result: ProbeResult) -> ProbeResult {
    ProbeResult { listening: Listening::Nothing, ..result }
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
    for failure in [Failure::Unreachable, Failure::Dns, Failure::Proxy(None), Failure::Proxy(Some(502))] {
        assert_eq!(
            states(&mut ReplicaTracker::new(), &[down(failure), UP, down(failure)]),
            ["pending", "running", "failed"]
        );
    }
    for failure in [Failure::Tls, Failure::TlsAuthority, Failure::TlsName, Failure::TlsExpired, Failure::TlsClient] {
        assert_eq!(states(&mut ReplicaTracker::new(), &[down(failure)]), ["failed"]);
    }
}

#[test]
fn the_health_endpoint_determines_the_state_of_a_server_without_metrics() {
    let no_page = |health| refused(StatusCode::NOT_FOUND, Some(health));
    assert_eq!(states(&mut ReplicaTracker::new(), &[no_page(Health::Ready)]), ["running"]);
    assert_eq!(states(&mut ReplicaTracker::new(), &[no_page(Health::Absent)]), ["failed"]);
    assert_eq!(
        states(&mut ReplicaTracker::new(), &[no_page(Health::Silent)]),
        ["failed"],
        "it answers, without a page"
    );
    let error = refused(StatusCode::INTERNAL_SERVER_ERROR, Some(Health::Broken));
    assert_eq!(states(&mut ReplicaTracker::new(), &[UP, error]), ["running", "failed"]);
}

#[test]
fn health_is_requested_only_if_the_page_does_not_determine_the_state() {
    let mut tracker = ReplicaTracker::new();
    assert!(tracker.needs_health(None, true) && !tracker.needs_health(None, false), "a page wins over a probe");
    for (failure, is_needed) in [
        (Failure::ContentType, true),
        (Failure::status(StatusCode::NOT_FOUND), true),
        (Failure::status(StatusCode::SERVICE_UNAVAILABLE), true),
        (Failure::status(StatusCode::UNAUTHORIZED), false),
        (Failure::status(StatusCode::FORBIDDEN), false),
        (Failure::status(StatusCode::TOO_MANY_REQUESTS), false),
        (Failure::BodyLimit, false),
        (Failure::Connect, false),
        (Failure::Timeout, false),
    ] {
        assert_eq!(tracker.needs_health(Some(failure), false), is_needed, "{failure}");
    }
    tracker.observe(1000, started(0.5));
    assert!(!tracker.needs_health(None, true) && !tracker.needs_health_with_page());
    tracker.observe(2000, started(5.0));
    assert!(tracker.needs_health(None, true), "another process may still be loading");
    assert!(!tracker.needs_health(None, false) && !tracker.needs_health_with_page());
    assert_eq!(tracker.restarts, 1.0);
    tracker.observe(3000, ProbeResult { health: Some(Health::Unavailable), ..started(5.0) });
    assert_eq!(tracker.state, ReplicaState::Initializing);
    tracker.observe(4000, down(Failure::Timeout));
    assert!(tracker.needs_health_with_page(), "the page may hang again");
}

#[test]
fn a_connection_that_breaks_is_neither_a_stop_nor_a_restart_while_the_process_listens() {
    for failure in [Failure::Broken, Failure::Connect, Failure::Timeout] {
        let mut tracker = ReplicaTracker::new();
        let (up, failed) = (by(1, 990.0, UP), by(1, 990.0, down(failure)));
        let seen = states(&mut tracker, &[up, failed, up, failed, failed, up]);
        assert_eq!(seen, ["running", "running", "running", "running", "failed", "running"], "{failure}");
        assert_eq!(tracker.restarts, 0.0, "{failure}");
    }
    let mut remote = ReplicaTracker::new();
    let broken = down(Failure::Broken);
    assert_eq!(states(&mut remote, &[UP, broken, UP, broken, broken, UP])[4..], ["failed", "running"]);
    assert_eq!(remote.restarts, 0.0, "a broken connection is no evidence of a stop");
    states(&mut remote, &[down(Failure::Connect), UP]);
    assert_eq!(remote.restarts, 1.0, "a refused one is");
}

#[test]
fn a_server_on_this_machine_stops_when_nothing_listens_any_more() {
    for failure in [Failure::Connect, Failure::Broken, Failure::Timeout] {
        let mut tracker = ReplicaTracker::new();
        assert_eq!(states(&mut tracker, &[gone(down(failure))]), ["pending"]);
        let seen = states(&mut tracker, &[by(1, 990.0, UP), gone(down(failure))]);
        assert_eq!(seen, ["running", "stopped"], "{failure}");
    }
}

#[test]
fn without_start_times_restarts_follow_the_process_that_listens() {
    let stopped = gone(down(Failure::Connect));
    let mut tracker = ReplicaTracker::new();
    states(&mut tracker, &[stopped, by(1, 1000.5, UP), stopped, by(1, 1000.5, UP)]);
    assert_eq!(tracker.restarts, 0.0, "the same process listens again");
    states(&mut tracker, &[stopped, by(2, 1001.5, UP), by(2, 1001.5, UP)]);
    assert_eq!(tracker.restarts, 1.0);
    states(&mut tracker, &[by(3, 1002.0, UP)]);
    assert_eq!(tracker.restarts, 2.0, "too quick for a scrape to see it down");
    let loading = by(4, 1002.0, refused(StatusCode::SERVICE_UNAVAILABLE, Some(Health::Loading)));
    states(&mut tracker, &[loading, loading, by(4, 1002.0, UP)]);
    assert_eq!(tracker.restarts, 3.0, "counted when it is seen, and once");
    // The page tells its start as well: both are signs of one restart.
    let mut told = ReplicaTracker::new();
    states(&mut told, &[by(1, 990.0, started(990.0)), stopped, by(2, 1001.0, started(1001.0)), by(2, 1001.0, UP)]);
    assert_eq!(told.restarts, 1.0);
}

#[test]
fn the_start_of_the_process_tells_how_long_it_took_to_become_ready() {
    // A page of several processes, as of vLLM with several API servers, has no start time.
    let stopped = gone(down(Failure::Connect));
    let mut tracker = ReplicaTracker::new();
    states(&mut tracker, &[stopped, stopped, by(1, 1000.5, UP)]);
    assert_eq!(tracker.ready_s, Some(1.5));
}

#[test]
fn a_start_that_is_known_late_is_still_timed_and_counted_once() {
    let stopped = gone(down(Failure::Connect));
    let mut tracker = ReplicaTracker::new();
    // The look at the processes takes longer than the scrape that finds the server running again.
    states(&mut tracker, &[by(1, 990.0, UP), stopped, UP, by(2, 1001.0, UP), by(2, 1001.0, UP)]);
    assert_eq!((tracker.restarts, tracker.ready_s), (1.0, Some(1.0)));
    // One that was running at the first probe has no start that was seen.
    let mut early = ReplicaTracker::new();
    states(&mut early, &[UP, by(1, 990.0, UP)]);
    assert_eq!((early.restarts, early.ready_s), (0.0, None));
}

#[test]
fn limits_of_the_companion_are_no_failures_of_the_replica() {
    for failure in [Failure::BodyLimit, Failure::SampleLimit, Failure::SeriesCap, Failure::SecretEcho] {
        assert_eq!(states(&mut ReplicaTracker::new(), &[down(failure)]), ["running"], "{failure}");
    }
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

#[test]
fn a_busy_machine_may_tell_only_later_which_server_listens() {
    let (up, stopped) = (by(4, 900.0, UP), gone(down(Failure::Connect)));
    let restarts = |results: &[ProbeResult]| {
        let mut tracker = ReplicaTracker::new();
        states(&mut tracker, results);
        tracker.restarts
    };
    assert_eq!(restarts(&[up, stopped, UP, up, up]), 0.0, "the same process listens again");
    assert_eq!(restarts(&[up, stopped, UP, UP, by(5, 1003.0, UP), by(5, 1003.0, UP)]), 1.0, "another one");
    assert_eq!(restarts(&[up, stopped, UP, UP, UP, UP, UP]), 1.0, "what stays unknown is another one");
    assert_eq!(restarts(&[up, stopped, UP, stopped, UP, up]), 0.0, "twice");
    assert_eq!(restarts(&[UP, stopped, UP]), 1.0, "no server was ever known");
}
