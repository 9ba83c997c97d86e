//! The GPU helper, `inferboard-server collect-gpus`: samples the driver and writes metrics pages to standard output.
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

/// The line that ends each metrics page.
pub(crate) const END_OF_PAGE: &str = "# EOF\n";

/// Arguments of `collect-gpus`.
#[derive(Clone, Debug, Args)]
pub struct HelperArgs {
    /// Path or name of the NVIDIA management library (NVML)
    #[arg(long)]
    pub library: OsString,
    /// Time between scrapes
    #[arg(long)]
    pub interval_ms: u64,
    /// Time between samples
    #[arg(long)]
    pub sample_ms: u64,
}

/// Samples until the companion is gone, or the driver has a fault from which only a new process recovers.
pub fn run(args: &HelperArgs) -> ExitCode {
    exit_with_companion();
    // Writing fails when the companion is gone.
    match sample(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn sample(args: &HelperArgs) -> io::Result<()> {
    let (interval, sample_interval) = (Duration::from_millis(args.interval_ms), Duration::from_millis(args.sample_ms));
    let mut sampler = Sampler {
        interval,
        sample_interval,
        started: Instant::now(),
        // Longer than the interval by one sample, so that every sample is in a scrape.
        window: Window::new(interval + sample_interval),
        xids: LastXids::new(),
    };
    loop {
        let fault = match open(&args.library) {
            Ok(nvml) => sampler.run(&nvml)?,
            Err(fault) => Some(fault),
        };
        if let Some(fault) = fault {
            send(&fault_families(fault))?;
            if !fault.is_normal() {
                return Ok(());
            }
            std::thread::sleep(interval);
        }
    }
}

struct Sampler {
    interval: Duration,
    sample_interval: Duration,
    started: Instant,
    window: Window,
    xids: LastXids,
}

impl Sampler {
    /// Samples until all GPUs fail, and returns the fault. If only some GPUs fail for a whole interval, returns none:
    /// the library must be opened again, because it does not find a GPU that comes back.
    fn run(&mut self, nvml: &Nvml) -> io::Result<Option<GpuFault>> {
        let mut collector = Collector::new(nvml);
        let mut failed_since = None;
        let mut next_sample = Instant::now();
        loop {
            let GpuSample { readings, failed_gpus } = match collector.sample(&mut self.xids) {
                Ok(sample) => sample,
                Err(fault) => return Ok(Some(fault)),
            };
            self.window.push(self.started.elapsed(), readings);
            send(&self.window.families())?;
            match failed_gpus {
                0 => failed_since = None,
                _ if failed_since.get_or_insert_with(Instant::now).elapsed() >= self.interval => return Ok(None),
                _ => {}
            }
            // Samples that a slow one delayed are skipped.
            next_sample = (next_sample + self.sample_interval).max(Instant::now());
            std::thread::sleep(next_sample.saturating_duration_since(Instant::now()));
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

/// Ends this process when its standard input is closed, which happens even if the companion is killed.
fn exit_with_companion() {
    std::thread::spawn(|| {
        // The companion sends nothing, so this returns when the pipe is closed.
        let _ = io::stdin().read(&mut [0]);
        // An orderly exit would wait for the library, which may hang.
        let _ = kill_process(getpid(), Signal::TERM);
    });
}
