//! The host: its CPU, memory, load, disks, network and boot time from `/proc`, with node_exporter's metric names.
//!
//! Values that are missing or malformed have no samples, not even zero. They are counted as errors.
pub mod container;
pub mod disks;
pub mod filesystems;
pub mod network;

use crate::sources::cgroup::Cgroup;
use crate::sources::families::FamilyBuilder;
use crate::target::machine::MachineIdentity;
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

/// Clock ticks per second in `/proc`: `USER_HZ`, which is 100 on all platforms that Linux supports today.
/// node_exporter's library `procfs` assumes the same.
pub(crate) const TICKS_PER_SECOND: f64 = 100.0;

/// node_exporter's modes, in the order of the columns of a `cpu` line in `/proc/stat` (proc_stat(5)).
const MODES: [&str; 8] = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"];

/// The modes of the columns after those: time spent running guests, which `user` and `nice` include.
const GUEST_MODES: [&str; 2] = ["user", "nice"];

/// The longest file that is read. Real ones are a hundred times shorter.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// How long file systems may take to respond. Local ones take a thousandth of this.
const FILESYSTEMS_TIMEOUT: Duration = Duration::from_millis(100);

const ERRORS: &str = names::COLLECTOR_ERRORS_TOTAL;

/// Where the machine's file systems are mounted.
#[derive(Clone, Debug)]
pub struct HostPaths {
    /// Its `/proc`.
    pub proc: PathBuf,
    /// Its `/sys`.
    pub sys: PathBuf,
    /// Its `/`; none if it is not mounted, as in a container.
    pub root: Option<PathBuf>,
}

/// Reads the metrics of one machine.
#[derive(Clone, Debug)]
pub struct Host {
    paths: HostPaths,
    /// Failed reads and malformed files, by collector.
    errors: Arc<Mutex<BTreeMap<&'static str, u64>>>,
    /// The thread that reads the file systems, if it has not finished yet because one of them hangs.
    filesystems: Arc<Mutex<Option<Receiver<FilesystemFamilies>>>>,
}

/// Whether everything in a file was as expected.
type IsClean = bool;

/// The families of the file systems.
struct FilesystemFamilies {
    families: Vec<Family>,
    is_clean: IsClean,
}

impl Host {
    /// The machine whose file systems are mounted at `paths`.
    pub fn new(paths: HostPaths) -> Self {
        Self { paths, errors: Arc::default(), filesystems: Arc::default() }
    }

    /// The machine's name, if it can be read and is valid as a label and a host name.
    pub fn name(&self) -> Option<String> {
        let name = read_file(&self.paths.proc.join("sys/kernel/hostname"))?;
        let name = name.trim();
        (!name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)))
            .then(|| name.to_owned())
    }

    /// What tells the machine from others; none if its start time cannot be read.
    pub fn identity(&self) -> Option<MachineIdentity> {
        let stat = read_file(&self.paths.proc.join("stat"))?;
        Some(MachineIdentity { boot_s: boot_time_s(&stat)? as f64, name: self.name() })
    }

    /// The machine's current families.
    pub fn families(&self) -> Vec<Family> {
        let mut families = FamilyBuilder::default();
        self.collect("cpu", "stat", |stat| {
            let is_clean = collect_cpu(stat, &mut families);
            collect_boot_time(stat, &mut families) && is_clean
        });
        self.collect("memory", "meminfo", |meminfo| collect_memory(meminfo, &mut families));
        self.collect("load", "loadavg", |loadavg| collect_load(loadavg, &mut families));
        self.collect("disks", "diskstats", |diskstats| disks::collect(diskstats, &mut families));
        self.collect("network", "net/dev", |dev| network::collect(dev, &mut families));
        container::collect(&Cgroup::outermost(&self.paths.sys), self.name().as_deref(), &mut families);
        let filesystems = self.filesystems();
        self.collect_errors(&mut families);
        let mut families = families.finish();
        families.extend(filesystems);
        families
    }

    /// The families of the machine's file systems. There are none while one of them hangs, as network file systems may.
    fn filesystems(&self) -> Vec<Family> {
        let Some(root) = self.paths.root.clone() else { return Vec::new() };
        let mut running = self.filesystems.lock();
        let receiver = running.take().unwrap_or_else(|| {
            let (sender, receiver) = mpsc::channel();
            // The mounts of the first process are the machine's, if they are readable.
            let files = ["1/mounts", "self/mounts"].map(|file| self.paths.proc.join(file));
            std::thread::spawn(move || {
                let mounts = files.iter().find_map(|file| read_file(file)).unwrap_or_default();
                let mut families = FamilyBuilder::default();
                let is_clean = filesystems::collect(&mounts, &root, &mut families);
                // The receiver is gone if the host was dropped meanwhile.
                let _ = sender.send(FilesystemFamilies { families: families.finish(), is_clean });
            });
            receiver
        });
        match receiver.recv_timeout(FILESYSTEMS_TIMEOUT) {
            Ok(FilesystemFamilies { families, is_clean }) => {
                self.count_error("filesystems", is_clean);
                return families;
            }
            // The next call waits for this thread instead of starting another.
            Err(RecvTimeoutError::Timeout) => *running = Some(receiver),
            Err(RecvTimeoutError::Disconnected) => {}
        }
        self.count_error("filesystems", false);
        Vec::new()
    }

    /// Collects from a file of `/proc`.
    fn collect(&self, collector: &'static str, file: &str, collect: impl FnOnce(&str) -> IsClean) {
        let is_clean = read_file(&self.paths.proc.join(file)).is_some_and(|text| collect(&text));
        self.count_error(collector, is_clean);
    }

    /// Counts an error of the collector, unless its run was clean.
    fn count_error(&self, collector: &'static str, is_clean: IsClean) {
        let mut errors = self.errors.lock();
        *errors.entry(collector).or_default() += u64::from(!is_clean);
    }

    fn collect_errors(&self, families: &mut FamilyBuilder) {
        families.family(ERRORS, Kind::Counter, "Reads that failed or returned malformed data, since the start.");
        for (collector, errors) in self.errors.lock().iter() {
            families.sample(&[("collector", collector)], *errors as f64);
        }
    }
}

