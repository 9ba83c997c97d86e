//! From a listening socket to the processes at the top of what serves it.
use crate::processes::tree::Processes;
use catalogue::contract::AttributionFailure;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Programs that listen for others and pass everything on: to a container, a virtual machine, another host. Cut to the
/// fifteen bytes that the kernel keeps.
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

/// Programs that start the one that listens and others beside it that belong to the same replica: TGI's launcher starts
/// the router and the model's shards.
const LAUNCHERS: [&str; 1] = ["text-generation"];

/// What vLLM calls the processes that listen when there are several; their parent has started the engine too.
const API_SERVERS: &str = "VLLM::ApiServer";

/// A place where a process holds a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) pid: u32,
    /// The link to the socket, and what it reads.
    link: PathBuf,
    socket: OsString,
}

impl Holder {
    /// Whether it is as it was.
    pub(crate) fn is_same(&self) -> bool {
        std::fs::read_link(&self.link).is_ok_and(|socket| socket.as_os_str() == self.socket)
    }
}

/// All sockets that processes hold, as far as that may be seen.
#[derive(Debug, Default)]
pub(crate) struct Holders {
    by_inode: HashMap<u64, Vec<Holder>>,
    is_refused: bool,
}

impl Holders {
    /// Those of `inodes`: one pass over all that all processes have open.
    pub(crate) fn read(proc: &Path, processes: &Processes, inodes: &HashSet<u64>) -> Self {
        let mut holders = Self::default();
        for pid in processes.pids() {
            match std::fs::read_dir(proc.join(pid.to_string()).join("fd")) {
                Ok(entries) => entries.flatten().for_each(|entry| holders.see(pid, entry.path(), inodes)),
                Err(error) => holders.is_refused |= error.kind() == ErrorKind::PermissionDenied,
            }
        }
        holders
    }

    fn see(&mut self, pid: u32, link: PathBuf, inodes: &HashSet<u64>) {
        // It may have been closed meanwhile.
        let Ok(socket) = std::fs::read_link(&link).map(PathBuf::into_os_string) else { return };
        let inode = socket.to_str().and_then(|socket| socket.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok());
        if let Some(inode) = inode.filter(|inode| inodes.contains(inode)) {
            self.by_inode.entry(inode).or_default().push(Holder { pid, link, socket });
        }
    }

    /// Those that hold one of `inodes`.
    ///
    /// # Errors
    /// Where there are none that may be seen.
    pub(crate) fn of(&self, inodes: &[u64]) -> Result<Vec<&Holder>, AttributionFailure> {
        let found: Vec<&Holder> = inodes.iter().filter_map(|inode| self.by_inode.get(inode)).flatten().collect();
        match (found.is_empty(), self.is_refused) {
            (false, _) => Ok(found),
            (true, true) => Err(AttributionFailure::NoPermission),
            (true, false) => Err(AttributionFailure::OtherNamespace),
        }
    }
}

/// The processes at the top of the trees that `holders` belong to.
///
/// # Errors
/// Where one of them only passes on what it receives.
pub(crate) fn tops(processes: &Processes, holders: &BTreeSet<u32>) -> Result<Vec<u32>, AttributionFailure> {
    let mut tops = BTreeSet::new();
    for pid in holders {
        let Some(holder) = processes.get(*pid) else { continue };
        if FORWARDERS.contains(&&*holder.name) {
            return Err(AttributionFailure::Forwarded);
        }
        // A socket that was passed on to children belongs to the one that had it first.
        let first =
            processes.ancestors(*pid).filter(|ancestor| holders.contains(&ancestor.pid)).last().unwrap_or(holder);
        let parent = processes.get(first.parent).filter(|parent| parent.pid > 1);
        let is_launched = |name: &str| LAUNCHERS.contains(&name) || first.name.starts_with(API_SERVERS);
        tops.insert(parent.filter(|parent| is_launched(&parent.name)).unwrap_or(first).pid);
    }
    // The top of one may be below that of another.
    let is_topmost = |pid: &u32| !processes.ancestors(*pid).any(|ancestor| tops.contains(&ancestor.pid));
    let topmost: Vec<u32> = tops.iter().copied().filter(is_topmost).collect();
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
    fn the_top_is_the_listener_or_what_launched_it_with_others() {
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
        let top = |holders: &[u32]| tops(&all, &holders.iter().copied().collect());
        assert_eq!(top(&[11]), Ok(vec![11]));
        assert_eq!(top(&[21]), Ok(vec![20]), "shards are beside the router");
        assert_eq!(top(&[31, 32]), Ok(vec![30]), "the engine is beside the servers");
        assert_eq!(top(&[40, 41]), Ok(vec![40]), "workers share the socket");
        assert_eq!(top(&[50]), Err(AttributionFailure::Forwarded));
        assert_eq!(top(&[99]), Err(AttributionFailure::NoListener), "it ended meanwhile");
    }
}
