//! Finds the processes on this machine that serve a target, and the resources that they use: the target's port leads to a
//! socket, the socket to its owner, and the owner to a process tree.
//!
//! The result is a list of [`ExtraSample`](crate::target::extra_sample::ExtraSample)s. If any step fails, it contains only
//! the reason: no number is better than another process's.
pub mod age_cache;
pub mod claims;
pub mod cpu_total;
pub mod gpu_use;
pub mod inference_servers;
pub mod limits;
pub mod listeners;
pub mod listening;
pub mod memory;
pub mod probe;
pub mod socket_owners;
pub mod tracker;
pub mod tree;

use crate::processes::age_cache::AgeCache;
use crate::processes::claims::Claims;
use crate::processes::listeners::{Listener, parse_listeners};
use crate::processes::probe::ProcessProbe;
use crate::processes::socket_owners::SocketOwners;
use crate::processes::tracker::ProcessTracker;
use crate::processes::tree::Processes;
use crate::sources::gpus::Gpus;
use crate::sources::host::{HostPaths, read_file};
use crate::target::Endpoint;
use crate::threads::Threads;
use reqwest::Url;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// How old the data of a search may be. A search reads the open files of all processes, for all targets that need one.
const MAX_SEARCH_AGE: Duration = Duration::from_millis(200);

/// The kernel lists all sockets, open connections too. Where these are many, they are listed again only after so many times
/// the time that it took.
const MIN_SOCKETS_AGE_BY_COST: u32 = 20;

/// The number of concurrent probes. Each reads kernel files on a thread of its own, so that one that hangs does not block
/// the others.
const MAX_PROBES: usize = 4;

/// The number of threads for probes. A target whose files hang holds one of them.
const MAX_THREADS: usize = 64;

/// What all attributed targets share.
#[derive(Debug)]
pub struct Attribution {
    paths: HostPaths,
    gpus: Option<Gpus>,
    /// The machine's name, which may be part of a target's URL.
    host_name: Option<String>,
    processes: AgeCache<Processes>,
    listeners: AgeCache<Option<Vec<Listener>>>,
    owners: AgeCache<SocketOwners>,
    claims: Claims,
    probe_permits: Arc<Semaphore>,
    threads: Threads,
}

impl Attribution {
    /// Attribution on the machine at `paths`, which is called `host_name`.
    pub fn new(paths: HostPaths, gpus: Option<Gpus>, host_name: Option<String>) -> Self {
        Self {
            paths,
            gpus,
            host_name,
            processes: AgeCache::default(),
            listeners: AgeCache::default(),
            owners: AgeCache::default(),
            claims: Claims::default(),
            probe_permits: Arc::new(Semaphore::new(MAX_PROBES)),
            threads: Threads::new("processes", MAX_THREADS),
        }
    }

    /// A probe for the processes behind `endpoint`; none if it is not on this machine.
    pub(crate) fn probe(self: &Arc<Self>, endpoint: &Endpoint) -> Option<ProcessProbe> {
        let (addresses, port) = (self.addresses(&endpoint.url)?, endpoint.url.port_or_known_default()?);
        let tracker = ProcessTracker::new(Arc::clone(self), endpoint.url.as_str().to_owned(), addresses, port);
        Some(ProcessProbe::new(tracker, Arc::clone(&self.probe_permits), self.threads.clone()))
    }

    /// Where inference servers listen on this machine, by their processes. This reads files of the kernel.
    pub(crate) fn inference_servers(&self) -> Vec<SocketAddr> {
        let listeners = self.recent_listeners();
        let listeners = listeners.as_deref().unwrap_or_default();
        let inodes: Vec<u64> = listeners.iter().map(Listener::inode).collect();
        let (processes, owners) = self.socket_owners(&inodes);
        inference_servers::inference_servers(&self.paths.proc, listeners, &processes, &owners)
    }

    /// The local addresses that a URL refers to; none if it refers to another machine.
    fn addresses(&self, url: &Url) -> Option<Vec<IpAddr>> {
        let host = url.host_str()?.trim_start_matches('[').trim_end_matches(']');
        if host == "localhost" || Some(host) == self.host_name.as_deref() {
            return Some(vec![[127, 0, 0, 1].into(), [0, 0, 0, 0, 0, 0, 0, 1].into()]);
        }
        host.parse::<IpAddr>().ok().filter(IpAddr::is_loopback).map(|address| vec![address])
    }

    /// All processes, at most `max_age` old.
    fn processes(&self, max_age: Duration) -> Arc<Processes> {
        self.processes.get(max_age, || Processes::read(&self.paths.proc))
    }

    /// The listening sockets as they were lately; none if they cannot be read.
    fn recent_listeners(&self) -> Arc<Option<Vec<Listener>>> {
        self.listeners.get_seldom(MAX_SEARCH_AGE, MIN_SOCKETS_AGE_BY_COST, || self.read_listeners())
    }

    /// The listening sockets as they are now; none if they cannot be read.
    fn listeners_now(&self) -> Arc<Option<Vec<Listener>>> {
        self.listeners.get(Duration::ZERO, || self.read_listeners())
    }

    fn read_listeners(&self) -> Option<Vec<Listener>> {
        let [tcp, tcp6] = ["net/tcp", "net/tcp6"].map(|table| read_file(&self.paths.proc.join(table)));
        // Without IPv6 there is no second table.
        Some(parse_listeners([tcp?.as_str(), &tcp6.unwrap_or_default()]))
    }

    /// All processes, and the owners of all listening sockets. If `inodes` are newer than what is cached, both are as new.
    fn socket_owners(&self, inodes: &[u64]) -> (Arc<Processes>, Arc<SocketOwners>) {
        let search = |max_age| {
            let processes = self.processes(max_age);
            let owners = self.owners.get(max_age, || {
                let listeners = self.recent_listeners();
                let listening = listeners.iter().flatten().map(Listener::inode);
                SocketOwners::read(&self.paths.proc, &processes, listening.chain(inodes.iter().copied()).collect())
            });
            (processes, owners)
        };
        let (processes, owners) = search(MAX_SEARCH_AGE);
        if owners.has_searched(inodes) { (processes, owners) } else { search(Duration::ZERO) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_targets_are_on_loopback_or_have_the_machines_name() {
        let paths = HostPaths { proc: "/proc".into(), sys: "/sys".into(), root: None };
        let attribution = Attribution::new(paths, None, Some("gpubox-1".into()));
        let count =
            |url: &str| attribution.addresses(&url.parse().expect("a URL")).map_or(0, |addresses| addresses.len());
        for (url, expected) in [
            ("http://127.0.0.1:8000/metrics", 1),
            ("http://127.8.0.1:8000/metrics", 1),
            ("http://[::1]:8000/metrics", 1),
            ("http://localhost:8000/metrics", 2),
            ("http://gpubox-1:8000/metrics", 2),
            ("http://gpubox-2:8000/metrics", 0),
            ("http://10.0.0.1:8000/metrics", 0),
        ] {
            assert_eq!(count(url), expected, "{url}");
        }
    }
}
