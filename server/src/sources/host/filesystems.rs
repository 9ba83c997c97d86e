//! File systems, from `/proc/mounts` and what the kernel says of each.
use crate::sources::families::FamilyBuilder;
use crate::sources::host::IsClean;
use exposition::Kind;
use rustix::fs::{StatVfs, StatVfsMountFlags, statvfs};
use std::collections::BTreeSet;
use std::path::Path;

/// Kinds that hold no one's files, much as node_exporter has them. Overlays are told, as a container's `/` is one.
const NOT_FILES: [&str; 26] = [
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

/// Below these are mounts of the system and of containers (node_exporter's default).
const INNER: [&str; 5] = ["/dev", "/proc", "/sys", "/var/lib/docker", "/var/lib/containers/storage"];

/// The most that are told: each is six series.
const MOST: usize = 64;

/// Writes a value of a file system.
type Value = fn(&StatVfs) -> u64;

const VALUES: [(&str, &str, Value); 6] = [
    ("node_filesystem_size_bytes", "Filesystem size in bytes.", |stat| stat.f_blocks.saturating_mul(stat.f_frsize)),
    ("node_filesystem_free_bytes", "Filesystem free space in bytes.", |stat| {
        stat.f_bfree.saturating_mul(stat.f_frsize)
    }),
    ("node_filesystem_avail_bytes", "Filesystem space available to non-root users in bytes.", |stat| {
        stat.f_bavail.saturating_mul(stat.f_frsize)
    }),
    ("node_filesystem_files", "Filesystem total file nodes.", |stat| stat.f_files),
    ("node_filesystem_files_free", "Filesystem total free file nodes.", |stat| stat.f_ffree),
    ("node_filesystem_readonly", "Filesystem read-only status.", |stat| {
        u64::from(stat.f_flag.contains(StatVfsMountFlags::RDONLY))
    }),
];

pub(crate) fn collect(mounts: &str, root: &Path, families: &mut FamilyBuilder) -> IsClean {
    let (mut found, mut is_clean, mut seen) = (Vec::new(), !mounts.is_empty(), BTreeSet::new());
    for line in mounts.lines() {
        let words: Vec<String> = line.split(' ').map(unescaped).collect();
        let [device, mountpoint, fstype, ..] = &words[..] else {
            is_clean = false;
            continue;
        };
        let is_inner = INNER.iter().any(|inner| Path::new(mountpoint).starts_with(inner));
        // What is mounted more than once counts once, where it was first.
        if is_inner
            || NOT_FILES.contains(&&**fstype)
            || !seen.insert((device.clone(), fstype.clone()))
            || found.len() == MOST
        {
            continue;
        }
        match statvfs(root.join(mountpoint.trim_start_matches('/'))) {
            // What has no size has no share.
            Ok(stat) if stat.f_blocks > 0 => found.push(([device, fstype, mountpoint].map(Clone::clone), stat)),
            Ok(_) => {}
            Err(_) => is_clean = false,
        }
    }
    for (name, help, value) in VALUES {
        families.family(name, Kind::Gauge, help);
        for ([device, fstype, mountpoint], stat) in &found {
            let labels = [("device", &**device), ("fstype", fstype), ("mountpoint", mountpoint)];
            families.sample(&labels, value(stat) as f64);
        }
    }
    is_clean
}

/// A word with its blanks, tabs, line ends and backslashes, which the kernel writes as `\\040` (fstab(5)).
fn unescaped(word: &str) -> String {
    let with = |word: String, (from, to): (&str, &str)| word.replace(from, to);
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")].into_iter().fold(word.to_owned(), with)
}
