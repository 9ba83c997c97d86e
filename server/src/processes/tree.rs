//! Processes as `/proc` tells of them (proc_pid_stat(5)).
use crate::sources::host::{TICKS_PER_SECOND, read_file};
use std::collections::HashMap;
use std::path::Path;

/// One process.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) parent: u32,
    /// The program's name, cut to fifteen bytes by the kernel.
    pub(crate) name: String,
    /// When it started, in ticks since the machine did: with the number it tells a process from all others.
    pub(crate) start: u64,
    /// CPU time of its own, in seconds.
    pub(crate) cpu_seconds: f64,
    /// CPU time of children that ended and were waited for, and of theirs, in seconds.
    pub(crate) ended_cpu_seconds: f64,
    /// Memory that is resident, in pages.
    pub(crate) resident_pages: u64,
}

impl Process {
    /// The process of that number; none where there is none (any more).
    pub(crate) fn read(proc: &Path, pid: u32) -> Option<Self> {
        Self::parse(pid, &read_file(&proc.join(pid.to_string()).join("stat"))?)
    }

    fn parse(pid: u32, stat: &str) -> Option<Self> {
        // The name is whatever the program wants, brackets included.
        let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
        let words: Vec<&str> = rest.split_ascii_whitespace().collect();
        let number = |at: usize| words.get(at)?.parse::<u64>().ok();
        let seconds = |at: usize| Some(number(at)? as f64 / TICKS_PER_SECOND);
        // A process that has ended and is not waited for yet holds nothing.
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

/// All processes at one moment.
#[derive(Debug, Default)]
pub(crate) struct Processes(HashMap<u32, Process>);

impl Processes {
    /// Those in `proc` now.
    pub(crate) fn read(proc: &Path) -> Self {
        let entries = std::fs::read_dir(proc).into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        Self(pids.filter_map(|pid| Some((pid, Process::read(proc, pid)?))).collect())
    }

    pub(crate) fn get(&self, pid: u32) -> Option<&Process> {
        self.0.get(&pid)
    }

    /// The numbers of all.
    pub(crate) fn pids(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.keys().copied()
    }

    /// Its parent, the parent's, and so on.
    pub(crate) fn ancestors(&self, pid: u32) -> impl Iterator<Item = &Process> + '_ {
        let parent = move |process: &&Process| self.get(process.parent);
        // Numbers may be given to others while they are read; no line is that long.
        std::iter::successors(self.get(pid).and_then(|process| parent(&process)), parent).take(64)
    }

    /// `tops` and all that descend from them.
    pub(crate) fn trees(&self, tops: &[u32]) -> Vec<&Process> {
        let is_below = |process: &Process| {
            tops.contains(&process.pid) || self.ancestors(process.pid).any(|ancestor| tops.contains(&ancestor.pid))
        };
        let mut trees: Vec<&Process> = self.0.values().filter(|process| is_below(process)).collect();
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
    fn a_process_is_read_whatever_it_calls_itself() {
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
    fn a_tree_is_all_that_descend() {
        let process = |pid, parent| Process { pid, parent, ..Process::parse(42, STAT).expect("a process") };
        let processes: Processes =
            [process(1, 0), process(2, 1), process(3, 2), process(4, 3), process(5, 1), process(9, 9)]
                .into_iter()
                .collect();
        let pids = |tops: &[u32]| -> Vec<u32> { processes.trees(tops).iter().map(|process| process.pid).collect() };
        assert_eq!(pids(&[2]), [2, 3, 4]);
        assert_eq!(pids(&[3, 5]), [3, 4, 5]);
        assert_eq!(pids(&[7]), [0; 0]);
    }
}
