//! The time of samples: the system's clock, but a jump is followed only if it lasts; and the time for retention, which
//! deletes nothing because of a jump. See `docs/decisions/store-no-jump-of-the-clock-deletes-history.md`.
use parking_lot::Mutex;
use rustix::time::{ClockId, clock_gettime};
use std::time::{SystemTime, UNIX_EPOCH};
use tracing::warn;

/// The largest change of the clock against the time since the start of the machine that is no jump: clocks are slewed, and
/// reading two of them takes a moment.
const MAX_SLEW_MS: i64 = 500;

/// How long the clock has to stay where it jumped to, to be followed.
const MIN_LASTING_MS: i64 = 30_000;

/// How long the clock must not have jumped for retention to follow it.
const MIN_STEADY_MS: i64 = 3_600_000;

/// How long reading both clocks may take, and how often it is tried.
const MAX_INTERRUPTION_MS: i64 = 100;
const MAX_READINGS: usize = 4;

/// The maximum number of steps that are remembered.
const MAX_STEPS: usize = 64;

/// The shortest time between two lines of the log about jumps that did not last.
const MIN_LINE_PERIOD_MS: i64 = 60_000;

static CLOCK: Mutex<SteadyClock> = Mutex::new(SteadyClock::NEW);

/// The Unix time in milliseconds that samples get.
pub fn now_ms() -> i64 {
    CLOCK.lock().now_ms(Reading::take())
}

/// The Unix time in milliseconds before which retention counts back. `newest_ms` finds the newest stored sample; it is
/// called once.
pub(crate) fn retention_now_ms(newest_ms: impl FnOnce() -> Option<i64>) -> i64 {
    CLOCK.lock().retention_now_ms(Reading::take(), newest_ms)
}

/// The steps of the time of samples since the start, and how often the system's clock jumped.
pub(crate) fn jumps() -> Jumps {
    let clock = CLOCK.lock();
    Jumps { steps: clock.steps.clone(), forward: clock.forward, back: clock.back }
}

/// What has happened to the clock since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Jumps {
    /// The jumps that lasted, the last ones if they were many.
    pub(crate) steps: Vec<Step>,
    /// How often the clock jumped forward, whether that lasted or not.
    pub(crate) forward: u64,
    /// How often it jumped back.
    pub(crate) back: u64,
}

/// A step in the time of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// The time before it, in Unix milliseconds.
    pub(crate) from_ms: i64,
    /// The time after it.
    pub(crate) to_ms: i64,
}

impl Step {
    /// What happened, as a clause, such as "the clock was set back by 1h".
    pub(crate) fn describe(self) -> String {
        let direction = if self.to_ms < self.from_ms { "back" } else { "forward" };
        format!("the clock was set {direction} by {}", length(self.to_ms - self.from_ms))
    }
}

/// A length of time in its two largest units.
fn length(ms: i64) -> String {
    let seconds = ms.unsigned_abs().saturating_add(500) / 1000;
    let units = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")];
    let Some(at) = units.iter().position(|(unit, _)| seconds >= *unit) else { return "less than 1 s".into() };
    let mut left = seconds;
    let parts = units.iter().skip(at).take(2).filter_map(|(unit, name)| {
        let count = left / unit;
        left %= unit;
        (count > 0).then(|| format!("{count} {name}"))
    });
    parts.collect::<Vec<_>>().join(" ")
}

/// Both clocks at one moment.
#[derive(Clone, Copy, Debug)]
struct Reading {
    /// The system's clock, in Unix milliseconds.
    wall_ms: i64,
    /// The time since the start of the machine, suspension included, in milliseconds. It never jumps.
    boot_ms: i64,
}

/// The clock that runs while the machine is suspended too. Source: clock_gettime(2) of Linux, clock_gettime(3) of macOS.
#[cfg(target_os = "linux")]
const BOOT_CLOCK: ClockId = ClockId::Boottime;
#[cfg(not(target_os = "linux"))]
const BOOT_CLOCK: ClockId = ClockId::Monotonic;

/// The time since the start of the machine, suspension included, in milliseconds.
fn boot_ms() -> i64 {
    let boot = clock_gettime(BOOT_CLOCK);
    boot.tv_sec.saturating_mul(1000).saturating_add(boot.tv_nsec / 1_000_000)
}

impl Reading {
    /// Reads both. If the process was interrupted between them, it reads again.
    fn take() -> Self {
        for _ in 0..MAX_READINGS {
            let (before, after) = (Self::take_once(), boot_ms());
            if after - before.boot_ms <= MAX_INTERRUPTION_MS {
                return before;
            }
        }
        Self::take_once()
    }

