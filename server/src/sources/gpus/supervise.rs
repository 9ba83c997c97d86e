//! Supervises the GPU helper: starts it, abandons it if it hangs, and replaces it when it ends.
use crate::sources::gpus::helper::END_OF_PAGE;
use crate::sources::gpus::{GpuSettings, Gpus, fault_of};
use crate::target::Pace;
use catalogue::contract::GpuFault;
use exposition::{Family, Format, Limits, parse};
use nvml::fault_families;
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Take};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

/// The longest metrics page that a helper may send.
const MAX_PAGE_BYTES: u64 = 8 << 20;

/// The maximum number of hung helpers. Each waits in the driver, and a further one would too.
const MAX_HUNG_HELPERS: usize = 3;

/// The maximum number of samples in a scrape interval. Shorter sample intervals become longer.
const MAX_SAMPLES_PER_INTERVAL: u32 = 60;

/// The longest timeout of a helper's first metrics page: an idle driver may be slow to initialize.
const MAX_START_TIMEOUT: Duration = Duration::from_secs(60);

impl Gpus {
    /// Measures continuously for a reader with this `pace`. `program` is this program, which is also the helper.
    pub async fn measure(self, settings: GpuSettings, program: PathBuf, pace: Pace) {
        let sample_interval = settings.sample_interval.max(pace.interval / MAX_SAMPLES_PER_INTERVAL).min(pace.interval);
        let library = settings.library;
        let mut supervisor = Supervisor { library, program, pace, sample_interval, hung: Vec::new(), hangs: 0 };
        let mut status = None;
        loop {
            let fault = supervisor.run_helper(&self, &mut status).await;
            if let Some(fault) = fault {
                self.publish(fault_families(fault), &mut status);
            }
            sleep(pace.interval).await;
        }
    }

    /// Publishes families, and logs changes of the status. `status` is none before the first families.
    fn publish(&self, families: Vec<Family>, status: &mut Option<GpuStatus>) {
        let new_status = fault_of(&families).map_or(GpuStatus::Measured, GpuStatus::Fault);
        if status.replace(new_status) != Some(new_status) {
            match new_status {
                GpuStatus::Measured => info!("GPUs are measured"),
                GpuStatus::Fault(fault) if fault.is_normal() => info!(reason = fault.id(), "GPUs are not measured"),
                GpuStatus::Fault(fault) => warn!(reason = fault.id(), "GPUs are not measured"),
            }
        }
        self.set(families);
    }
}

/// Whether GPUs are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum GpuStatus {
    Measured,
    Fault(GpuFault),
}

struct Supervisor {
    library: OsString,
    program: PathBuf,
    pace: Pace,
    sample_interval: Duration,
    /// Helpers that hung and have not ended yet.
    hung: Vec<Child>,
    /// How many helpers in a row hung.
    hangs: u32,
}

impl Supervisor {
    /// Runs a helper until it ends or hangs. Returns the fault, unless the helper's last metrics page reports it.
    async fn run_helper(&mut self, gpus: &Gpus, status: &mut Option<GpuStatus>) -> Option<GpuFault> {
        self.hung.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        if self.hung.len() >= MAX_HUNG_HELPERS {
            return Some(GpuFault::Hang);
        }
        let Ok((helper, mut pages)) = self.start() else { return Some(GpuFault::HelperFailed) };
        let mut page_timeout = (self.pace.timeout * 2).saturating_mul(1 << self.hangs.min(6)).min(MAX_START_TIMEOUT);
        let mut has_fault = false;
        loop {
            match timeout(page_timeout, next_page(&mut pages)).await {
                Ok(Ok(Some(families))) => {
                    has_fault = fault_of(&families).is_some();
                    gpus.publish(families, status);
                    self.hangs = 0;
                    // After a fault the helper pauses for an interval.
                    page_timeout = self.pace.timeout.max(self.sample_interval * 3)
                        + if has_fault { self.pace.interval } else { Duration::ZERO };
                }
                Ok(Ok(None)) if has_fault => return None,
                Ok(_) => return Some(GpuFault::HelperFailed),
                Err(_) => {
                    self.hangs = self.hangs.saturating_add(1);
                    self.hung.extend(helper.abandon());
                    return Some(GpuFault::Hang);
                }
            }
        }
    }

    fn start(&self) -> io::Result<(Helper, Pages)> {
        let mut child = Command::new(&self.program)
            .arg("collect-gpus")
            .arg("--library")
            .arg(&self.library)
            .args(["--interval-ms", &self.pace.interval.as_millis().to_string()])
            .args(["--sample-ms", &self.sample_interval.as_millis().max(1).to_string()])
            // The helper ends when this pipe is closed, even if this process is killed.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let out = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        Ok((Helper(Some(child)), BufReader::new(out).take(MAX_PAGE_BYTES)))
    }
}

type Pages = Take<BufReader<ChildStdout>>;

/// The families of the next metrics page; none if the helper has ended.
async fn next_page(pages: &mut Pages) -> io::Result<Option<Vec<Family>>> {
    pages.set_limit(MAX_PAGE_BYTES);
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

/// A running helper. Dropping it sends SIGTERM and never SIGKILL: a process that is killed within the driver can leave
/// a GPU unusable (NVIDIA/dcgm-exporter#84).
struct Helper(Option<Child>);

impl Helper {
    /// Terminates the helper without waiting for its end.
    fn abandon(mut self) -> Option<Child> {
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
