//! The helper: asks the driver, and writes each sample's page to its standard output.
use catalogue::contract::GpuFault;
use clap::Args;
use exposition::{Encoding, Family, write};
use nvml::{Collector, GpuSample, LastXids, Nvml, Window, fault_families, open};
use rustix::process::{Signal, getpid, kill_process};
use std::ffi::OsString;
use std::io;
use std::io::{Read, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// What ends a page on the way to the companion.
pub(crate) const END_OF_PAGE: &str = "# EOF\n";

/// What the companion tells its helper.
#[derive(Clone, Debug, Args)]
pub struct HelperArgs {
    /// NVML: a path, or a name for the system's loader
    #[arg(long)]
    pub library: OsString,
    /// Time from scrape to scrape
    #[arg(long)]
    pub interval_ms: u64,
    /// Time from sample to sample
    #[arg(long)]
    pub sample_ms: u64,
}

/// Samples until the reader is gone, or the driver fails in a way that only a new process can be sure to get over.
pub fn run(args: &HelperArgs) -> ExitCode {
    end_with_the_companion();
    // A reader that is gone is how it usually ends.
    match sample(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn sample(args: &HelperArgs) -> io::Result<()> {
    let interval = Duration::from_millis(args.interval_ms);
    let mut task = Task {
        interval,
        pause: Duration::from_millis(args.sample_ms),
        began: Instant::now(),
        // A sample more than fits, so that none falls between two scrapes.
        window: Window::new(interval + Duration::from_millis(args.sample_ms)),
        xids: LastXids::new(),
    };
    loop {
        let ended = match open(&args.library) {
            Ok(nvml) => task.follow(&nvml)?,
            Err(fault) => Some(fault),
        };
        if let Some(fault) = ended {
            send(&fault_families(fault))?;
            if !fault.is_normal() {
                return Ok(());
            }
            std::thread::sleep(interval);
        }
    }
}

struct Task {
    interval: Duration,
    pause: Duration,
    began: Instant,
    window: Window,
    xids: LastXids,
}

impl Task {
    /// Samples until all cards fail, and gives why; or until one of several has failed for an interval: then it gives
    /// nothing, and the library is to be opened again, as a card that comes back is met only then.
    fn follow(&mut self, nvml: &Nvml) -> io::Result<Option<GpuFault>> {
        let mut collector = Collector::new(nvml);
        let mut failed_since = None;
        let mut due = Instant::now();
        loop {
            let GpuSample { readings, failed_gpus } = match collector.sample(&mut self.xids) {
                Ok(sample) => sample,
                Err(fault) => return Ok(Some(fault)),
            };
            self.window.push(self.began.elapsed(), readings);
            send(&self.window.families())?;
            match failed_gpus {
                0 => failed_since = None,
                _ if failed_since.get_or_insert_with(Instant::now).elapsed() >= self.interval => return Ok(None),
                _ => {}
            }
            // After a sample that took long the next one has its time, and none is made up for.
            due = (due + self.pause).max(Instant::now());
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
    }
}

fn send(families: &[Family]) -> io::Result<()> {
    let mut page = String::new();
    write(families, Encoding::TEXT, &mut page);
    page.push_str(END_OF_PAGE);
    let mut out = io::stdout().lock();
    out.write_all(page.as_bytes())?;
    out.flush()
}

/// Ends this process when its standard input is closed: then the companion is gone, however it ended.
fn end_with_the_companion() {
    std::thread::spawn(|| {
        // Nothing is ever sent.
        let _ = io::stdin().read(&mut [0]);
        // Not an orderly exit: that would wait for the library, which may hang.
        let _ = kill_process(getpid(), Signal::TERM);
    });
}
