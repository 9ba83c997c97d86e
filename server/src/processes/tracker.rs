//! Tracks the processes of one target.
use crate::processes::Attribution;
use crate::processes::claims::{Claim, ClaimOutcome};
use crate::processes::cpu_total::CpuTotal;
use crate::processes::gpu_use::gpu_samples;
use crate::processes::limits::ResourceLimits;
use crate::processes::listeners::{Listener, inodes};
use crate::processes::listening::{Listening, ServerId};
use crate::processes::memory::{MemoryUse, TreeMemory};
use crate::processes::socket_owners::{SocketOwner, tree_roots};
use crate::processes::tree::{Process, ProcessKey, Processes};
use crate::sources::host::{HostPaths, TICKS_PER_SECOND, read_file};
use crate::target::extra_sample::ExtraSample;
use catalogue::contract::{AttributionFailure, names};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// The minimum time between two searches that fail for the same sockets, and between two readings of the limits.
const RETRY_INTERVAL: Duration = Duration::from_secs(10);

/// How old the members of a tree may be. A child that is added later is still counted in full.
const MAX_TREE_AGE: Duration = Duration::from_secs(2);

/// Tracks the processes that listen at a target's address.
#[derive(Debug)]
pub(crate) struct ProcessTracker {
    attribution: Arc<Attribution>,
    key: String,
    addresses: Vec<IpAddr>,
    port: u16,
    trees: Option<TrackedTrees>,
    failed_search: Option<FailedSearch>,
    /// When the processes were last found to be attributed to another target.
    taken_at: Option<Instant>,
}

/// A search for the owners of sockets that failed.
#[derive(Debug)]
struct FailedSearch {
    inodes: Vec<u64>,
    failure: AttributionFailure,
    failed_at: Instant,
}

/// The process trees of a target, for as long as the same process owns the socket.
#[derive(Debug)]
struct TrackedTrees {
    /// One of the socket's owners, and when it started.
    owner: SocketOwner,
    owner_start: u64,
    roots: Vec<u32>,
    /// The first root, and when it started in Unix seconds.
    server: ProcessKey,
    server_start_s: Option<f64>,
    /// The members of the trees, and the processes that they were found among.
    members: Vec<Process>,
    found_among: Arc<Processes>,
    limits: ResourceLimits,
    limits_read_at: Instant,
    cpu: CpuTotal,
    memory: TreeMemory,
}

impl ProcessTracker {
    pub(crate) fn new(attribution: Arc<Attribution>, key: String, addresses: Vec<IpAddr>, port: u16) -> Self {
        Self { attribution, key, addresses, port, trees: None, failed_search: None, taken_at: None }
    }

    /// The samples about the target's processes.
    pub(crate) fn probe(&mut self) -> Vec<ExtraSample> {
        self.try_probe().unwrap_or_else(|failure| {
            self.attribution.claims.release(&self.key);
            failure_samples(failure)
        })
    }

    /// The samples of a recent failure that is likely to persist, which make a probe unnecessary.
    pub(crate) fn recent_failure(&self) -> Option<Vec<ExtraSample>> {
        let is_recent = self.taken_at.is_some_and(|taken_at| taken_at.elapsed() < RETRY_INTERVAL);
        is_recent.then(|| failure_samples(AttributionFailure::SameProcess))
    }

    /// What listens at the target's address: the process that was found to, as long as it has its socket, or else what the
    /// sockets told lately.
    pub(crate) fn listening(&self) -> Listening {
        self.listening_process().unwrap_or_else(|| self.listening_by_sockets(&self.attribution.recent_listeners()))
    }

    /// What listens at the target's address now. The process is searched for if it is not known: only processes tell a
    /// restart from a server that listens again.
    pub(crate) fn listening_now(&mut self) -> Listening {
        let listeners = self.attribution.listeners_now();
        let listening = self.listening_by_sockets(&listeners);
        if !matches!(listening.server(), Some(ServerId::Socket(_))) {
            return listening;
        }
        self.trees = self.search().ok();
        self.listening_by_sockets(&listeners)
    }

    fn listening_by_sockets(&self, listeners: &Option<Vec<Listener>>) -> Listening {
        let Some(listeners) = listeners else { return Listening::Unknown };
        let listening = Listening::of_sockets(listeners, &self.addresses, self.port);
        if listening.server().is_none() {
            return listening;
        }
        let is_forwarded = |failed: &FailedSearch| failed.failure == AttributionFailure::Forwarded;
        match self.listening_process() {
            Some(process) => process,
            // What forwards connections may live longer than the server.
            None if self.failed_search.as_ref().is_some_and(is_forwarded) => Listening::Unknown,
            None => listening,
        }
    }

    /// The process whose socket was found to listen, if it still has it.
    fn listening_process(&self) -> Option<Listening> {
        let trees = self.trees.as_ref().filter(|trees| trees.is_current(&self.attribution.paths.proc))?;
        Some(Listening::Server { id: ServerId::Process(trees.server), start_s: trees.server_start_s })
    }