    fn take_once() -> Self {
        let boot_ms = boot_ms();
        let wall_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_millis() as i64);
        Self { wall_ms, boot_ms }
    }

    fn offset_ms(self) -> i64 {
        self.wall_ms - self.boot_ms
    }
}

/// An offset of the system's clock against the time since the start of the machine.
#[derive(Clone, Copy, Debug)]
struct Offset {
    offset_ms: i64,
    /// Since when it has been seen.
    since_boot_ms: i64,
}

/// A clock that follows the system's clock.
#[derive(Debug)]
struct SteadyClock {
    /// The offset that is followed.
    followed: Option<Offset>,
    /// Where the system's clock is meanwhile, if it is elsewhere.
    elsewhere: Option<Offset>,
    /// The last offset that was followed for long.
    steady_offset_ms: Option<i64>,
    /// The newest stored sample at the start, and when that was.
    newest_at_start: Option<Offset>,
    steps: Vec<Step>,
    forward: u64,
    back: u64,
    last_line_boot_ms: Option<i64>,
}

impl SteadyClock {
    const NEW: Self = Self {
        followed: None,
        elsewhere: None,
        steady_offset_ms: None,
        newest_at_start: None,
        steps: Vec::new(),
        forward: 0,
        back: 0,
        last_line_boot_ms: None,
    };

    fn now_ms(&mut self, reading: Reading) -> i64 {
        let (offset_ms, boot_ms) = (reading.offset_ms(), reading.boot_ms);
        let Some(followed) = &mut self.followed else {
            self.followed = Some(Offset { offset_ms, since_boot_ms: boot_ms });
            return reading.wall_ms;
        };
        if is_near(offset_ms, followed.offset_ms) {
            followed.offset_ms = offset_ms;
            self.elsewhere = None;
            return reading.wall_ms;
        }
        let now_ms = boot_ms + followed.offset_ms;
        match &mut self.elsewhere {
            Some(elsewhere) if is_near(offset_ms, elsewhere.offset_ms) => {
                elsewhere.offset_ms = offset_ms;
                if boot_ms - elsewhere.since_boot_ms < MIN_LASTING_MS {
                    return now_ms;
                }
            }
            _ => {
                self.note_jump(now_ms, reading);
                return now_ms;
            }
        }
        self.elsewhere = None;
        self.followed = Some(Offset { offset_ms, since_boot_ms: boot_ms });
        let step = Step { from_ms: now_ms, to_ms: reading.wall_ms };
        if self.steps.len() >= MAX_STEPS {
            self.steps.remove(0);
        }
        self.steps.push(step);
        warn!(
            "{} and stayed there: samples have the new time from now on, and no history is deleted for it",
            step.describe()
        );
        reading.wall_ms
    }

    fn note_jump(&mut self, now_ms: i64, reading: Reading) {
        let Reading { wall_ms, boot_ms } = reading;
        self.elsewhere = Some(Offset { offset_ms: reading.offset_ms(), since_boot_ms: boot_ms });
        *(if wall_ms > now_ms { &mut self.forward } else { &mut self.back }) += 1;
        if self.last_line_boot_ms.is_none_or(|last_ms| boot_ms - last_ms >= MIN_LINE_PERIOD_MS) {
            self.last_line_boot_ms = Some(boot_ms);
            let step = Step { from_ms: now_ms, to_ms: wall_ms };
            warn!("{}: samples keep the time from before, unless it stays there", step.describe());
        }
    }

    fn retention_now_ms(&mut self, reading: Reading, newest_ms: impl FnOnce() -> Option<i64>) -> i64 {
        let (now_ms, boot_ms) = (self.now_ms(reading), reading.boot_ms);
        if let Some(followed) = self.followed
            && boot_ms - followed.since_boot_ms >= MIN_STEADY_MS
        {
            self.steady_offset_ms = Some(followed.offset_ms);
        }
        let newest = self.newest_at_start.get_or_insert_with(|| {
            let newest_ms = newest_ms().unwrap_or(now_ms);
            Offset { offset_ms: newest_ms.saturating_sub(boot_ms), since_boot_ms: boot_ms }
        });
        let offset_ms = self.steady_offset_ms.unwrap_or(newest.offset_ms);
        now_ms.min(boot_ms.saturating_add(offset_ms))
    }
}

