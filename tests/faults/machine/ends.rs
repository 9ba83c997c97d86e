//! Rows F1, F8, F11, F13 and F14: how a run ends or is held up.
use crate::machine::{counting, wait_until};
use crate::outcome::Outcome;
use crate::subject::{Kind, PEERS, Setup, Subject};
use crate::wire::get;
use rustix::process::Signal;
use std::collections::BTreeSet;
use std::fs;
use std::net::TcpStream;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How often a program is killed.
const KILLS: u32 = 10;

/// The longest time until a killed program is ready again.
const MAX_START: Duration = Duration::from_secs(2);

/// F1: kills at moments that nothing chose.
pub(crate) fn kills() -> Outcome {
    let try_on = |kind: Kind, kills: u32| {
        let target = counting();
        let setup = Setup::of(&[target.url()]);
        let mut subject = Subject::start(kind, &setup)?;
        let (mut most_lost, mut slowest) = (0, Duration::ZERO);
        for kill in 0..kills {
            thread::sleep(Duration::from_millis(1700 + u64::from(kill * 379 % 1000)));
            // The page of the last request may not have arrived yet.
            let served = target.connections().saturating_sub(1);
            let folder = subject.killed();
            let began = Instant::now();
            subject = Subject::start_in(kind, &setup, folder)?;
            slowest = slowest.max(began.elapsed());
            let stored: BTreeSet<u64> = subject.history("scrapes").into_iter().map(|value| value as u64).collect();
            let lost = (0..served as u64).filter(|scrape| !stored.contains(scrape)).count();
            most_lost = most_lost.max(lost);
        }
        Some((most_lost, slowest))
    };
    let text = |(lost, slowest): (usize, Duration)| {
        format!("{lost} scrapes of 1 s lost in all, ready after {:.2} s at most", slowest.as_secs_f64())
    };
    let (lost, slowest) = try_on(Kind::Companion, KILLS).expect("the companion");
    // Each kill may lose the scrape that was not written yet.
    let outcome = Outcome::of(lost <= KILLS as usize && slowest <= MAX_START, text((lost, slowest)));
    PEERS.iter().fold(outcome, |outcome, (kind, name)| outcome.with_peer(name, try_on(*kind, 3).map(text)))
}

/// F8: a program that was stopped scrapes each target once when it goes on.
pub(crate) fn suspended() -> Outcome {
    let try_on = |kind: Kind| {
        let target = counting();
        let subject = Subject::start(kind, &Setup::of(&[target.url()]))?;
        wait_until(Duration::from_secs(5), || target.connections() > 1)?;
        subject.signal(Signal::STOP);
        thread::sleep(Duration::from_secs(6));
        let before = target.connections();
        subject.signal(Signal::CONT);
        thread::sleep(Duration::from_millis(2500));
        Some(target.connections() - before)
    };
    let scrapes = try_on(Kind::Companion).expect("the companion");
    let text = |scrapes: usize| format!("{scrapes} scrapes in 2.5 s after six that were missed");
    PEERS.iter().fold(Outcome::of((1..=4).contains(&scrapes), text(scrapes)), |outcome, (kind, name)| {
        outcome.with_peer(name, try_on(*kind).map(text))
    })
}

/// F11: without descriptors scrapes go on, and others are served again once there are some.
pub(crate) fn few_descriptors() -> Outcome {
    let target = counting();
    let started = Subject::started_by(&Setup::of(&[target.url()]), &|program, arguments| {
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -n 64; exec \"$0\" \"$@\""]).arg(program).args(arguments);
        command
    });
    let Some(subject) = started else { return Outcome::skipped("no shell") };
    let before = target.connections();
    let sockets: Vec<TcpStream> = (0..120).filter_map(|_| TcpStream::connect(subject.address).ok()).collect();
    thread::sleep(Duration::from_secs(6));
    let scrapes = target.connections() - before;
    let meanwhile = get(subject.address, "/-/ready");
    drop(sockets);
    let again = wait_until(Duration::from_secs(5), || get(subject.address, "/-/ready").status == 200);
    let holds = scrapes >= 5 && [200, 503].contains(&meanwhile.status) && again.is_some();
    Outcome::of(
        holds,
        format!("{scrapes} scrapes in 6 s, {} meanwhile, served again after {again:.1?}", meanwhile.status),
    )
}

/// F13: a configuration that is bad when it is read again changes nothing.
pub(crate) fn bad_configuration() -> Outcome {
    let (one, other) = (counting(), counting());
    let subject = Subject::companion(&Setup::of(&[one.url()]));
    let config = subject.folder.path().join("config");
    let good = fs::read_to_string(&config).expect("a file");
    let is_scraped = |target: &crate::target::Target| {
        let before = target.connections();
        wait_until(Duration::from_secs(4), || target.connections() >= before + 2).is_some()
    };
    let mut wrong = Vec::new();
    for bad in ["targets = 7", "[[targets]]\nurl = \"gopher://x\"", "\0\0", &good.replace("1000ms", "-5s")] {
        fs::write(&config, bad).expect("a file");
        subject.signal(Signal::HUP);
        if !is_scraped(&one) {
            wrong.push(format!("{bad:?} ended a target"));
        }
    }
    let is_said = subject.log().contains("configuration");
    fs::write(&config, format!("{good}\n[[targets]]\nurl = \"{}\"\n", other.url())).expect("a file");
    subject.signal(Signal::HUP);
    let has_gap = subject.history("scrapes{replica=\"r0\"}").windows(2).any(|pair| pair[1] != pair[0] + 1.0);
    let holds = wrong.is_empty() && is_said && is_scraped(&other) && !has_gap;
    Outcome::of(holds, format!("wrong: {wrong:?}, said: {is_said}, gap: {has_gap}"))
}

/// F14: SIGTERM while queries run.
pub(crate) fn termination() -> Outcome {
    let try_on = |kind: Kind| {
        let target = counting();
        let setup = Setup::of(&[target.url()]);
        let subject = Subject::start(kind, &setup)?;
        wait_until(Duration::from_secs(10), || target.connections() >= 4)?;
        let (address, is_over) = (subject.address, AtomicBool::new(false));
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    while !is_over.load(Ordering::Relaxed) {
                        get(address, "/api/v1/query?query=count({__name__!=%22%22})");
                    }
                });
            }
            thread::sleep(Duration::from_secs(1));
            let took = subject.stop(Duration::from_secs(20));
            is_over.store(true, Ordering::Relaxed);
            Some(took)
        })
    };
    let text =
        |took: Option<Duration>| took.map_or("not in 20 s".into(), |took| format!("{:.2} s", took.as_secs_f64()));
    let took = try_on(Kind::Companion).expect("the companion");
    let outcome = Outcome::of(took.is_some_and(|took| took <= Duration::from_secs(5)), text(took));
    PEERS.iter().fold(outcome, |outcome, (kind, name)| outcome.with_peer(name, try_on(*kind).map(text)))
}
