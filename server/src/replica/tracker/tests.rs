//! Lives told look by look.
use crate::replica::tracker::*;
use reqwest::StatusCode;

const UP: Look = Look { failure: None, health: None, start_s: None };

fn down(failure: Failure) -> Look {
    Look { failure: Some(failure), ..UP }
}

fn told(health: Health) -> Look {
    Look { health: Some(health), ..UP }
}

fn started(start_s: f64) -> Look {
    Look { start_s: Some(start_s), ..UP }
}

fn refused(status: StatusCode, health: Option<Health>) -> Look {
    Look { failure: Some(Failure::status(status)), health, ..UP }
}

/// The words for the states after each look, one look a second from second 1000 on.
fn states(life: &mut Life, looks: &[Look]) -> Vec<&'static str> {
    let see = |(second, look): (usize, &Look)| {
        life.see((1000 + second as i64) * 1000, *look);
        life.state.id()
    };
    looks.iter().enumerate().map(see).collect()
}

#[test]
fn a_vllm_that_listens_only_when_it_is_ready() {
    let mut life = Life::new();
    let gone = down(Failure::Connect);
    let looks = [gone, gone, started(998.5), started(998.5), gone, started(1004.5)];
    assert_eq!(states(&mut life, &looks), ["pending", "pending", "running", "running", "stopped", "running"]);
    assert_eq!((life.restarts, life.ready_s), (1.0, Some(0.5)));
    let mut first = Life::new();
    states(&mut first, &looks[..4]);
    assert_eq!((first.restarts, first.ready_s), (0.0, Some(3.5)));
}

#[test]
fn a_start_that_nobody_saw_is_not_timed() {
    let mut life = Life::new();
    assert_eq!(states(&mut life, &[down(Failure::Timeout), started(500.0)]), ["pending", "running"]);
    assert_eq!(life.ready_s, None, "it may have served all the time");
    let mut late = Life::new();
    states(&mut late, &[down(Failure::Connect), started(990.0)]);
    assert_eq!(late.ready_s, Some(11.0), "it did not serve when it was first looked at");
    let mut first = Life::new();
    states(&mut first, &[started(990.0)]);
    assert_eq!(first.ready_s, None);
}

#[test]
fn a_llama_cpp_that_answers_while_it_loads() {
    let loading = refused(StatusCode::SERVICE_UNAVAILABLE, Some(Health::Loading));
    let mut life = Life::new();
    let looks = [down(Failure::Connect), loading, loading, told(Health::Ready), UP, loading, UP];
    assert_eq!(
        states(&mut life, &looks),
        ["pending", "initializing", "initializing", "running", "running", "initializing", "running"]
    );
    assert_eq!(life.ready_s, Some(1.0));
    assert_eq!(life.restarts, 0.0, "it never went away");
}

#[test]
fn unavailable_means_loading_before_it_served_and_failed_after() {
    let unavailable = refused(StatusCode::SERVICE_UNAVAILABLE, Some(Health::Unavailable));
    let gone = down(Failure::Connect);
    let mut life = Life::new();
    let looks = [told(Health::Unavailable), told(Health::Ready), unavailable, gone, unavailable, UP];
    assert_eq!(states(&mut life, &looks), ["initializing", "running", "failed", "stopped", "initializing", "running"]);
    assert_eq!(life.restarts, 1.0, "it went away and came back");
}

#[test]
fn one_page_that_tells_nothing_is_not_a_failure() {
    let slow = down(Failure::Timeout);
    let broken = down(Failure::Parse { line: 1, column: 1 });
    assert_eq!(states(&mut Life::new(), &[UP, slow, UP, broken, UP]), ["running"; 5]);
    assert_eq!(states(&mut Life::new(), &[UP, slow, slow, UP]), ["running", "running", "failed", "running"]);
    assert_eq!(states(&mut Life::new(), &[slow, slow, UP]), ["pending", "pending", "running"]);
    let slow_but_well = Look { health: Some(Health::Ready), ..slow };
    assert_eq!(states(&mut Life::new(), &[UP, slow, slow_but_well, slow]), ["running"; 4]);
}

#[test]
fn what_cannot_be_reached_has_failed_once_it_was_there() {
    for failure in [Failure::Unreachable, Failure::Dns] {
        assert_eq!(states(&mut Life::new(), &[down(failure), UP, down(failure)]), ["pending", "running", "failed"]);
    }
    assert_eq!(states(&mut Life::new(), &[down(Failure::Tls)]), ["failed"]);
}

#[test]
fn a_server_without_metrics_is_told_by_its_health() {
    let no_page = |health| refused(StatusCode::NOT_FOUND, Some(health));
    assert_eq!(states(&mut Life::new(), &[no_page(Health::Ready)]), ["running"]);
    assert_eq!(states(&mut Life::new(), &[no_page(Health::Silent)]), ["failed"]);
    let error = refused(StatusCode::INTERNAL_SERVER_ERROR, Some(Health::Broken));
    assert_eq!(states(&mut Life::new(), &[UP, error]), ["running", "failed"]);
}

#[test]
fn health_is_asked_only_where_the_page_does_not_tell() {
    let mut life = Life::new();
    assert!(life.wants_health(None) && life.wants_health(Some(Failure::ContentType)));
    assert!(!life.wants_health(Some(Failure::Connect)) && !life.wants_health(Some(Failure::Timeout)));
    life.see(1000, started(0.5));
    assert!(!life.wants_health(None) && !life.is_doubted());
    life.see(2000, started(5.0));
    assert!(life.is_doubted(), "another process may still be loading");
    assert_eq!(life.restarts, 1.0);
    life.see(3000, Look { health: Some(Health::Unavailable), ..started(5.0) });
    assert_eq!(life.state, ReplicaState::Initializing);
}

#[test]
fn a_start_while_nobody_looked_is_a_restart_too() {
    let mut life = Life { start_s: Some(10.0), restarts: 3.0, ..Life::resumed(ReplicaState::Running) };
    life.see(100_000, started(10.4));
    assert_eq!(life.restarts, 3.0, "the same start");
    life.see(101_000, started(90.0));
    assert_eq!((life.restarts, life.ready_s), (4.0, None));
    let mut resumed = Life::resumed(ReplicaState::Stopped);
    resumed.see(100_000, down(Failure::Connect));
    assert_eq!(resumed.state, ReplicaState::Stopped, "it is known to have been there");
}
