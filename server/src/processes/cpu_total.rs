//! The CPU time of a process tree as one counter that only increases, even though its processes come and go.
use crate::processes::tree::{Process, ProcessKey};
use std::collections::HashMap;

/// The CPU time of a process tree. The time that a process uses between the last reading and its end is recovered from its
/// parent, which counts the time of children that it waited for. So no time is lost, and none is counted twice.
#[derive(Debug, Default)]
pub(crate) struct CpuTotal {
    seconds: f64,
    processes: HashMap<ProcessKey, Process>,
}

impl CpuTotal {
    /// Adds the time since the last reading, and returns the seconds used by all processes that ever belonged to the tree.
    pub(crate) fn update(&mut self, tree: &[Process]) -> f64 {
        let now: HashMap<ProcessKey, Process> = tree.iter().map(|process| (process.key(), process.clone())).collect();
        let ended = || self.processes.iter().filter(|(key, _)| !now.contains_key(key)).map(|(_, process)| process);
        let mut used = 0.0;
        for (key, process) in &now {
            let Some(before) = self.processes.get(key) else {
                used += process.cpu_seconds + process.ended_cpu_seconds;
                continue;
            };
            let counted: f64 = ended()
                .filter(|child| child.parent == process.pid)
                .map(|child| child.cpu_seconds + child.ended_cpu_seconds)
                .sum();
            let by_ended = process.ended_cpu_seconds - before.ended_cpu_seconds - counted;
            used += (process.cpu_seconds - before.cpu_seconds).max(0.0) + by_ended.max(0.0);
        }
        self.seconds += used;
        self.processes = now;
        self.seconds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: u32, parent: u32, cpu_seconds: f64, ended_cpu_seconds: f64) -> Process {
        Process { pid, parent, name: String::new(), start: 0, cpu_seconds, ended_cpu_seconds, resident_pages: 0 }
    }

    #[test]
    fn the_time_of_children_is_counted_exactly_once() {
        let mut total = CpuTotal::default();
        let mut at = |tree: &[Process]| total.update(tree);
        assert_eq!(at(&[process(1, 0, 10.0, 2.0), process(2, 1, 5.0, 0.0)]), 17.0);
        assert_eq!(at(&[process(1, 0, 11.0, 2.0), process(2, 1, 8.0, 0.0)]), 21.0);
        // 2 ran for another second and ended; 3 ran for half a second between two readings.
        assert_eq!(at(&[process(1, 0, 11.0, 11.5)]), 22.5);
        // A new process with the PID of an old one.
        let again = Process { start: 77, ..process(2, 1, 0.25, 0.0) };
        assert_eq!(at(&[process(1, 0, 11.0, 11.5), again.clone()]), 22.75);
        // It ended and has not been waited for.
        assert_eq!(at(&[process(1, 0, 11.0, 11.5)]), 22.75);
        // The parent counts all of it later; part of it was counted before.
        assert_eq!(at(&[process(1, 0, 12.0, 11.5)]), 23.75);
    }

    #[test]
    fn the_total_never_decreases() {
        let mut total = CpuTotal::default();
        let mut last = 0.0;
        for step in 0..1000_u32 {
            // Workers come and go in a pattern, and the parent does not wait for all of them.
            let workers = (2..2 + step % 7).map(|pid| Process {
                start: u64::from(step / 5),
                ..process(pid, 1, f64::from(step % 5), f64::from(step % 3))
            });
            let tree: Vec<Process> =
                [process(1, 0, f64::from(step), f64::from(step / 11))].into_iter().chain(workers).collect();
            let seconds = total.update(&tree);
            assert!(seconds >= last && seconds.is_finite(), "step {step}");
            last = seconds;
        }
        assert!(total.processes.len() <= 8);
    }
}
