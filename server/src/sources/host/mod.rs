//! This machine's CPU, memory, load, disks, network and start, from `/proc`, under node_exporter's names.
//!
//! What is absent or not as expected costs its own series only, never gives a zero, and is counted.
pub mod container;
pub mod disks;
pub mod filesystems;
pub mod network;

use crate::sources::cgroup::Cgroup;
use crate::sources::families::FamilyBuilder;
use catalogue::contract::names;
use exposition::{Family, Kind};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// Clock ticks per second in `/proc`, which Linux keeps at 100 for user space on all platforms it runs on today
/// (`USER_HZ`; node_exporter's library `procfs` assumes the same).
pub(crate) const TICKS_PER_SECOND: f64 = 100.0;

/// node_exporter's modes, in the order of the columns of a `cpu` line in `/proc/stat` (proc_stat(5)).
const MODES: [&str; 8] = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"];

/// Columns after those: time spent running guests, which `user` and `nice` contain too.
const GUEST_MODES: [&str; 2] = ["user", "nice"];

/// The longest file that is read. Real ones are a hundred times shorter.
const FILE_BYTES: u64 = 4 << 20;

/// How long file systems may take to answer. Local ones take a thousandth of it.
const FILESYSTEMS_PATIENCE: Duration = Duration::from_millis(100);

const ERRORS: &str = names::COLLECTOR_ERRORS_TOTAL;

/// Where the machine's file systems are mounted.
#[derive(Clone, Debug)]
pub struct HostPaths {
    /// Its `/proc`.
    pub proc: PathBuf,
    /// Its `/sys`.
    pub sys: PathBuf,
    /// Its `/`; none where only its `/proc` is, as within a container.
    pub root: Option<PathBuf>,
}

/// Reads one machine.
#[derive(Clone, Debug)]
pub struct Host {
    paths: HostPaths,
    /// Reads that failed, and texts not as expected, by what was read.
    errors: Arc<Mutex<BTreeMap<&'static str, u64>>>,
    /// The answer that is awaited, where one of the file systems hangs.
    filesystems: Arc<Mutex<Option<FilesystemsAnswer>>>,
}

/// Whether all of a text was as expected.
type IsClean = bool;

/// Receives the families of the file systems.
type FilesystemsAnswer = Receiver<(Vec<Family>, IsClean)>;

impl Host {
    /// The machine that is mounted at `paths`.
    pub fn new(paths: HostPaths) -> Self {
        Self { paths, errors: Arc::default(), filesystems: Arc::default() }
    }

    /// The machine's name; none where it cannot be read.
    pub fn name(&self) -> Option<String> {
        let name = read_file(&self.paths.proc.join("sys/kernel/hostname"))?;
        let name = name.trim();
        // It becomes a label and an allowed host.
        (!name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)))
            .then(|| name.to_owned())
    }

    /// The machine's current families.
    pub fn families(&self) -> Vec<Family> {
        let mut families = FamilyBuilder::default();
        self.part("cpu", "stat", |stat| {
            let is_clean = collect_cpu(stat, &mut families);
            collect_boot_time(stat, &mut families) && is_clean
        });
        self.part("memory", "meminfo", |meminfo| collect_memory(meminfo, &mut families));
        self.part("load", "loadavg", |loadavg| collect_load(loadavg, &mut families));
        self.part("disks", "diskstats", |diskstats| disks::collect(diskstats, &mut families));
        self.part("network", "net/dev", |dev| network::collect(dev, &mut families));
        container::collect(&Cgroup::outermost(&self.paths.sys), self.name().as_deref(), &mut families);
        let filesystems = self.filesystems();
        self.collect_errors(&mut families);
        let mut families = families.finish();
        families.extend(filesystems);
        families
    }

    /// What is on the machine's file systems; nothing while one of them hangs, as a network's may.
    fn filesystems(&self) -> Vec<Family> {
        let Some(root) = self.paths.root.clone() else { return Vec::new() };
        let mut running = self.filesystems.lock();
        let asked = running.take().unwrap_or_else(|| {
            let (answer, asked) = mpsc::channel();
            // Those of the first process are the machine's, where they may be seen.
            let files = ["1/mounts", "self/mounts"].map(|file| self.paths.proc.join(file));
            std::thread::spawn(move || {
                let mounts = files.iter().find_map(|file| read_file(file)).unwrap_or_default();
                let mut families = FamilyBuilder::default();
                let is_clean = filesystems::collect(&mounts, &root, &mut families);
                // Whoever asked may be gone.
                let _ = answer.send((families.finish(), is_clean));
            });
            asked
        });
        match asked.recv_timeout(FILESYSTEMS_PATIENCE) {
            Ok((families, is_clean)) => {
                self.note("filesystems", is_clean);
                return families;
            }
            // It is not asked again before it answered.
            Err(RecvTimeoutError::Timeout) => *running = Some(asked),
            Err(RecvTimeoutError::Disconnected) => {}
        }
        self.note("filesystems", false);
        Vec::new()
    }

    fn part(&self, part: &'static str, file: &str, collect: impl FnOnce(&str) -> IsClean) {
        let is_clean = read_file(&self.paths.proc.join(file)).is_some_and(|text| collect(&text));
        self.note(part, is_clean);
    }

    fn note(&self, part: &'static str, is_clean: IsClean) {
        let mut errors = self.errors.lock();
        *errors.entry(part).or_default() += u64::from(!is_clean);
    }

    fn collect_errors(&self, families: &mut FamilyBuilder) {
        families.family(ERRORS, Kind::Counter, "Reads that failed or gave what was not expected, since the start.");
        for (part, errors) in self.errors.lock().iter() {
            families.sample(&[("collector", part)], *errors as f64);
        }
    }
}

