//! Following the processes of one target.
use super::hardware::{Allowance, tell_gpus};
use super::ledger::Ledger;
use super::listeners::inodes;
use super::memory::Memory;
use super::owners::{holders, holds, tops};
use super::processes::{Process, Processes};
use super::{Attribution, Blocked, Claim};
use crate::collect::read_file;
use crate::scrape::Told;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const ATTRIBUTED: &str = "inferboard_replica_attributed";

/// How long a search of all processes that found nothing is not done again, unless the socket is another.
const REST: Duration = Duration::from_secs(10);

/// How old the shape of a tree may be. A child that is not known yet is counted in full when it is.
const TREE_AGE: Duration = Duration::from_secs(2);

/// How old the list of processes may be that a socket is looked for in.
const SEARCH_AGE: Duration = Duration::from_millis(200);

/// The processes of one target, looked for on this machine.
#[derive(Debug)]
pub(super) struct Tracker {
    attribution: Arc<Attribution>,
    key: String,
    addresses: Vec<IpAddr>,
    port: u16,
    found: Option<Found>,
    /// Sockets whose holders were looked for in vain, why, and when.
    missed: Option<(Vec<u64>, Blocked, Instant)>,
}

/// The processes while they are the same.
#[derive(Debug)]
struct Found {
    /// One that holds a socket, and when it started; the socket as a link to it reads.
    holder: (u32, u64),
    links: Vec<String>,
    tops: Vec<u32>,
    ledger: Ledger,
    memory: Memory,
}

impl Tracker {
    pub(super) fn new(attribution: Arc<Attribution>, key: String, addresses: Vec<IpAddr>, port: u16) -> Self {
        Self { attribution, key, addresses, port, found: None, missed: None }
    }

    /// What is to be told of the target's processes now.
    pub(super) fn look(&mut self) -> Vec<Told> {
        match self.try_look() {
            Ok(told) => told,
            Err(blocked) => {
                self.attribution.release(&self.key);
                blocked_told(blocked)
            }
        }
    }

    fn try_look(&mut self) -> Result<Vec<Told>, Blocked> {
        let attribution = Arc::clone(&self.attribution);
        let roots = &attribution.roots;
        let found = match self.found.take().filter(|found| found.is_same(&roots.proc)) {
            Some(found) => found,
            None => self.find()?,
        };
        let found = self.found.insert(found);
        let seen = attribution.processes(TREE_AGE);
        // Who belongs to the tree may be a little old; what they use is of now.
        let now =
            |process: &&Process| Process::read(&roots.proc, process.pid).filter(|fresh| fresh.start == process.start);
        let tree: Vec<Process> = seen.trees(&found.tops).iter().filter_map(now).collect();
        let allowance = found.tops.first().map(|top| Allowance::of(roots, *top)).unwrap_or_default();
        let claim = Claim { tops: found.tops.clone(), limited: allowance.groups.clone() };
        let (is_taken, is_shared) = attribution.claim(&self.key, claim);
        if is_taken {
            return Ok(blocked_told(Blocked::SameProcess));
        }
        let (memory_bytes, measure) = found.memory.update(&roots.proc, &tree);
        let mut told = vec![
            (ATTRIBUTED, Vec::new(), 1.0),
            ("inferboard_cpu_seconds_total", Vec::new(), found.ledger.update(&tree)),
            ("inferboard_memory_used_bytes", vec![("measure", measure.to_owned())], memory_bytes as f64),
        ];
        // A limit that several share is not the sum of theirs.
        if !is_shared {
            allowance.tell(&mut told);
        }
        if let Some(gpus) = &attribution.gpus {
            tell_gpus(&roots.proc, gpus, &tree, &mut told);
        }
        Ok(told)
    }
}

impl Tracker {
    fn find(&mut self) -> Result<Found, Blocked> {
        let proc = &self.attribution.roots.proc;
        let tables = ["net/tcp", "net/tcp6"].map(|table| read_file(&proc.join(table)).unwrap_or_default());
        let inodes = inodes(tables.iter().map(String::as_str), &self.addresses, self.port);
        if inodes.is_empty() {
            return Err(Blocked::NoListener);
        }
        if let Some((known, blocked, when)) = &self.missed
            && *known == inodes
            && when.elapsed() < REST
        {
            return Err(*blocked);
        }
        match search(proc, &self.attribution.processes(SEARCH_AGE), &inodes) {
            Ok(found) => {
                self.missed = None;
                Ok(found)
            }
            Err(blocked) => {
                self.missed = Some((inodes, blocked, Instant::now()));
                Err(blocked)
            }
        }
    }
}

fn search(proc: &Path, processes: &Processes, inodes: &[u64]) -> Result<Found, Blocked> {
    let holders = holders(proc, processes, inodes)?;
    let holder = holders.iter().find_map(|pid| processes.get(*pid)).ok_or(Blocked::NoListener)?;
    Ok(Found {
        holder: (holder.pid, holder.start),
        links: inodes.iter().map(|inode| format!("socket:[{inode}]")).collect(),
        tops: tops(processes, &holders)?,
        ledger: Ledger::default(),
        memory: Memory::default(),
    })
}

impl Drop for Tracker {
    fn drop(&mut self) {
        self.attribution.release(&self.key);
    }
}

/// What is told where nothing else can be.
pub(super) fn blocked_told(blocked: Blocked) -> Vec<Told> {
    vec![(ATTRIBUTED, vec![("reason", blocked.reason().to_owned())], 0.0)]
}

impl Found {
    /// Whether the same process still holds the socket: cheaper to see than to search again.
    fn is_same(&self, proc: &Path) -> bool {
        let (pid, start) = self.holder;
        Process::read(proc, pid).is_some_and(|process| process.start == start)
            && holds(proc, pid, &self.links).unwrap_or(false)
    }
}
