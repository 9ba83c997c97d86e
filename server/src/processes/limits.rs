//! The memory and CPU limits of a process.
use crate::sources::cgroup::Cgroup;
use crate::sources::host::{HostPaths, read_file};
use crate::target::extra_sample::ExtraSample;
use catalogue::contract::names;
use std::path::PathBuf;

/// The limits of a process, and the control groups that impose them.
#[derive(Debug, Default)]
pub(crate) struct ResourceLimits {
    pub(crate) memory_bytes: Option<u64>,
    cores: Option<f64>,
    pub(crate) groups: Vec<PathBuf>,
}

impl ResourceLimits {
    /// The lowest limit of each kind among the control groups that contain the process.
    pub(crate) fn read(paths: &HostPaths, pid: u32) -> Self {
        let cgroup = read_file(&paths.proc.join(pid.to_string()).join("cgroup"));
        let Some(cgroup) = cgroup.and_then(|cgroup| Cgroup::of_process(&paths.sys, &cgroup)) else {
            return Self::default();
        };
        let groups = || cgroup.ancestry();
        let memory =
            groups().filter_map(|group| Some((group.own_memory_limit_bytes()?, group))).min_by_key(|(limit, _)| *limit);
        let cores = |group: &Cgroup| group.own_cpu_quota().map(|limit| limit.quota_us / limit.period_us);
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

    /// The limits as samples.
    pub(crate) fn samples(&self) -> impl Iterator<Item = ExtraSample> {
        let memory = self.memory_bytes.map(|bytes| ExtraSample::new(names::MEMORY_LIMIT_BYTES, bytes as f64));
        let cpu = self.cores.map(|cores| ExtraSample::new(names::CPU_LIMIT_CORES, cores));
        memory.into_iter().chain(cpu)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_limit_of_the_enclosing_groups_applies() {
        let folder = tempfile::tempdir().expect("a folder");
        let paths = HostPaths { proc: folder.path().join("proc"), sys: folder.path().join("sys"), root: None };
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        };
        let limits = |pid: u32| {
            let limits = ResourceLimits::read(&paths, pid);
            (limits.memory_bytes, limits.cores)
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