/// The text of a file. None if it cannot be read, is not UTF-8, or is far longer than such files are.
pub(crate) fn read_file(path: &Path) -> Option<String> {
    let mut text = String::new();
    let read = File::open(path).ok()?.take(MAX_FILE_BYTES).read_to_string(&mut text).ok()?;
    ((read as u64) < MAX_FILE_BYTES).then_some(text)
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

/// The number of a CPU and its seconds by column. None for other lines, and if a column is not a number.
fn cpu_line(line: &str) -> Option<(&str, Vec<f64>)> {
    let mut words = line.split_ascii_whitespace();
    let cpu = words.next()?.strip_prefix("cpu").filter(|cpu| cpu.parse::<u32>().is_ok())?;
    let seconds: Vec<f64> = words
        .map(|ticks| ticks.parse::<u64>().ok().map(|ticks| ticks as f64 / TICKS_PER_SECOND))
        .collect::<Option<_>>()?;
    (!seconds.is_empty()).then_some((cpu, seconds))
}

/// When the machine started, Unix seconds.
fn boot_time_s(stat: &str) -> Option<u64> {
    stat.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok())
}

fn collect_boot_time(stat: &str, families: &mut FamilyBuilder) -> IsClean {
    let seconds = boot_time_s(stat);
    if let Some(seconds) = seconds {
        families.family("node_boot_time_seconds", Kind::Gauge, "Unix time at which the machine started.");
        families.sample(&[], seconds as f64);
    }
    seconds.is_some()
}

/// Collects one gauge for each line. `Active(anon)` becomes `Active_anon`, and a size in kB becomes bytes, with that
/// suffix. Source: node_exporter's `meminfo_linux.go`.
fn collect_memory(meminfo: &str, families: &mut FamilyBuilder) -> IsClean {
    let mut is_clean = !meminfo.is_empty();
    for line in meminfo.lines() {
        let Some(MemoryLine { name, field, value }) = memory_line(line) else {
            is_clean = false;
            continue;
        };
        families.family(&name, Kind::Gauge, &format!("Memory information field {field}."));
        families.sample(&[], value as f64);
    }
    is_clean
}

/// A line of `/proc/meminfo`.
struct MemoryLine {
    name: String,
    field: String,
    value: u64,
}

fn memory_line(line: &str) -> Option<MemoryLine> {
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
    Some(MemoryLine { name, field, value })
}

fn collect_load(loadavg: &str, families: &mut FamilyBuilder) -> IsClean {
    let mut count = 0;
    for (word, minutes) in loadavg.split_ascii_whitespace().zip(["1", "5", "15"]) {
        let Some(load) = word.parse::<f64>().ok().filter(|load| load.is_finite() && *load >= 0.0) else { continue };
        families.family(&format!("node_load{minutes}"), Kind::Gauge, &format!("{minutes}m load average."));
        families.sample(&[], load);
        count += 1;
    }
    count == 3
}

#[cfg(test)]
mod tests;