    fn try_probe(&mut self) -> Result<Vec<ExtraSample>, AttributionFailure> {
        let attribution = Arc::clone(&self.attribution);
        let paths = &attribution.paths;
        let trees = match self.trees.take().filter(|trees| trees.is_current(&paths.proc)) {
            Some(trees) => trees,
            None => self.search()?,
        };
        let trees = self.trees.insert(trees);
        if trees.limits_read_at.elapsed() >= RETRY_INTERVAL {
            trees.read_limits(paths);
        }
        let claim = Claim { roots: trees.roots.clone(), limiting_groups: trees.limits.groups.clone() };
        let ClaimOutcome { is_taken, shares_limits } = attribution.claims.set(&self.key, &claim);
        self.taken_at = is_taken.then(Instant::now);
        if is_taken {
            return Ok(failure_samples(AttributionFailure::SameProcess));
        }
        let members = trees.update_members(&attribution);
        let MemoryUse { bytes, measure } = trees.memory.update(&paths.proc, &members);
        let mut samples = vec![
            ExtraSample::new(names::REPLICA_ATTRIBUTED, 1.0),
            ExtraSample::new(names::CPU_SECONDS_TOTAL, trees.cpu.update(&members)),
            ExtraSample::new(names::MEMORY_USED_BYTES, bytes as f64).with("measure", measure),
        ];
        // A limit that several targets share must not be added up.
        if !shares_limits {
            samples.extend(trees.limits.samples());
        }
        if let Some(gpus) = &attribution.gpus {
            samples.extend(gpu_samples(&paths.proc, &gpus.families(), &members));
        }
        Ok(samples)
    }

    fn search(&mut self) -> Result<TrackedTrees, AttributionFailure> {
        let listeners = self.attribution.recent_listeners();
        let inodes = inodes(listeners.as_deref().unwrap_or_default(), &self.addresses, self.port);
        if inodes.is_empty() {
            return Err(AttributionFailure::NoListener);
        }
        if let Some(failed) = &self.failed_search
            && failed.inodes == inodes
            && failed.failed_at.elapsed() < RETRY_INTERVAL
        {
            return Err(failed.failure);
        }
        let trees = TrackedTrees::find(&self.attribution, &inodes);
        let failure = trees.as_ref().err();
        self.failed_search =
            failure.map(|failure| FailedSearch { inodes, failure: *failure, failed_at: Instant::now() });
        trees
    }
}

impl Drop for ProcessTracker {
    fn drop(&mut self) {
        self.attribution.claims.release(&self.key);
    }
}

/// The samples of a target whose processes cannot be determined.
pub(crate) fn failure_samples(failure: AttributionFailure) -> Vec<ExtraSample> {
    vec![ExtraSample::new(names::REPLICA_ATTRIBUTED, 0.0).with("reason", failure.id())]
}

impl TrackedTrees {
    fn find(attribution: &Attribution, inodes: &[u64]) -> Result<Self, AttributionFailure> {
        let (processes, owners) = attribution.socket_owners(inodes);
        let owners = owners.of(inodes)?;
        let roots = tree_roots(&processes, &owners.iter().map(|owner| owner.pid).collect())?;
        let with_start = |owner: &&SocketOwner| Some(((*owner).clone(), processes.get(owner.pid)?.start));
        let (owner, owner_start) = owners.iter().find_map(with_start).ok_or(AttributionFailure::NoListener)?;
        let owner_key = ProcessKey { pid: owner.pid, start: owner_start };
        let server = roots.first().and_then(|root| processes.get(*root)).map_or(owner_key, Process::key);
        let mut trees = Self {
            server,
            server_start_s: start_s(&attribution.paths.proc, server.start),
            owner,
            owner_start,
            members: processes.trees(&roots).into_iter().cloned().collect(),
            found_among: processes,
            roots,
            limits: ResourceLimits::default(),
            limits_read_at: Instant::now(),
            cpu: CpuTotal::default(),
            memory: TreeMemory::default(),
        };
        trees.read_limits(&attribution.paths);
        Ok(trees)
    }

    /// Whether the same process still owns the socket, which is cheaper to check than to search again.
    fn is_current(&self, proc: &Path) -> bool {
        Process::read(proc, self.owner.pid).is_some_and(|process| process.start == self.owner_start)
            && self.owner.is_current()
    }

    fn read_limits(&mut self, paths: &HostPaths) {
        self.limits = self.roots.first().map(|root| ResourceLimits::read(paths, *root)).unwrap_or_default();
        self.limits_read_at = Instant::now();
    }

    /// The members as they are now. New members may appear with a short delay.
    fn update_members(&mut self, attribution: &Attribution) -> Vec<Process> {
        let processes = attribution.processes(MAX_TREE_AGE);
        if !Arc::ptr_eq(&processes, &self.found_among) {
            self.members = processes.trees(&self.roots).into_iter().cloned().collect();
            self.found_among = processes;
        }
        let now = |member: &Process| {
            Process::read(&attribution.paths.proc, member.pid).filter(|process| process.start == member.start)
        };
        self.members.iter().filter_map(now).collect()
    }
}

/// The Unix seconds of a time in clock ticks since boot.
fn start_s(proc: &Path, ticks: u64) -> Option<f64> {
    let uptime_s: f64 = read_file(&proc.join("uptime"))?.split_ascii_whitespace().next()?.parse().ok()?;
    let now_s = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs_f64();
    Some(now_s - uptime_s + ticks as f64 / TICKS_PER_SECOND)
}
