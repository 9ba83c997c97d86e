//! Following the processes of one target.
use crate::processes::cpu_total::Ledger;
use crate::processes::limits::{Allowance, tell_gpus};
use crate::processes::listeners::inodes;
use crate::processes::memory::Memory;
use crate::processes::socket_owners::{Holder, tops};
use crate::processes::tree::{Process, Processes};
use crate::processes::{Attribution, Claim, SEARCH_AGE};
use crate::scrape::engine_detection::Told;
use crate::sources::host::Roots;
use catalogue::contract::{AttributionFailure, names};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a search of all processes that found nothing is not done again, unless the socket is another.
const REST: Duration = Duration::from_secs(10);

/// How old the shape of a tree may be. A child that is not known yet is counted in full when it is.
const TREE_AGE: Duration = Duration::from_secs(2);

/// The processes of one target, looked for on this machine.
#[derive(Debug)]
pub(crate) struct Tracker {
    attribution: Arc<Attribution>,
    key: String,
    addresses: Vec<IpAddr>,
    port: u16,
    found: Option<Found>,
    /// Sockets whose holders were looked for in vain, why, and when.
    missed: Option<(Vec<u64>, AttributionFailure, Instant)>,
    /// When another target was found to be told of the same process.
    taken: Option<Instant>,
}

/// The processes while they are the same.
#[derive(Debug)]
struct Found {
    /// One that holds the socket, and when it started.
    holder: Holder,
    start: u64,
    tops: Vec<u32>,
    /// Who belongs to the trees, and what that was read from.
    tree: Vec<Process>,
    seen: Arc<Processes>,
    allowance: Allowance,
    allowed_at: Instant,
    ledger: Ledger,
    memory: Memory,
}

impl Tracker {
    pub(crate) fn new(attribution: Arc<Attribution>, key: String, addresses: Vec<IpAddr>, port: u16) -> Self {
        Self { attribution, key, addresses, port, found: None, missed: None, taken: None }
    }

    /// What is to be told of the target's processes now.
    pub(crate) fn look(&mut self) -> Vec<Told> {
        match self.try_look() {
            Ok(told) => told,
            Err(blocked) => {
                self.attribution.release(&self.key);
                blocked_told(blocked)
            }
        }
    }

    /// What is to be told without a look, while there is no use in one.
    pub(crate) fn told_at_rest(&self) -> Option<Vec<Told>> {
        self.taken.filter(|when| when.elapsed() < REST).map(|_| blocked_told(AttributionFailure::SameProcess))
    }

    fn try_look(&mut self) -> Result<Vec<Told>, AttributionFailure> {
        let attribution = Arc::clone(&self.attribution);
        let roots = &attribution.roots;
        let found = match self.found.take().filter(|found| found.is_same(&roots.proc)) {
            Some(found) => found,
            None => self.find()?,
        };
        let found = self.found.insert(found);
        if found.allowed_at.elapsed() >= REST {
            found.allow(roots);
        }
        let claim = Claim { tops: found.tops.clone(), limited: found.allowance.groups.clone() };
        let (is_taken, is_shared) = attribution.claim(&self.key, claim);
        self.taken = is_taken.then(Instant::now);
        if is_taken {
            return Ok(blocked_told(AttributionFailure::SameProcess));
        }
        let tree = found.tree(&attribution);
        let (memory_bytes, measure) = found.memory.update(&roots.proc, &tree);
        let mut told = vec![
            (names::REPLICA_ATTRIBUTED, Vec::new(), 1.0),
            (names::CPU_SECONDS_TOTAL, Vec::new(), found.ledger.update(&tree)),
            (names::MEMORY_USED_BYTES, vec![("measure", measure.to_owned())], memory_bytes as f64),
        ];
        // A limit that several share is not the sum of theirs.
        if !is_shared {
            found.allowance.tell(&mut told);
        }
        if let Some(gpus) = &attribution.gpus {
            tell_gpus(&roots.proc, gpus, &tree, &mut told);
        }
        Ok(told)
    }

    fn find(&mut self) -> Result<Found, AttributionFailure> {
        let inodes = inodes(&self.attribution.listeners(), &self.addresses, self.port);
        if inodes.is_empty() {
            return Err(AttributionFailure::NoListener);
        }
        if let Some((known, blocked, when)) = &self.missed
            && *known == inodes
            && when.elapsed() < REST
        {
            return Err(*blocked);
        }
        let found = Found::new(&self.attribution, &inodes);
        self.missed = found.as_ref().err().map(|blocked| (inodes, *blocked, Instant::now()));
        found
    }
}

impl Drop for Tracker {
    fn drop(&mut self) {
        self.attribution.release(&self.key);
    }
}

/// What is told where nothing else can be.
pub(crate) fn blocked_told(blocked: AttributionFailure) -> Vec<Told> {
    vec![(names::REPLICA_ATTRIBUTED, vec![("reason", blocked.id().to_owned())], 0.0)]
}

impl Found {
    fn new(attribution: &Attribution, inodes: &[u64]) -> Result<Self, AttributionFailure> {
        let processes = attribution.processes(SEARCH_AGE);
        let holders = attribution.holders(&processes);
        let holders = holders.of(inodes)?;
        let tops = tops(&processes, &holders.iter().map(|holder| holder.pid).collect())?;
        let with_start = |holder: &&Holder| Some(((*holder).clone(), processes.get(holder.pid)?.start));
        let (holder, start) = holders.iter().find_map(with_start).ok_or(AttributionFailure::NoListener)?;
        let mut found = Self {
            holder,
            start,
            tree: processes.trees(&tops).into_iter().cloned().collect(),
            seen: processes,
            tops,
            allowance: Allowance::default(),
            allowed_at: Instant::now(),
            ledger: Ledger::default(),
            memory: Memory::default(),
        };
        found.allow(&attribution.roots);
        Ok(found)
    }

    /// Whether the same process still holds the socket: cheaper to see than to search again.
    fn is_same(&self, proc: &Path) -> bool {
        Process::read(proc, self.holder.pid).is_some_and(|process| process.start == self.start) && self.holder.is_same()
    }

    /// Reads the limits again.
    fn allow(&mut self, roots: &Roots) {
        self.allowance = self.tops.first().map(|top| Allowance::of(roots, *top)).unwrap_or_default();
        self.allowed_at = Instant::now();
    }

    /// The processes as they are now. Who belongs to them may be a little old.
    fn tree(&mut self, attribution: &Attribution) -> Vec<Process> {
        let seen = attribution.processes(TREE_AGE);
        if !Arc::ptr_eq(&seen, &self.seen) {
            self.tree = seen.trees(&self.tops).into_iter().cloned().collect();
            self.seen = seen;
        }
        let now = |process: &Process| {
            Process::read(&attribution.roots.proc, process.pid).filter(|fresh| fresh.start == process.start)
        };
        self.tree.iter().filter_map(now).collect()
    }
}
