//! Which processes of this machine stand behind a target, and what they use: the target's port leads to a socket, the
//! socket to its process, and that to a tree.
//!
//! What is told are series of the target, see [`Told`]. Where the way is blocked, that is told with a reason and nothing
//! else: no number is better than another process's.
pub mod age_cache;
pub mod cpu_total;
pub mod limits;
pub mod listeners;
pub mod memory;
pub mod probe;
pub mod socket_owners;
pub mod tracker;
pub mod tree;

use crate::processes::age_cache::Recent;
use crate::processes::listeners::{Listener, listeners};
use crate::processes::probe::Watch;
use crate::processes::socket_owners::Holders;
use crate::processes::tracker::Tracker;
use crate::processes::tree::Processes;
use crate::sources::gpus::Gpus;
use crate::sources::host::{Roots, read_file};
use crate::target::Endpoint;
use reqwest::Url;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// How old what is searched may be: a search reads all that all processes have open, and serves all targets that search.
const SEARCH_AGE: Duration = Duration::from_millis(200);

/// Looks at a time: each waits for files of the kernel on a thread of its own, and one that hangs leaves the others theirs.
const MOST_LOOKS: usize = 4;

/// What all targets share that are attributed.
#[derive(Debug)]
pub struct Attribution {
    roots: Roots,
    gpus: Option<Gpus>,
    /// The machine's name, under which targets may go.
    host: Option<String>,
    processes: Recent<Processes>,
    listeners: Recent<Vec<Listener>>,
    holders: Recent<Holders>,
    /// What each target claims, by its key.
    claims: Mutex<BTreeMap<String, Claim>>,
    looks: Arc<Semaphore>,
}

/// What no two targets may be told of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Claim {
    /// The processes at the top of its trees.
    tops: Vec<u32>,
    /// The group whose limit is told.
    limited: Vec<PathBuf>,
}

impl Attribution {
    /// Attribution on the machine at `roots` that goes by the name `host`.
    pub fn new(roots: Roots, gpus: Option<Gpus>, host: Option<String>) -> Self {
        Self {
            roots,
            gpus,
            host,
            processes: Recent::default(),
            listeners: Recent::default(),
            holders: Recent::default(),
            claims: Mutex::default(),
            looks: Arc::new(Semaphore::new(MOST_LOOKS)),
        }
    }

    /// What will look for the processes behind `endpoint`; none where it is not on this machine.
    pub(crate) fn watch(self: &Arc<Self>, endpoint: &Endpoint) -> Option<Watch> {
        let (addresses, port) = (self.addresses(&endpoint.url)?, endpoint.url.port_or_known_default()?);
        let tracker = Tracker::new(Arc::clone(self), endpoint.url.as_str().to_owned(), addresses, port);
        Some(Watch::new(tracker, Arc::clone(&self.looks)))
    }

    /// The addresses of this machine that a URL means; none for other machines.
    fn addresses(&self, url: &Url) -> Option<Vec<IpAddr>> {
        let host = url.host_str()?.trim_start_matches('[').trim_end_matches(']');
        if host == "localhost" || Some(host) == self.host.as_deref() {
            return Some(vec![[127, 0, 0, 1].into(), [0, 0, 0, 0, 0, 0, 0, 1].into()]);
        }
        host.parse::<IpAddr>().ok().filter(IpAddr::is_loopback).map(|address| vec![address])
    }

    /// All processes, as they were at most `age` ago.
    fn processes(&self, age: Duration) -> Arc<Processes> {
        self.processes.get(age, || Processes::read(&self.roots.proc))
    }

    /// All sockets that listen.
    fn listeners(&self) -> Arc<Vec<Listener>> {
        self.listeners.get(SEARCH_AGE, || {
            let tables =
                ["net/tcp", "net/tcp6"].map(|table| read_file(&self.roots.proc.join(table)).unwrap_or_default());
            listeners(tables.iter().map(String::as_str))
        })
    }

    /// Who holds them.
    fn holders(&self, processes: &Processes) -> Arc<Holders> {
        self.holders.get(SEARCH_AGE, || {
            let inodes = self.listeners().iter().map(Listener::inode).collect();
            Holders::read(&self.roots.proc, processes, &inodes)
        })
    }

    /// Lets the target `key` claim what it is told of. Gives whether another has the same processes, and whether another
    /// is within the same limited group.
    fn claim(&self, key: &str, claim: Claim) -> (bool, bool) {
        let mut claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        let others = || claims.iter().filter(|(other, _)| *other != key);
        // Of several targets of one process the first by name is told of it, whichever asks first.
        let is_taken = others()
            .any(|(other, theirs)| other.as_str() < key && theirs.tops.iter().any(|top| claim.tops.contains(top)));
        let is_shared = others().any(|(_, theirs)| theirs.limited.iter().any(|group| claim.limited.contains(group)));
        claims.insert(key.to_owned(), claim);
        (is_taken, is_shared)
    }

    fn release(&self, key: &str) {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribution(host: &str) -> Attribution {
        let roots = Roots { proc: "/proc".into(), sys: "/sys".into(), root: None };
        Attribution::new(roots, None, Some(host.into()))
    }

    #[test]
    fn targets_of_this_machine_are_those_on_loopback_and_by_its_name() {
        let attribution = attribution("gpubox-1");
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

    #[test]
    fn one_process_is_told_to_one_target_and_a_shared_limit_to_none() {
        let attribution = attribution("h");
        let claim = |tops: &[u32], limited: &[&str]| Claim {
            tops: tops.to_vec(),
            limited: limited.iter().map(PathBuf::from).collect(),
        };
        assert_eq!(attribution.claim("b", claim(&[7], &["/limited"])), (false, false));
        assert_eq!(attribution.claim("a", claim(&[7], &[])), (false, false), "the first by name, though it came later");
        assert_eq!(attribution.claim("b", claim(&[7], &["/limited"])), (true, false));
        assert_eq!(attribution.claim("c", claim(&[8], &["/limited"])), (false, true));
        attribution.release("a");
        attribution.release("c");
        assert_eq!(attribution.claim("b", claim(&[7], &["/limited"])), (false, false));
    }
}