fn is_near(a_ms: i64, b_ms: i64) -> bool {
    a_ms.abs_diff(b_ms) <= MAX_SLEW_MS as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const START_MS: i64 = 1_790_000_000_000;
    const DAY_MS: i64 = 86_400_000;

    /// A machine whose clock is off by something.
    struct Machine {
        clock: SteadyClock,
        boot_ms: i64,
        off_ms: i64,
    }

    impl Machine {
        fn new() -> Self {
            Self { clock: SteadyClock::NEW, boot_ms: 77_000, off_ms: 0 }
        }

        fn true_ms(&self) -> i64 {
            START_MS + self.boot_ms
        }

        fn reading(&self) -> Reading {
            Reading { wall_ms: self.true_ms() + self.off_ms, boot_ms: self.boot_ms }
        }

        /// Lets so many seconds pass; returns how far the time of samples is from the true one at most, in seconds.
        fn run(&mut self, seconds: i64) -> i64 {
            let mut most_s = 0;
            for _ in 0..seconds {
                self.boot_ms += 1000;
                let now_ms = self.clock.now_ms(self.reading());
                most_s = most_s.max((now_ms - self.true_ms()).abs() / 1000);
            }
            most_s
        }

        /// How long before the true time retention begins to count, in seconds.
        fn retention_behind_s(&mut self, newest_age_ms: i64) -> i64 {
            let (reading, newest_ms) = (self.reading(), self.true_ms() - newest_age_ms);
            (self.true_ms() - self.clock.retention_now_ms(reading, || Some(newest_ms))) / 1000
        }
    }

    #[test]
    fn a_jump_that_does_not_last_changes_nothing() {
        for off_ms in [DAY_MS * 16, DAY_MS * 400, 3_600_000, -3_600_000, -60 * 365 * DAY_MS] {
            let mut machine = Machine::new();
            assert_eq!(machine.run(10), 0);
            machine.off_ms = off_ms;
            assert_eq!(machine.run(20), 0, "{off_ms}");
            machine.off_ms = 0;
            assert_eq!(machine.run(100), 0);
            assert_eq!(machine.clock.steps, []);
            assert_eq!(machine.clock.forward + machine.clock.back, 1);
        }
    }

    #[test]
    fn a_jump_that_lasts_is_followed_after_a_while() {
        let mut machine = Machine::new();
        machine.run(10);
        machine.off_ms = -3_600_000;
        assert_eq!(machine.run(29), 0);
        assert_eq!(machine.run(10), 3600);
        let [step] = machine.clock.steps[..] else { panic!("{:?}", machine.clock.steps) };
        assert_eq!((step.to_ms - step.from_ms) / 1000, -3600);
        assert_eq!(step.describe(), "the clock was set back by 1 h");
        assert_eq!(length(90_061_000), "1 d 1 h");
        assert_eq!(length(60_999), "1 min 1 s");
    }

    #[test]
    fn a_clock_that_is_slewed_is_followed_at_once() {
        let mut machine = Machine::new();
        for _ in 0..1000 {
            machine.run(1);
            machine.off_ms += 100;
        }
        assert!(machine.run(1) >= 99 && machine.clock.forward == 0);
    }

    #[test]
    fn retention_waits_until_the_clock_is_steady() {
        let mut machine = Machine::new();
        // At the start the clock may be wrong: the newest sample is the only witness.
        assert_eq!(machine.retention_behind_s(5_000), 5);
        machine.off_ms = 16 * DAY_MS;
        machine.run(600);
        assert_eq!(machine.clock.steps.len(), 1);
        assert_eq!(machine.retention_behind_s(0), 5, "ten minutes after the jump");
        machine.off_ms = 0;
        machine.run(3600 + 100);
        assert_eq!(machine.retention_behind_s(0), 0);
        // After a jump back, what is older than the retention by the new time only is deleted.
        machine.off_ms = -3_600_000;
        machine.run(100);
        assert_eq!(machine.retention_behind_s(0), 3600);
        machine.off_ms = 16 * DAY_MS;
        machine.run(3500);
        assert_eq!(machine.retention_behind_s(0), 0);
        machine.run(300);
        assert_eq!(machine.retention_behind_s(0), -16 * DAY_MS / 1000, "an hour later it is the time");
    }

    #[test]
    fn a_clock_that_is_wrong_from_the_start_deletes_nothing_at_once() {
        let mut machine = Machine::new();
        machine.off_ms = 400 * DAY_MS;
        assert_eq!(machine.retention_behind_s(60_000), 60);
        assert_eq!(Machine::new().clock.retention_now_ms(machine.reading(), || None), machine.reading().wall_ms);
    }
}
