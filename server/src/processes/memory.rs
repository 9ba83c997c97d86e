//! The memory of a process tree: its proportional set size (PSS) if it can be read, otherwise its resident set size (RSS).
use crate::processes::tree::{Process, ProcessKey};
use crate::sources::host::read_file;
use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

/// To compute the PSS, the kernel walks all pages of a process, which cannot allocate memory meanwhile. The next reading
/// therefore waits this many times as long as the last one took.
const PAUSE_FACTOR: u32 = 200;

/// The minimum time between two readings of the PSS.
const MIN_PAUSE: Duration = Duration::from_secs(30);

/// The last PSS of each process. Changes since then are taken from the RSS, which is cheap to read.
#[derive(Debug, Default)]
pub(crate) struct TreeMemory {
    readings: HashMap<ProcessKey, MemoryReading>,
    pause_until: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct MemoryReading {
    /// The PSS, unless it cannot be read.
    pss_bytes: Option<u64>,
    rss_bytes: u64,
}

/// The memory of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MemoryUse {
    pub(crate) bytes: u64,
    /// `pss`, or `rss`, in which shared memory counts once for each process.
    pub(crate) measure: &'static str,
}

impl TreeMemory {
    /// Reads the memory that the tree uses.
    pub(crate) fn update(&mut self, proc: &Path, tree: &[Process]) -> MemoryUse {
        let page_bytes = rustix::param::page_size() as u64;
        let rss = |process: &Process| process.resident_pages.saturating_mul(page_bytes);
        let began = Instant::now();
        let is_due = self.pause_until.is_none_or(|until| began >= until);
        let mut readings = HashMap::new();
        for process in tree {
            let known = self.readings.get(&process.key()).copied().filter(|_| !is_due);
            let read = || MemoryReading { pss_bytes: pss_bytes(proc, process.pid), rss_bytes: rss(process) };
            readings.insert(process.key(), known.unwrap_or_else(read));
        }
        self.readings = readings;
        if is_due {
            let now = Instant::now();
            self.pause_until = Some(now + MIN_PAUSE.max(now.duration_since(began) * PAUSE_FACTOR));
        }
        let pss = |process: &Process| {
            let MemoryReading { pss_bytes, rss_bytes } = self.readings.get(&process.key())?;
            Some((*pss_bytes)?.saturating_add(rss(process)).saturating_sub(*rss_bytes))
        };
        match tree.iter().map(pss).sum::<Option<u64>>() {
            Some(bytes) => MemoryUse { bytes, measure: "pss" },
            None => MemoryUse { bytes: tree.iter().map(rss).sum(), measure: "rss" },
        }
    }
}

/// `Pss` in `/proc/<pid>/smaps_rollup` (proc_pid_smaps(5)).
fn pss_bytes(proc: &Path, pid: u32) -> Option<u64> {
    let rollup = read_file(&proc.join(pid.to_string()).join("smaps_rollup"))?;
    let kib: u64 =
        rollup.lines().find_map(|line| line.strip_prefix("Pss:")?.trim().strip_suffix(" kB")?.parse().ok())?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pss_is_read_rarely_and_extrapolated_from_the_rss() {
        let folder = tempfile::tempdir().expect("a folder");
        let page_bytes = rustix::param::page_size() as u64;
        let process = |pid, resident_pages| Process {
            pid,
            parent: 1,
            name: String::new(),
            start: 0,
            cpu_seconds: 0.0,
            ended_cpu_seconds: 0.0,
            resident_pages,
        };
        let write = |pid: u32, pss_kib: u64| {
            let own = folder.path().join(pid.to_string());
            std::fs::create_dir_all(&own).expect("a folder");
            std::fs::write(own.join("smaps_rollup"), format!("0-1 ---p [rollup]\nRss: 9 kB\nPss: {pss_kib} kB\n"))
                .expect("a file");
        };
        write(2, 100);
        let mut memory = TreeMemory::default();
        let update = |memory: &mut TreeMemory, tree: &[Process]| {
            let MemoryUse { bytes, measure } = memory.update(folder.path(), tree);
            (bytes, measure)
        };
        assert_eq!(update(&mut memory, &[process(2, 50)]), (100 << 10, "pss"));
        // The PSS is not read again, and grows with the RSS.
        write(2, 7);
        assert_eq!(update(&mut memory, &[process(2, 53)]), ((100 << 10) + 3 * page_bytes, "pss"));
        write(3, 40);
        assert_eq!(update(&mut memory, &[process(2, 50), process(3, 90)]), (140 << 10, "pss"));
        // If the PSS of one process cannot be read, the RSS of all is used.
        assert_eq!(update(&mut memory, &[process(2, 50), process(4, 10)]), (60 * page_bytes, "rss"));
        memory.pause_until = None;
        assert_eq!(update(&mut memory, &[process(2, 50)]), (7 << 10, "pss"));
    }
}
