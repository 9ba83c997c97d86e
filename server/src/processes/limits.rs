//! What a tree of processes has of the machine besides CPU time and memory: its limits, and its GPUs.
use crate::processes::tree::Process;
use crate::scrape::engine_detection::Told;
use crate::sources::cgroup::Cgroup;
use crate::sources::gpus::Gpus;
use crate::sources::host::{Roots, read_file};
use catalogue::contract::names;
use exposition::{Format, Label, Limits, for_each_sample};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The kernel's number for the first namespace of processes, whose numbers the driver knows (`PROC_PID_INIT_INO`).
const FIRST_NAMESPACE: &str = "pid:[4026531836]";

/// The limits in force for a process, and the groups that they are set for.
#[derive(Debug, Default)]
pub(crate) struct Allowance {
    memory_bytes: Option<u64>,
    cores: Option<f64>,
    pub(crate) groups: Vec<PathBuf>,
}

impl Allowance {
    /// Of each kind the lowest limit of the groups that the process is within.
    pub(crate) fn of(roots: &Roots, pid: u32) -> Self {
        let cgroup = read_file(&roots.proc.join(pid.to_string()).join("cgroup"));
        let Some(cgroup) = cgroup.and_then(|cgroup| Cgroup::of_process(&roots.sys, &cgroup)) else {
            return Self::default();
        };
        let groups = || cgroup.ancestry();
        let memory =
            groups().filter_map(|group| Some((group.own_memory_limit_bytes()?, group))).min_by_key(|(limit, _)| *limit);
        let cores = |group: &Cgroup| group.own_cpu_quota_us().map(|(quota, period)| quota / period);
        let cpu = groups().filter_map(|group| Some((cores(&group)?, group))).min_by(|a, b| a.0.total_cmp(&b.0));
        Self {
            memory_bytes: memory.as_ref().map(|(limit, _)| *limit),
            cores: cpu.as_ref().map(|(limit, _)| *limit),
            groups: memory
                .into_iter()
                .map(|(_, group)| group)
                .chain(cpu.map(|(_, group)| group))
                .map(Cgroup::into_path)
                .collect(),
        }
    }

    /// The limits as series.
    pub(crate) fn tell(&self, told: &mut Vec<Told>) {
        told.extend(self.memory_bytes.map(|bytes| (names::MEMORY_LIMIT_BYTES, Vec::new(), bytes as f64)));
        told.extend(self.cores.map(|cores| (names::CPU_LIMIT_CORES, Vec::new(), cores)));
    }
}

/// One GPU, as far as processes are concerned.
#[derive(Debug, Default)]
struct Card {
    held_bytes: f64,
    is_held: bool,
    utilization: Option<f64>,
}

/// Tells which GPUs the tree has memory on, how much, and how busy they are.
pub(crate) fn tell_gpus(proc: &Path, gpus: &Gpus, tree: &[Process], told: &mut Vec<Told>) {
    let is_driver_s = is_first_namespace(proc);
    let mut cards: BTreeMap<(String, String), Card> = BTreeMap::new();
    let page = gpus.page();
    // A page of our own that cannot be read tells nothing.
    let _ = for_each_sample(page.as_bytes(), Format::Text, &Limits::default(), &mut |sample| {
        let label = |name: &str| value_of(sample.labels, name);
        match sample.name {
            "gpu_process_memory_bytes" => {
                let process =
                    label("pid").parse().ok().and_then(|pid: u32| tree.iter().find(|process| process.pid == pid));
                // In a namespace of its own a number may be another process's: then the name has to agree.
                let is_same =
                    |process: &&Process| is_driver_s || program(proc, process.pid).as_deref() == Some(label("process"));
                if process.filter(is_same).is_some() {
                    let card = cards.entry((label("gpu").to_owned(), label("uuid").to_owned())).or_default();
                    card.held_bytes += sample.value;
                    card.is_held = true;
                }
            }
            "gpu_utilization_ratio" => {
                let card = cards.entry((label("gpu").to_owned(), label("uuid").to_owned())).or_default();
                card.utilization = Some(sample.value);
            }
            _ => {}
        }
    });
    for ((gpu, uuid), card) in cards.into_iter().filter(|(_, card)| card.is_held) {
        let labels = vec![("gpu", gpu), ("uuid", uuid)];
        told.extend(card.utilization.map(|share| (names::GPU_UTILIZATION_RATIO, labels.clone(), share)));
        told.push((names::GPU_MEMORY_USED_BYTES, labels, card.held_bytes));
    }
}

fn value_of<'l>(labels: &'l [Label<'_>], name: &str) -> &'l str {
    labels.iter().find(|label| label.name == name).map_or("", |label| &label.value)
}

/// Whether the numbers in `proc` are those that the driver gives processes.
fn is_first_namespace(proc: &Path) -> bool {
    std::fs::read_link(proc.join("self/ns/pid")).is_ok_and(|link| link.as_os_str() == FIRST_NAMESPACE)
}

/// What the GPU collector calls the program of a process.
fn program(proc: &Path, pid: u32) -> Option<String> {
    let command = read_file(&proc.join(pid.to_string()).join("cmdline"))?;
    Some(nvml::program(&command).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_limit_around_a_process_is_the_one_that_stops_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let roots = Roots { proc: folder.path().join("proc"), sys: folder.path().join("sys"), root: None };
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        };
        let limits = |pid: u32| {
            let allowance = Allowance::of(&roots, pid);
            (allowance.memory_bytes, allowance.cores)
        };
        write("proc/1/cgroup", "0::/\n");
        write("proc/2/cgroup", "12:memory:/old\n0::/pods/pod1/engine\n");
        write("proc/3/cgroup", "4:memory:/docker/x\n");
        write("proc/4/cgroup", "0::/../outside\n");
        write("sys/fs/cgroup/pods/memory.max", "64000\n");
        write("sys/fs/cgroup/pods/pod1/memory.max", "max\n");
        write("sys/fs/cgroup/pods/pod1/cpu.max", "400000 100000\n");
        write("sys/fs/cgroup/pods/pod1/engine/memory.max", "96000\n");
        write("sys/fs/cgroup/pods/pod1/engine/cpu.max", "max 100000\n");
        assert_eq!(limits(2), (Some(64_000), Some(4.0)));
        for pid in [1, 3, 4, 5] {
            assert_eq!(limits(pid), (None, None), "{pid}");
        }
    }
}
