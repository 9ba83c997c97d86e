//! Row F7: a wall clock that jumps, given to a program by a library that the C compiler makes.
use crate::machine::{counting, wait_until};
use crate::outcome::Outcome;
use crate::subject::{Kind, Setup, Subject};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

/// Adds the seconds in the file `clock` of the present folder to the wall clock.
const LIBRARY: &str = r#"
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
static long step(void) {
    FILE *file = fopen("./clock", "r");
    long seconds = 0;
    if (file) {
        if (fscanf(file, "%ld", &seconds) != 1) seconds = 0;
        fclose(file);
    }
    return seconds;
}
int clock_gettime(clockid_t clock, struct timespec *time) {
    int outcome = syscall(SYS_clock_gettime, clock, time);
    if (clock == CLOCK_REALTIME) time->tv_sec += step();
    return outcome;
}
"#;

/// How far the clock jumps, in seconds.
const JUMPS: [i64; 4] = [3600, -3600, 86_400, 16 * 86_400];

fn compiled(folder: &Path) -> Option<String> {
    let (source, library) = (folder.join("clock.c"), folder.join("clock.so"));
    fs::write(&source, LIBRARY).ok()?;
    let mut command = Command::new("cc");
    command.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source);
    command.status().ok()?.success().then(|| library.display().to_string())
}

/// F7: the clock jumps for three seconds and is right again.
pub(crate) fn jumps() -> Outcome {
    let built = tempfile::tempdir().expect("a folder");
    let Some(library) = compiled(built.path()) else { return Outcome::skipped("no C compiler") };
    let tried: Vec<(i64, Option<Jumped>)> =
        JUMPS.iter().map(|jump| (*jump, try_on(Kind::Companion, &library, *jump))).collect();
    let text = |(jump, jumped): &(i64, Option<Jumped>)| match jumped {
        None => format!("{jump} s: does not run"),
        Some(Jumped { is_kept, after, burst }) => {
            format!("{jump} s: history kept: {is_kept}, {after} of 5 stored after it, {burst} scrapes in 3 s")
        }
    };
    let is_well = |jumped: &Jumped| jumped.is_kept && jumped.after >= 3 && jumped.burst <= 6;
    let holds = tried.iter().all(|(_, jumped)| jumped.as_ref().is_some_and(is_well));
    let texts: Vec<String> = tried.iter().map(text).collect();
    // Programs made with Go ask the kernel for the time without the C library, so the library moves no clock of the peers.
    Outcome::of(holds, texts.join("; "))
}

/// What a program made of a jump.
struct Jumped {
    /// Whether what was stored before is still there.
    is_kept: bool,
    /// How many of five scrapes after it were stored.
    after: usize,
    /// How many scrapes came in the three seconds of the jump.
    burst: usize,
}

fn try_on(kind: Kind, library: &str, jump: i64) -> Option<Jumped> {
    let target = counting();
    let mut setup = Setup::of(&[target.url()]);
    setup.env = vec![("LD_PRELOAD".into(), library.into())];
    let mut subject = Subject::start(kind, &setup)?;
    wait_until(Duration::from_secs(10), || target.connections() >= 5)?;
    let (before, clock) = (target.connections(), subject.folder.path().join("clock"));
    fs::write(&clock, jump.to_string()).ok()?;
    thread::sleep(Duration::from_secs(3));
    let burst = target.connections() - before;
    fs::write(&clock, "0").ok()?;
    // Maintenance takes place each second.
    thread::sleep(Duration::from_millis(1500));
    let after = target.connections();
    wait_until(Duration::from_secs(10), || target.connections() >= after + 6)?;
    let stored = subject.history("scrapes");
    let has = |scrape: usize| stored.contains(&(scrape as f64));
    let is_kept = subject.is_running() && (0..before - 1).all(has);
    let after = (after..after + 5).filter(|scrape| has(*scrape)).count();
    Some(Jumped { is_kept, after, burst })
}
