//! CPU time of a tree of processes that come and go, as one counter that only grows.
use crate::processes::tree::Process;
use std::collections::HashMap;

/// Adds up what a tree used. What a process uses between the last look and its end is told by its parent, which counts the
/// time of children that it waited for; so nothing is lost when workers come and go, and nothing counted twice.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    seconds: f64,
    known: HashMap<(u32, u64), Process>,
}

impl Ledger {
    /// Takes note of the tree as it is now, and gives the seconds used by all that were ever part of it.
    pub(crate) fn update(&mut self, tree: &[Process]) -> f64 {
        let now: HashMap<(u32, u64), Process> =
            tree.iter().map(|process| ((process.pid, process.start), process.clone())).collect();
        let ended = || self.known.iter().filter(|(key, _)| !now.contains_key(key)).map(|(_, process)| process);
        let mut used = 0.0;
        for (key, process) in &now {
            let Some(before) = self.known.get(key) else {
                used += process.cpu_seconds + process.ended_cpu_seconds;
                continue;
            };
            let counted: f64 = ended()
                .filter(|child| child.parent == process.pid)
                .map(|child| child.cpu_seconds + child.ended_cpu_seconds)
                .sum();
            let of_ended = process.ended_cpu_seconds - before.ended_cpu_seconds - counted;
            used += (process.cpu_seconds - before.cpu_seconds).max(0.0) + of_ended.max(0.0);
        }
        self.seconds += used;
        self.known = now;
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
    fn time_of_children_is_counted_once_and_never_lost() {
        let mut ledger = Ledger::default();
        let mut at = |tree: &[Process]| ledger.update(tree);
        assert_eq!(at(&[process(1, 0, 10.0, 2.0), process(2, 1, 5.0, 0.0)]), 17.0);
        assert_eq!(at(&[process(1, 0, 11.0, 2.0), process(2, 1, 8.0, 0.0)]), 21.0);
        // 2 ran for another second and ended; 3 came and went between the looks, for half a second.
        assert_eq!(at(&[process(1, 0, 11.0, 11.5)]), 22.5);
        // A new one with the number of an old one.
        let again = Process { start: 77, ..process(2, 1, 0.25, 0.0) };
        assert_eq!(at(&[process(1, 0, 11.0, 11.5), again.clone()]), 22.75);
        // It ended and was not waited for yet.
        assert_eq!(at(&[process(1, 0, 11.0, 11.5)]), 22.75);
        // All is counted by the parent later, and the last look's part was before.
        assert_eq!(at(&[process(1, 0, 12.0, 11.5)]), 23.75);
    }

    #[test]
    fn it_never_falls() {
        let mut ledger = Ledger::default();
        let mut last = 0.0;
        for step in 0..1000_u32 {
            // Workers that come and go by a pattern, and whose time is not always waited for.
            let workers = (2..2 + step % 7).map(|pid| Process {
                start: u64::from(step / 5),
                ..process(pid, 1, f64::from(step % 5), f64::from(step % 3))
            });
            let tree: Vec<Process> =
                [process(1, 0, f64::from(step), f64::from(step / 11))].into_iter().chain(workers).collect();
            let seconds = ledger.update(&tree);
            assert!(seconds >= last && seconds.is_finite(), "step {step}");
            last = seconds;
        }
        assert!(ledger.known.len() <= 8);
    }
}
