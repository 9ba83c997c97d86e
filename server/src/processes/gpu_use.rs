//! The GPUs that a process tree uses, from the families of the GPU collector.
use crate::processes::tree::Process;
use crate::sources::host::read_file;
use crate::target::extra_sample::ExtraSample;
use catalogue::contract::names;
use exposition::{Family, Sample};
use std::collections::BTreeMap;
use std::path::Path;

/// The kernel's number of the initial PID namespace, whose PIDs the driver reports (`PROC_PID_INIT_INO`).
const INITIAL_PID_NAMESPACE: &str = "pid:[4026531836]";

const PROCESS_MEMORY: &str = "gpu_process_memory_bytes";
const UTILIZATION: &str = "gpu_utilization_ratio";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct GpuKey<'f> {
    gpu: &'f str,
    uuid: &'f str,
}

/// The GPUs on which the processes have memory: how much, and how busy the GPUs are.
pub(crate) fn gpu_samples(proc: &Path, families: &[Family], processes: &[Process]) -> Vec<ExtraSample> {
    let is_initial_namespace = is_initial_namespace(proc);
    let samples = |name: &'static str| {
        families.iter().flat_map(|family| &family.samples).filter(move |sample| sample.name == name)
    };
    let mut memory_bytes: BTreeMap<GpuKey<'_>, f64> = BTreeMap::new();
    for sample in samples(PROCESS_MEMORY) {
        let pid: Option<u32> = label(sample, "pid").parse().ok();
        let process = pid.and_then(|pid| processes.iter().find(|process| process.pid == pid));
        // In another namespace the PID may belong to another process, so the program must match too.
        let is_same = |process: &&Process| {
            is_initial_namespace || program(proc, process.pid).as_deref() == Some(label(sample, "process"))
        };
        if process.filter(is_same).is_some() {
            *memory_bytes.entry(key(sample)).or_default() += sample.value;
        }
    }
    let utilization: BTreeMap<GpuKey<'_>, f64> =
        samples(UTILIZATION).map(|sample| (key(sample), sample.value)).collect();
    let mut extra = Vec::new();
    for (gpu, bytes) in memory_bytes {
        let labelled = |name, value| ExtraSample::new(name, value).with("gpu", gpu.gpu).with("uuid", gpu.uuid);
        extra.extend(utilization.get(&gpu).map(|share| labelled(names::GPU_UTILIZATION_RATIO, *share)));
        extra.push(labelled(names::GPU_MEMORY_USED_BYTES, bytes));
    }
    extra
}

fn key(sample: &Sample) -> GpuKey<'_> {
    GpuKey { gpu: label(sample, "gpu"), uuid: label(sample, "uuid") }
}

fn label<'s>(sample: &'s Sample, name: &str) -> &'s str {
    sample.labels.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
}

/// Whether the PIDs in `proc` are those that the driver reports.
fn is_initial_namespace(proc: &Path) -> bool {
    std::fs::read_link(proc.join("self/ns/pid")).is_ok_and(|link| link.as_os_str() == INITIAL_PID_NAMESPACE)
}

/// The program of a process, as the GPU collector names it.
fn program(proc: &Path, pid: u32) -> Option<String> {
    let command = read_file(&proc.join(pid.to_string()).join("cmdline"))?;
    Some(nvml::program(&command).to_owned())
}