/// A file's text; none where it cannot be read, is no text, or is far longer than such files are.
pub(crate) fn read_file(path: &Path) -> Option<String> {
    let mut text = String::new();
    let read = File::open(path).ok()?.take(FILE_BYTES).read_to_string(&mut text).ok()?;
    ((read as u64) < FILE_BYTES).then_some(text)
}

fn collect_cpu(stat: &str, families: &mut FamilyBuilder) -> IsClean {
    let lines = || stat.lines().filter(|line| line.starts_with("cpu") && !line.starts_with("cpu "));
    let cpus: Vec<(&str, Vec<f64>)> = lines().filter_map(cpu_line).collect();
    let metrics = [
        ("node_cpu_seconds_total", "Seconds the CPUs spent in each mode.", &MODES[..], 0),
        (
            "node_cpu_guest_seconds_total",
            "Seconds the CPUs spent in guests (VMs) for each mode.",
            &GUEST_MODES[..],
            MODES.len(),
        ),
    ];
    for (name, help, modes, first_column) in metrics {
        families.family(name, Kind::Counter, help);
        for (cpu, seconds) in &cpus {
            for (mode, seconds) in modes.iter().zip(seconds.iter().skip(first_column)) {
                families.sample(&[("cpu", cpu), ("mode", mode)], *seconds);
            }
        }
    }
    !cpus.is_empty() && cpus.len() == lines().count()
}

/// The number of a CPU and its seconds by column; none for other lines and where a column is no number.
fn cpu_line(line: &str) -> Option<(&str, Vec<f64>)> {
    let mut words = line.split_ascii_whitespace();
    let cpu = words.next()?.strip_prefix("cpu").filter(|cpu| cpu.parse::<u32>().is_ok())?;
    let seconds: Vec<f64> = words
        .map(|ticks| ticks.parse::<u64>().ok().map(|ticks| ticks as f64 / TICKS_PER_SECOND))
        .collect::<Option<_>>()?;
    (!seconds.is_empty()).then_some((cpu, seconds))
}

fn collect_boot_time(stat: &str, families: &mut FamilyBuilder) -> IsClean {
    let seconds = stat.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse::<u64>().ok());
    if let Some(seconds) = seconds {
        families.family("node_boot_time_seconds", Kind::Gauge, "Unix time at which the machine started.");
        families.sample(&[], seconds as f64);
    }
    seconds.is_some()
}

/// One gauge per line: `Active(anon)` becomes `Active_anon`, and a size in kB becomes bytes with that suffix
/// (node_exporter's `meminfo_linux.go`).
fn collect_memory(meminfo: &str, families: &mut FamilyBuilder) -> IsClean {
    let mut is_clean = !meminfo.is_empty();
    for line in meminfo.lines() {
        let Some((name, field, value)) = memory_line(line) else {
            is_clean = false;
            continue;
        };
        families.family(&name, Kind::Gauge, &format!("Memory information field {field}."));
        families.sample(&[], value as f64);
    }
    is_clean
}

/// Name, field and value of a line; none where it is not as such lines are.
fn memory_line(line: &str) -> Option<(String, String, u64)> {
    let (field, value) = line.split_once(':')?;
    let field = field.replace('(', "_").replace(')', "");
    if field.is_empty() || !field.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return None;
    }
    let (number, unit) = value.trim().split_once(' ').unwrap_or((value.trim(), ""));
    let number: u64 = number.parse().ok()?;
    let (name, value) = match unit.trim() {
        "kB" => (format!("node_memory_{field}_bytes"), number.checked_mul(1024)?),
        "" => (format!("node_memory_{field}"), number),
        _ => return None,
    };
    Some((name, field, value))
}

fn collect_load(loadavg: &str, families: &mut FamilyBuilder) -> IsClean {
    let mut told = 0;
    for (word, minutes) in loadavg.split_ascii_whitespace().zip(["1", "5", "15"]) {
        let Some(load) = word.parse::<f64>().ok().filter(|load| load.is_finite() && *load >= 0.0) else { continue };
        families.family(&format!("node_load{minutes}"), Kind::Gauge, &format!("{minutes}m load average."));
        families.sample(&[], load);
        told += 1;
    }
    told == 3
}

#[cfg(test)]
mod tests;
