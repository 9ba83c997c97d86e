//! Processes and their trees, from `/proc` (proc_pid_stat(5)).
use crate::sources::host::{TICKS_PER_SECOND, read_file};
use std::collections::HashMap;
use std::path::Path;

/// A process.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) parent: u32,
    /// The program's name, which the kernel truncates to fifteen bytes.
    pub(crate) name: String,
    /// When it started, in clock ticks since boot. Together with the PID it identifies a process.
    pub(crate) start: u64,
    /// Its own CPU time in seconds.
    pub(crate) cpu_seconds: f64,
    /// The CPU time of descendants that ended and were waited for, in seconds.
    pub(crate) ended_cpu_seconds: f64,
    /// Its resident set size in pages.
    pub(crate) resident_pages: u64,
}

/// What identifies a process: PIDs are reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProcessKey {
    /// The PID.
    pub pid: u32,
    /// When it started, in clock ticks since boot.
    pub start: u64,
}

impl Process {
    pub(crate) fn key(&self) -> ProcessKey {
        ProcessKey { pid: self.pid, start: self.start }
    }

    /// The process with this PID, if it exists.
    pub(crate) fn read(proc: &Path, pid: u32) -> Option<Self> {
        Self::parse(pid, &read_file(&proc.join(pid.to_string()).join("stat"))?)
    }

    fn parse(pid: u32, stat: &str) -> Option<Self> {
        // The program chooses its name, which may contain parentheses.
        let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
        let words: Vec<&str> = rest.split_ascii_whitespace().collect();
        let number = |at: usize| words.get(at)?.parse::<u64>().ok();
        let seconds = |at: usize| Some(number(at)? as f64 / TICKS_PER_SECOND);
        // A process that has ended and has not been waited for uses nothing.
        if matches!(*words.first()?, "Z" | "X") {
            return None;
        }
        Some(Self {
            pid,
            parent: words.get(1)?.parse().ok()?,
            name: name.to_owned(),
            cpu_seconds: seconds(11)? + seconds(12)?,
            ended_cpu_seconds: seconds(13)? + seconds(14)?,
            start: number(19)?,
            resident_pages: number(21)?,
        })
    }
}

/// All processes at one time.
#[derive(Debug, Default)]
pub(crate) struct Processes(HashMap<u32, Process>);

impl Processes {
    /// Reads all processes in `proc`.
    pub(crate) fn read(proc: &Path) -> Self {
        let entries = std::fs::read_dir(proc).into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        Self(pids.filter_map(|pid| Some((pid, Process::read(proc, pid)?))).collect())
    }

    pub(crate) fn get(&self, pid: u32) -> Option<&Process> {
        self.0.get(&pid)
    }

    /// The PIDs of all processes.
    pub(crate) fn pids(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.keys().copied()
    }

    /// The parent, its parent, and so on.
    pub(crate) fn ancestors(&self, pid: u32) -> impl Iterator<Item = &Process> + '_ {
        let parent = move |process: &&Process| self.get(process.parent);
        // PIDs may be reused during the read and form a cycle; real chains are much shorter than this.
        std::iter::successors(self.get(pid).and_then(|process| parent(&process)), parent).take(64)
    }

    /// `roots` and all their descendants.
    pub(crate) fn trees(&self, roots: &[u32]) -> Vec<&Process> {
        let is_member = |process: &Process| {
            roots.contains(&process.pid) || self.ancestors(process.pid).any(|ancestor| roots.contains(&ancestor.pid))
        };
        let mut trees: Vec<&Process> = self.0.values().filter(|process| is_member(process)).collect();
        trees.sort_by_key(|process| process.pid);
        trees
    }
}

#[cfg(test)]
impl FromIterator<Process> for Processes {
    fn from_iter<T: IntoIterator<Item = Process>>(processes: T) -> Self {
        Self(processes.into_iter().map(|process| (process.pid, process)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "42 (VLLM) :: (x) y) S 7 42 42 0 -1 4194560 10 20 0 0 150 50 30 20 20 0 1 0 900 1000000 2500 18446744073709551615";

    #[test]
    fn a_process_with_an_unusual_name_is_read() {
        let process = Process::parse(42, STAT).expect("a process");
        assert_eq!(process.name, "VLLM) :: (x) y");
        assert_eq!((process.parent, process.start, process.resident_pages), (7, 900, 2500));
        assert_eq!((process.cpu_seconds, process.ended_cpu_seconds), (2.0, 0.5));
        for broken in ["", "42 (x", "42 (x) S", "42 (x) Z 7 1 1 0 -1 0 0 0 0 0 1 1 1 1 20 0 1 0 9 1 1", "42 (x) S a b"]
        {
            assert_eq!(Process::parse(42, broken), None, "{broken}");
        }
    }

    #[test]
    fn a_tree_contains_all_descendants() {
        let process = |pid, parent| Process { pid, parent, ..Process::parse(42, STAT).expect("a process") };
        let processes: Processes =
            [process(1, 0), process(2, 1), process(3, 2), process(4, 3), process(5, 1), process(9, 9)]
                .into_iter()
                .collect();
        let pids = |roots: &[u32]| -> Vec<u32> { processes.trees(roots).iter().map(|process| process.pid).collect() };
        assert_eq!(pids(&[2]), [2, 3, 4]);
        assert_eq!(pids(&[3, 5]), [3, 4, 5]);
        assert_eq!(pids(&[7]), [0; 0]);
    }
}
