//! Keeping a helper: one that falls silent is given up, one that ended is replaced.
use crate::sources::gpus::helper::END_OF_PAGE;
use crate::sources::gpus::{GpuSettings, Gpus, fault_of};
use crate::target::Pace;
use catalogue::contract::GpuFault;
use exposition::{Family, Format, Limits, parse};
use nvml::fault_families;
use rustix::process::{Pid, Signal, kill_process};
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Take};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

/// The longest page that a helper may send.
const PAGE_BYTES: u64 = 8 << 20;

/// The most helpers that are given up and still there. Each waits in the driver, and so would more.
const MOST_GIVEN_UP: usize = 3;

/// How often a scrape can be missed before samples are made rarer: the most samples in an interval.
const MOST_SAMPLES: u32 = 60;

/// The longest time that a helper has for its first page: a driver that nobody used may take its time.
const LONGEST_START: Duration = Duration::from_secs(60);

impl Gpus {
    /// Measures continuously for a reader with this `pace`; `program` is this program, which is also the helper.
    pub async fn measure(self, settings: GpuSettings, program: PathBuf, pace: Pace) {
        let sample = settings.sample_interval.max(pace.interval / MOST_SAMPLES).min(pace.interval);
        let mut helpers = Helpers { settings, program, pace, sample, given_up: Vec::new(), hangs: 0 };
        let mut last_outcome = None;
        loop {
            let fault = helpers.follow(&self, &mut last_outcome).await;
            if let Some(fault) = fault {
                self.publish(fault_families(fault), &mut last_outcome);
            }
            sleep(pace.interval).await;
        }
    }

    /// Publishes families, and logs whether GPUs are measured if that changes. `last_outcome` is the previous fault or
    /// none, once there was any outcome.
    fn publish(&self, families: Vec<Family>, last_outcome: &mut Option<Option<GpuFault>>) {
        let outcome = fault_of(&families);
        if *last_outcome != Some(outcome) {
            match outcome {
                None => info!("GPUs are measured"),
                Some(fault) if fault.is_normal() => info!(reason = fault.id(), "GPUs are not measured"),
                Some(fault) => warn!(reason = fault.id(), "GPUs are not measured"),
            }
            *last_outcome = Some(outcome);
        }
        self.set(families);
    }
}

struct Helpers {
    settings: GpuSettings,
    program: PathBuf,
    pace: Pace,
    sample: Duration,
    /// Those that did not answer and have not ended yet.
    given_up: Vec<Child>,
    /// How many in a row fell silent.
    hangs: u32,
}

impl Helpers {
    /// Runs a helper until it ends or falls silent. Gives the fault, where its last page does not say it.
    async fn follow(&mut self, gpus: &Gpus, last_outcome: &mut Option<Option<GpuFault>>) -> Option<GpuFault> {
        self.given_up.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        if self.given_up.len() >= MOST_GIVEN_UP {
            return Some(GpuFault::Hang);
        }
        let Ok((helper, mut pages)) = self.start() else { return Some(GpuFault::HelperFailed) };
        let mut patience = (self.pace.timeout * 2).saturating_mul(1 << self.hangs.min(6)).min(LONGEST_START);
        let mut has_failed = false;
        loop {
            match timeout(patience, next_page(&mut pages)).await {
                Ok(Ok(Some(families))) => {
                    has_failed = fault_of(&families).is_some();
                    gpus.publish(families, last_outcome);
                    self.hangs = 0;
                    // Between faults it waits an interval.
                    patience = self.pace.timeout.max(self.sample * 3)
                        + if has_failed { self.pace.interval } else { Duration::ZERO };
                }
                Ok(Ok(None)) if has_failed => return None,
                Ok(_) => return Some(GpuFault::HelperFailed),
                Err(_) => {
                    self.hangs = self.hangs.saturating_add(1);
                    self.given_up.extend(helper.give_up());
                    return Some(GpuFault::Hang);
                }
            }
        }
    }

    fn start(&self) -> io::Result<(Helper, Pages)> {
        let mut child = Command::new(&self.program)
            .arg("collect-gpus")
            .arg("--library")
            .arg(&self.settings.library)
            .args(["--interval-ms", &self.pace.interval.as_millis().to_string()])
            .args(["--sample-ms", &self.sample.as_millis().max(1).to_string()])
            // It ends when this end is closed, which also a sudden death of ours does.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let out = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        Ok((Helper(Some(child)), BufReader::new(out).take(PAGE_BYTES)))
    }
}

type Pages = Take<BufReader<ChildStdout>>;

/// The families of the next page; none when the helper has ended.
async fn next_page(pages: &mut Pages) -> io::Result<Option<Vec<Family>>> {
    pages.set_limit(PAGE_BYTES);
    let mut page = String::new();
    while !page.ends_with(END_OF_PAGE) {
        if pages.read_line(&mut page).await? == 0 {
            return if page.is_empty() { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
    }
    page.truncate(page.len() - END_OF_PAGE.len());
    let families = parse(page.as_bytes(), Format::Text, &Limits::default());
    families.map(Some).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// A running helper. When dropped it is asked to end, and never killed: a process that is killed within the driver can
/// leave a card unusable (NVIDIA/dcgm-exporter#84).
struct Helper(Option<Child>);

impl Helper {
    fn give_up(mut self) -> Option<Child> {
        self.terminate();
        self.0.take()
    }

    fn terminate(&self) {
        let pid = self.0.as_ref().and_then(Child::id).and_then(|pid| Pid::from_raw(pid.cast_signed()));
        if let Some(pid) = pid {
            // It may have ended already.
            let _ = kill_process(pid, Signal::TERM);
        }
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        self.terminate();
    }
}
