//! This machine's CPU, memory, load and start, from `/proc`, under node_exporter's names.
//!
//! A file that is absent or not as expected costs its own series only, and never gives a zero.
use super::page::PageWriter;
use std::fs;
use std::path::PathBuf;

/// Clock ticks per second in `/proc/stat`, which Linux keeps at 100 for user space on all platforms it runs on today
/// (`USER_HZ`; node_exporter's library `procfs` assumes the same).
const TICKS_PER_SECOND: f64 = 100.0;

/// node_exporter's modes, in the order of the columns of a `cpu` line in `/proc/stat` (proc_stat(5)).
const MODES: [&str; 8] = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"];

/// Columns after those: time spent running guests, which `user` and `nice` contain too.
const GUEST_MODES: [&str; 2] = ["user", "nice"];

/// Reads one machine.
#[derive(Clone, Debug)]
pub struct Host {
    proc: PathBuf,
}

impl Host {
    /// The machine whose `/proc` is at `proc`.
    pub fn new(proc: impl Into<PathBuf>) -> Self {
        Self { proc: proc.into() }
    }

    /// The machine's name; none where it cannot be read.
    pub fn name(&self) -> Option<String> {
        let name = self.read("sys/kernel/hostname")?;
        let name = name.trim();
        // It becomes a label and an allowed host.
        (!name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)))
            .then(|| name.to_owned())
    }

    /// What the machine does now, as a metrics page.
    pub fn page(&self) -> String {
        let mut page = PageWriter::default();
        if let Some(stat) = self.read("stat") {
            write_cpu(&stat, &mut page);
            write_boot_time(&stat, &mut page);
        }
        if let Some(meminfo) = self.read("meminfo") {
            write_memory(&meminfo, &mut page);
        }
        if let Some(loadavg) = self.read("loadavg") {
            write_load(&loadavg, &mut page);
        }
        page.finish()
    }

    fn read(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.proc.join(file)).ok()
    }
}

fn write_cpu(stat: &str, page: &mut PageWriter) {
    let cpus: Vec<(&str, Vec<f64>)> = stat.lines().filter_map(cpu_line).collect();
    let families = [
        ("node_cpu_seconds_total", "Seconds the CPUs spent in each mode.", &MODES[..], 0),
        (
            "node_cpu_guest_seconds_total",
            "Seconds the CPUs spent in guests (VMs) for each mode.",
            &GUEST_MODES[..],
            MODES.len(),
        ),
    ];
    for (name, help, modes, first_column) in families {
        page.family(name, "counter", help);
        for (cpu, seconds) in &cpus {
            for (mode, seconds) in modes.iter().zip(seconds.iter().skip(first_column)) {
                page.sample(name, &[("cpu", cpu), ("mode", mode)], seconds);
            }
        }
    }
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

fn write_boot_time(stat: &str, page: &mut PageWriter) {
    let seconds = stat.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse::<u64>().ok());
    if let Some(seconds) = seconds {
        page.family("node_boot_time_seconds", "gauge", "Unix time at which the machine started.");
        page.sample("node_boot_time_seconds", &[], seconds);
    }
}

/// One gauge per line: `Active(anon)` becomes `Active_anon`, and a size in kB becomes bytes with that suffix
/// (node_exporter's `meminfo_linux.go`).
fn write_memory(meminfo: &str, page: &mut PageWriter) {
    for line in meminfo.lines() {
        let Some((field, value)) = line.split_once(':') else { continue };
        let field = field.replace('(', "_").replace(')', "");
        if field.is_empty() || !field.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            continue;
        }
        let (number, unit) = value.trim().split_once(' ').unwrap_or((value.trim(), ""));
        let Ok(number) = number.parse::<u64>() else { continue };
        let (name, value) = match unit.trim() {
            "kB" => (format!("node_memory_{field}_bytes"), number.checked_mul(1024)),
            "" => (format!("node_memory_{field}"), Some(number)),
            _ => continue,
        };
        if let Some(value) = value {
            page.family(&name, "gauge", &format!("Memory information field {field}."));
            page.sample(&name, &[], value);
        }
    }
}

fn write_load(loadavg: &str, page: &mut PageWriter) {
    for (word, minutes) in loadavg.split_ascii_whitespace().zip(["1", "5", "15"]) {
        let Some(load) = word.parse::<f64>().ok().filter(|load| load.is_finite() && *load >= 0.0) else { continue };
        let name = format!("node_load{minutes}");
        page.family(&name, "gauge", &format!("{minutes}m load average."));
        page.sample(&name, &[], load);
    }
}

#[cfg(test)]
mod tests;
