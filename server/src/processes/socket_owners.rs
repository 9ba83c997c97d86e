//! Finds the roots of the process trees that serve a listening socket.
use crate::processes::tree::Processes;
use catalogue::contract::AttributionFailure;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Programs that forward connections to a container, a virtual machine or another host. The names are truncated to fifteen
/// bytes, as the kernel does.
const FORWARDERS: [&str; 14] = [
    "docker-proxy",
    "rootlessport",
    "rootlessport-ch",
    "slirp4netns",
    "passt",
    "passt.avx2",
    "pasta",
    "pasta.avx2",
    "ssh",
    "sshd",
    "kubectl",
    "gvproxy",
    "socat",
    "systemd-socket-",
];

/// Programs that start the listening process and other processes of the same replica: TGI's launcher starts the router and
/// the model's shards.
const LAUNCHERS: [&str; 1] = ["text-generation"];

/// vLLM's name for listening processes if there are several; their parent has also started the engine.
const API_SERVERS: &str = "VLLM::ApiServer";

/// A process that has a socket open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SocketOwner {
    pub(crate) pid: u32,
    /// The link in `/proc/<pid>/fd`.
    link: PathBuf,
    /// The link's target, which names the socket.
    socket: OsString,
}

impl SocketOwner {
    /// Whether the process still has the socket open.
    pub(crate) fn is_current(&self) -> bool {
        std::fs::read_link(&self.link).is_ok_and(|socket| socket.as_os_str() == self.socket)
    }
}

/// The owners of sockets, as far as this process is permitted to see them.
#[derive(Debug, Default)]
pub(crate) struct SocketOwners {
    by_inode: HashMap<u64, Vec<SocketOwner>>,
    /// The sockets whose owners were searched for.
    searched: HashSet<u64>,
    /// Whether the files of some process could not be read.
    is_incomplete: bool,
}

impl SocketOwners {
    /// Finds the owners of `inodes` in one pass over the open files of all processes.
    pub(crate) fn read(proc: &Path, processes: &Processes, inodes: HashSet<u64>) -> Self {
        let mut owners = Self { searched: inodes, ..Self::default() };
        for pid in processes.pids() {
            match std::fs::read_dir(proc.join(pid.to_string()).join("fd")) {
                Ok(entries) => entries.flatten().for_each(|entry| owners.add(pid, entry.path())),
                Err(error) => owners.is_incomplete |= error.kind() == ErrorKind::PermissionDenied,
            }
        }
        owners
    }

    /// Whether `inodes` were among those whose owners were searched for.
    pub(crate) fn has_searched(&self, inodes: &[u64]) -> bool {
        inodes.iter().all(|inode| self.searched.contains(inode))
    }

    fn add(&mut self, pid: u32, link: PathBuf) {
        // It may have been closed in the meantime.
        let Ok(socket) = std::fs::read_link(&link).map(PathBuf::into_os_string) else { return };
        let inode = socket.to_str().and_then(|socket| socket.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok());
        if let Some(inode) = inode.filter(|inode| self.searched.contains(inode)) {
            self.by_inode.entry(inode).or_default().push(SocketOwner { pid, link, socket });
        }
    }

    /// The owners of `inodes`.
    ///
    /// # Errors
    /// If no owner is visible.
    pub(crate) fn of(&self, inodes: &[u64]) -> Result<Vec<&SocketOwner>, AttributionFailure> {
        let owners: Vec<&SocketOwner> = inodes.iter().filter_map(|inode| self.by_inode.get(inode)).flatten().collect();
        match (owners.is_empty(), self.is_incomplete) {
            (false, _) => Ok(owners),
            (true, true) => Err(AttributionFailure::NoPermission),
            (true, false) => Err(AttributionFailure::OtherNamespace),
        }
    }
}

