//! Memory of a tree of processes: their proportional share (PSS) where it may be read, else what is resident (RSS).
use crate::processes::tree::Process;
use crate::sources::host::read_file;
use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

/// Adding up shares makes the kernel walk all of a process's pages while the process waits for its own memory: this is for
/// how many times as long it is left alone afterwards.
const REST: u32 = 200;

/// And at least so long.
const LEAST_REST: Duration = Duration::from_secs(30);

/// The share of each process as it was last read. What changed since is taken from its resident memory, which costs
/// nothing to read.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    shares: HashMap<(u32, u64), Share>,
    rest_until: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Share {
    /// None where it may not be read.
    share_bytes: Option<u64>,
    resident_bytes: u64,
}

impl Memory {
    /// Bytes that the tree holds, and how they were measured: `pss`, or `rss` where memory that several share counts in
    /// each.
    pub(crate) fn update(&mut self, proc: &Path, tree: &[Process]) -> (u64, &'static str) {
        let page_bytes = rustix::param::page_size() as u64;
        let resident = |process: &Process| process.resident_pages.saturating_mul(page_bytes);
        let began = Instant::now();
        let is_due = self.rest_until.is_none_or(|until| began >= until);
        let mut shares = HashMap::new();
        for process in tree {
            let key = (process.pid, process.start);
            let known = self.shares.get(&key).copied().filter(|_| !is_due);
            let fresh = || Share { share_bytes: share_bytes(proc, process.pid), resident_bytes: resident(process) };
            shares.insert(key, known.unwrap_or_else(fresh));
        }
        self.shares = shares;
        if is_due {
            let now = Instant::now();
            self.rest_until = Some(now + LEAST_REST.max(now.duration_since(began) * REST));
        }
        let shared = |process: &Process| {
            let Share { share_bytes, resident_bytes } = self.shares.get(&(process.pid, process.start))?;
            Some((*share_bytes)?.saturating_add(resident(process)).saturating_sub(*resident_bytes))
        };
        match tree.iter().map(shared).sum::<Option<u64>>() {
            Some(bytes) => (bytes, "pss"),
            None => (tree.iter().map(resident).sum(), "rss"),
        }
    }
}

/// The line `Pss` of `/proc/<pid>/smaps_rollup` (proc_pid_smaps(5)).
fn share_bytes(proc: &Path, pid: u32) -> Option<u64> {
    let rollup = read_file(&proc.join(pid.to_string()).join("smaps_rollup"))?;
    let kib: u64 =
        rollup.lines().find_map(|line| line.strip_prefix("Pss:")?.trim().strip_suffix(" kB")?.parse().ok())?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_once_in_a_while_and_followed_meanwhile() {
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
        let mut memory = Memory::default();
        assert_eq!(memory.update(folder.path(), &[process(2, 50)]), (100 << 10, "pss"));
        // Not read again, and grown by what is resident.
        write(2, 7);
        assert_eq!(memory.update(folder.path(), &[process(2, 53)]), ((100 << 10) + 3 * page_bytes, "pss"));
        write(3, 40);
        assert_eq!(memory.update(folder.path(), &[process(2, 50), process(3, 90)]), (140 << 10, "pss"));
        // One that may not be read makes the sum of shares worthless.
        assert_eq!(memory.update(folder.path(), &[process(2, 50), process(4, 10)]), (60 * page_bytes, "rss"));
        memory.rest_until = None;
        assert_eq!(memory.update(folder.path(), &[process(2, 50)]), (7 << 10, "pss"));
    }
}
