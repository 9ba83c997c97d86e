//! Control groups, version 2: what a group of processes uses, and the limits at which the kernel stops it.
//!
//! Source: Linux's `Documentation/admin-guide/cgroup-v2.rst`.
use crate::sources::host::read_file;
use std::path::{Component, Path, PathBuf};

const MICRO: f64 = 1e-6;

/// One group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cgroup {
    /// Where all groups are.
    root: PathBuf,
    path: PathBuf,
}

impl Cgroup {
    /// The outermost group that can be seen under `sys`, the machine's `/sys`: within a container its own.
    pub(crate) fn outermost(sys: &Path) -> Self {
        let root = sys.join("fs/cgroup");
        Self { path: root.clone(), root }
    }

    /// The group in a process's `/proc/<pid>/cgroup`; none where it is of version 1 only, or cannot be seen from here.
    pub(crate) fn of_process(sys: &Path, cgroup: &str) -> Option<Self> {
        let path = cgroup.lines().find_map(|line| line.strip_prefix("0::/"))?;
        let is_within = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
        let root = sys.join("fs/cgroup");
        is_within.then(|| Self { path: root.join(path), root })
    }

    /// Where it is.
    pub(crate) fn into_path(self) -> PathBuf {
        self.path
    }

    /// Memory that it holds and cannot give back: all but the files that nobody read lately, as cAdvisor counts it
    /// (`setMemoryStats`), and as the kernel first takes away.
    pub(crate) fn working_set_bytes(&self) -> Option<u64> {
        let used: u64 = number(&self.path, "memory.current")?;
        let stat = read_file(&self.path.join("memory.stat"))?;
        let inactive: u64 = stat.lines().find_map(|line| line.strip_prefix("inactive_file ")?.trim().parse().ok())?;
        Some(used.saturating_sub(inactive))
    }

    /// CPU time that it used.
    pub(crate) fn cpu_seconds(&self) -> Option<f64> {
        // The root of all has the file too, and is the machine.
        self.path.join("cgroup.type").exists().then_some(())?;
        let stat = read_file(&self.path.join("cpu.stat"))?;
        let usage: u64 = stat.lines().find_map(|line| line.strip_prefix("usage_usec ")?.trim().parse().ok())?;
        Some(usage as f64 * MICRO)
    }

    /// Its memory limit, if it has one of its own.
    pub(crate) fn own_memory_limit_bytes(&self) -> Option<u64> {
        number(&self.path, "memory.max")
    }

    /// CPU time that it may use, and in which time, both in microseconds; if it has a limit of its own.
    pub(crate) fn own_cpu_quota_us(&self) -> Option<(f64, f64)> {
        let max = read_file(&self.path.join("cpu.max"))?;
        let (quota, period) = max.trim().split_once(' ')?;
        let (quota, period) = (quota.parse::<u64>().ok()?, period.parse::<u64>().ok().filter(|period| *period > 0)?);
        Some((quota as f64, period as f64))
    }

    /// Those that it is within, itself first, without the root of all.
    pub(crate) fn ancestry(&self) -> impl Iterator<Item = Self> + '_ {
        let within = self.path.ancestors().take_while(|path| *path != self.root && path.starts_with(&self.root));
        within.map(|path| Self { root: self.root.clone(), path: path.to_owned() })
    }
}

/// A file's one number; none where it says `max`.
fn number(group: &Path, file: &str) -> Option<u64> {
    read_file(&group.join(file))?.trim().parse().ok()
}