/// The roots of the process trees that the socket owners `owners` belong to.
///
/// # Errors
/// If one of them only forwards connections.
pub(crate) fn tree_roots(processes: &Processes, owners: &BTreeSet<u32>) -> Result<Vec<u32>, AttributionFailure> {
    let mut roots = BTreeSet::new();
    for pid in owners {
        let Some(owner) = processes.get(*pid) else { continue };
        if FORWARDERS.contains(&&*owner.name) {
            return Err(AttributionFailure::Forwarded);
        }
        // A socket that was inherited belongs to the process that opened it.
        let first = processes.ancestors(*pid).filter(|ancestor| owners.contains(&ancestor.pid)).last().unwrap_or(owner);
        let parent = processes.get(first.parent).filter(|parent| parent.pid > 1);
        let is_launched = |name: &str| LAUNCHERS.contains(&name) || first.name.starts_with(API_SERVERS);
        roots.insert(parent.filter(|parent| is_launched(&parent.name)).unwrap_or(first).pid);
    }
    // One root may be a descendant of another.
    let is_topmost = |pid: &u32| !processes.ancestors(*pid).any(|ancestor| roots.contains(&ancestor.pid));
    let topmost: Vec<u32> = roots.iter().copied().filter(is_topmost).collect();
    if topmost.is_empty() { Err(AttributionFailure::NoListener) } else { Ok(topmost) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processes::tree::Process;

    fn processes(all: &[(u32, u32, &str)]) -> Processes {
        let process = |(pid, parent, name): &(u32, u32, &str)| Process {
            pid: *pid,
            parent: *parent,
            name: (*name).to_owned(),
            start: 0,
            cpu_seconds: 0.0,
            ended_cpu_seconds: 0.0,
            resident_pages: 0,
        };
        all.iter().map(process).collect()
    }

    #[test]
    fn a_socket_that_is_newer_than_the_search_has_not_been_searched_for() {
        let proc = tempfile::tempdir().expect("a folder");
        let fd = proc.path().join("10/fd");
        std::fs::create_dir_all(&fd).expect("a folder");
        for (number, socket) in [(3, "socket:[101]"), (4, "socket:[102]")] {
            std::os::unix::fs::symlink(socket, fd.join(number.to_string())).expect("a link");
        }
        let owners = SocketOwners::read(proc.path(), &processes(&[(10, 1, "vllm")]), [101, 103].into());
        assert_eq!(owners.of(&[101]).expect("an owner")[0].pid, 10);
        assert_eq!(owners.of(&[103]).err(), Some(AttributionFailure::OtherNamespace));
        assert!(owners.has_searched(&[101, 103]) && !owners.has_searched(&[101, 102]));
    }

    #[test]
    fn the_root_is_the_listener_or_the_launcher_of_its_replica() {
        let all = processes(&[
            (1, 0, "systemd"),
            (10, 1, "bash"),
            (11, 10, "vllm"),
            (12, 11, "VLLM::EngineCor"),
            (20, 1, "text-generation"),
            (21, 20, "text-generation"),
            (22, 20, "python3"),
            (30, 10, "python3"),
            (31, 30, "VLLM::ApiServer"),
            (32, 30, "VLLM::ApiServer"),
            (33, 30, "VLLM::EngineCor"),
            (40, 1, "gunicorn"),
            (41, 40, "gunicorn"),
            (50, 1, "docker-proxy"),
        ]);
        let roots = |owners: &[u32]| tree_roots(&all, &owners.iter().copied().collect());
        assert_eq!(roots(&[11]), Ok(vec![11]));
        assert_eq!(roots(&[21]), Ok(vec![20]), "shards are beside the router");
        assert_eq!(roots(&[31, 32]), Ok(vec![30]), "the engine is beside the servers");
        assert_eq!(roots(&[40, 41]), Ok(vec![40]), "workers share the socket");
        assert_eq!(roots(&[50]), Err(AttributionFailure::Forwarded));
        assert_eq!(roots(&[99]), Err(AttributionFailure::NoListener), "it has ended");
    }
}
