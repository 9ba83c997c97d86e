//! Control groups, version 2: the resources that a group of processes uses, and its limits.
//!
//! Source: Linux's `Documentation/admin-guide/cgroup-v2.rst`.
use crate::sources::host::read_file;
use std::path::{Component, Path, PathBuf};

const MICRO: f64 = 1e-6;

/// One control group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cgroup {
    /// The directory of the root group.
    root: PathBuf,
    path: PathBuf,
}

impl Cgroup {
    /// The outermost group visible in `sys`, the machine's `/sys`: in a container, the container's.
    pub(crate) fn outermost(sys: &Path) -> Self {
        let root = sys.join("fs/cgroup");
        Self { path: root.clone(), root }
    }

    /// The group in the text of a process's `/proc/<pid>/cgroup`. None if it is of version 1, or outside of this
    /// container.
    pub(crate) fn of_process(sys: &Path, cgroup: &str) -> Option<Self> {
        let path = cgroup.lines().find_map(|line| line.strip_prefix("0::/"))?;
        let is_within = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
        let root = sys.join("fs/cgroup");
        is_within.then(|| Self { path: root.join(path), root })
    }

    /// Its directory.
    pub(crate) fn into_path(self) -> PathBuf {
        self.path
    }

    /// Its working set: all memory but inactive file pages, which the kernel reclaims first.
    /// Source: cAdvisor's `setMemoryStats`.
    pub(crate) fn working_set_bytes(&self) -> Option<u64> {
        let used: u64 = number(&self.path, "memory.current")?;
        let stat = read_file(&self.path.join("memory.stat"))?;
        let inactive: u64 = stat.lines().find_map(|line| line.strip_prefix("inactive_file ")?.trim().parse().ok())?;
        Some(used.saturating_sub(inactive))
    }

    /// The CPU time that it used.
    pub(crate) fn cpu_seconds(&self) -> Option<f64> {
        // The root group has `cpu.stat` too, and counts the whole machine.
        self.path.join("cgroup.type").exists().then_some(())?;
        let stat = read_file(&self.path.join("cpu.stat"))?;
        let usage: u64 = stat.lines().find_map(|line| line.strip_prefix("usage_usec ")?.trim().parse().ok())?;
        Some(usage as f64 * MICRO)
    }

    /// Its own memory limit.
    pub(crate) fn own_memory_limit_bytes(&self) -> Option<u64> {
        number(&self.path, "memory.max")
    }

    /// Its own CPU limit.
    pub(crate) fn own_cpu_quota(&self) -> Option<CpuQuota> {
        let max = read_file(&self.path.join("cpu.max"))?;
        let (quota, period) = max.trim().split_once(' ')?;
        let (quota, period) = (quota.parse::<u64>().ok()?, period.parse::<u64>().ok().filter(|period| *period > 0)?);
        Some(CpuQuota { quota_us: quota as f64, period_us: period as f64 })
    }

    /// This group and its ancestors, innermost first, without the root group.
    pub(crate) fn ancestry(&self) -> impl Iterator<Item = Self> + '_ {
        let within = self.path.ancestors().take_while(|path| *path != self.root && path.starts_with(&self.root));
        within.map(|path| Self { root: self.root.clone(), path: path.to_owned() })
    }
}

/// The CPU time that a group may use in each period, both in microseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct CpuQuota {
    pub(crate) quota_us: f64,
    pub(crate) period_us: f64,
}

/// The number in a file of a group; none if it is `max`.
fn number(group: &Path, file: &str) -> Option<u64> {
    read_file(&group.join(file))?.trim().parse().ok()
}
