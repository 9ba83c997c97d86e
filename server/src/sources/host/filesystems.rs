//! File systems, from `/proc/mounts` and `statvfs`.
use crate::sources::families::FamilyBuilder;
use crate::sources::host::IsClean;
use exposition::Kind;
use rustix::fs::{StatVfs, StatVfsMountFlags, statvfs};
use std::collections::BTreeSet;
use std::path::Path;

/// Types without users' files, similar to node_exporter's list. Overlays are not excluded: a container's `/` is one.
const EXCLUDED_TYPES: [&str; 26] = [
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "erofs",
    "fusectl",
    "fuse.lxcfs",
    "hugetlbfs",
    "iso9660",
    "mqueue",
    "nsfs",
    "proc",
    "pstore",
    "ramfs",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "squashfs",
    "sysfs",
    "tracefs",
];

/// Directories of the system's and containers' mounts (node_exporter's default).
const EXCLUDED_DIRECTORIES: [&str; 5] = ["/dev", "/proc", "/sys", "/var/lib/docker", "/var/lib/containers/storage"];

/// The maximum number of file systems. Each has six series.
const MAX_FILESYSTEMS: usize = 64;

/// A metric of a file system.
struct Metric {
    name: &'static str,
    help: &'static str,
    value: fn(&StatVfs) -> u64,
}

const METRICS: [Metric; 6] = [
    Metric {
        name: "node_filesystem_size_bytes",
        help: "Filesystem size in bytes.",
        value: |stat| stat.f_blocks.saturating_mul(stat.f_frsize),
    },
    Metric {
        name: "node_filesystem_free_bytes",
        help: "Filesystem free space in bytes.",
        value: |stat| stat.f_bfree.saturating_mul(stat.f_frsize),
    },
    Metric {
        name: "node_filesystem_avail_bytes",
        help: "Filesystem space available to non-root users in bytes.",
        value: |stat| stat.f_bavail.saturating_mul(stat.f_frsize),
    },
    Metric { name: "node_filesystem_files", help: "Filesystem total file nodes.", value: |stat| stat.f_files },
    Metric {
        name: "node_filesystem_files_free",
        help: "Filesystem total free file nodes.",
        value: |stat| stat.f_ffree,
    },
    Metric {
        name: "node_filesystem_readonly",
        help: "Filesystem read-only status.",
        value: |stat| u64::from(stat.f_flag.contains(StatVfsMountFlags::RDONLY)),
    },
];

/// A mounted file system.
struct Filesystem {
    device: String,
    fstype: String,
    mountpoint: String,
    stat: StatVfs,
}

pub(crate) fn collect(mounts: &str, root: &Path, families: &mut FamilyBuilder) -> IsClean {
    let (mut filesystems, mut is_clean, mut seen) = (Vec::new(), !mounts.is_empty(), BTreeSet::new());
    for line in mounts.lines() {
        let words: Vec<String> = line.split(' ').map(unescaped).collect();
        let [device, mountpoint, fstype, ..] = &words[..] else {
            is_clean = false;
            continue;
        };
        let is_excluded = EXCLUDED_DIRECTORIES.iter().any(|directory| Path::new(mountpoint).starts_with(directory));
        // A file system with several mounts counts once, at the first.
        if is_excluded
            || EXCLUDED_TYPES.contains(&&**fstype)
            || !seen.insert((device.clone(), fstype.clone()))
            || filesystems.len() == MAX_FILESYSTEMS
        {
            continue;
        }
        match statvfs(root.join(mountpoint.trim_start_matches('/'))) {
            // Without a size there is no used share to show.
            Ok(stat) if stat.f_blocks > 0 => {
                let [device, fstype, mountpoint] = [device, fstype, mountpoint].map(Clone::clone);
                filesystems.push(Filesystem { device, fstype, mountpoint, stat });
            }
            Ok(_) => {}
            Err(_) => is_clean = false,
        }
    }
    for Metric { name, help, value } in METRICS {
        families.family(name, Kind::Gauge, help);
        for Filesystem { device, fstype, mountpoint, stat } in &filesystems {
            let labels = [("device", &**device), ("fstype", fstype), ("mountpoint", mountpoint)];
            families.sample(&labels, value(stat) as f64);
        }
    }
    is_clean
}

/// Replaces the escape sequences with which the kernel writes spaces, tabs, line feeds and backslashes (fstab(5)).
fn unescaped(word: &str) -> String {
    let with = |word: String, (from, to): (&str, &str)| word.replace(from, to);
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")].into_iter().fold(word.to_owned(), with)
}
