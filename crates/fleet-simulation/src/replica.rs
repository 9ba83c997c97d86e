//! One replica: from its creation through the phases of its start to its end, with its process and its GPUs.
use crate::batch::{Batch, Hardware, Role};
use crate::counts::{Counts, Outcome};
use crate::dialects::{EngineKind, Process};
use crate::gpu::{Gpu, GpuLoad, GpuModel};
use crate::page::Schema;
use crate::random::Random;
use crate::traffic::Request;
use catalogue::contract::{ReplicaState, RestartReason};
use std::sync::Arc;

/// What the replicas of a pool have in common.
#[derive(Clone, Debug)]
pub(crate) struct ReplicaSpec {
    pub(crate) role: Role,
    pub(crate) hardware: Hardware,
    pub(crate) gpu: GpuModel,
    pub(crate) gpus: usize,
    /// Seconds that it takes to load the weights.
    pub(crate) load_s: f64,
    pub(crate) max_model_len: f64,
    /// Memory of the process, in bytes.
    pub(crate) memory_bytes: f64,
}

/// The version of what a replica runs.
#[derive(Clone, Debug)]
pub(crate) struct Deployment {
    pub(crate) name: Arc<str>,
    pub(crate) engine: EngineKind,
    /// A factor of the time of each step.
    pub(crate) slowdown: f64,
}

/// What incidents do to a replica at the moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Disturbance {
    pub(crate) slowdown: f64,
    pub(crate) is_stuck: bool,
    pub(crate) is_unreachable: bool,
    /// How long after its start the container exceeds its memory limit, if it does, in seconds.
    pub(crate) runs_out_of_memory_s: Option<f64>,
    /// A factor of the time to load the weights.
    pub(crate) start: f64,
}

impl Disturbance {
    pub(crate) const NONE: Self =
        Self { slowdown: 1.0, is_stuck: false, is_unreachable: false, runs_out_of_memory_s: None, start: 1.0 };
}

/// A replica.
#[derive(Clone, Debug)]
pub(crate) struct Replica {
    pub(crate) name: String,
    /// The address of its machine.
    pub(crate) host: String,
    pub(crate) hostname: String,
    pub(crate) deployment: Deployment,
    pub(crate) state: ReplicaState,
    /// When the state ends by itself, in seconds since the simulation began.
    state_ends_s: f64,
    created_s: f64,
    /// How long it took to be ready, from its creation or its last restart.
    pub(crate) ready_s: Option<f64>,
    /// In the order of [`RestartReason::ALL`].
    pub(crate) restarts: [u32; 4],
    /// Whether it gets no more requests, and since when.
    pub(crate) drains_since_s: Option<f64>,
    pub(crate) running: Option<Running>,
    pub(crate) gpus: Vec<Gpu>,
    pub(crate) disturbance: Disturbance,
    /// What its earlier processes have ended.
    before: Outcome,
    /// Seconds of GPU time that the GPUs have seen: decoding and prefill.
    seen: (f64, f64),
    pub(crate) schemas: Schemas,
}

/// The series of the pages about a replica, as far as they have been made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schemas {
    /// Its own page, for its present process.
    pub(crate) page: Option<Arc<Schema>>,
    pub(crate) machine: Option<Arc<Schema>>,
    /// Its part of the cluster's page, before it is ready and afterwards.
    pub(crate) pod: [Option<Arc<Schema>>; 2],
    /// Its part of a hosted endpoint's page.
    pub(crate) endpoint: Option<Arc<Schema>>,
}

/// The process of a replica that serves.
#[derive(Clone, Debug)]
pub(crate) struct Running {
    pub(crate) batch: Batch,
    pub(crate) counts: Counts,
    /// In seconds since the simulation began.
    pub(crate) started_s: f64,
    startup_s: f64,
    weights_s: f64,
}

/// How long clients wait for a request to be scheduled.
const PATIENCE_S: f64 = 60.0;

/// How long a replica may take for its last requests.
const MAX_DRAIN_S: f64 = 120.0;

impl Replica {
    /// A replica that has just been created.
    pub(crate) fn new(
        (name, host, hostname): (String, String, String),
        deployment: &Deployment,
        spec: &ReplicaSpec,
        now_s: f64,
        random: &mut Random,
    ) -> Self {
        // One in five needs a new machine.
        let pending_s = if random.chance(0.2) { random.between(60.0, 110.0) } else { random.between(4.0, 20.0) };
        // A machine keeps its GPUs.
        let mut of_host = Random::named(0, &host);
        Self {
            name,
            host,
            hostname,
            deployment: deployment.clone(),
            state: ReplicaState::Pending,
            state_ends_s: now_s + pending_s,
            created_s: now_s,
            ready_s: None,
            restarts: [0; 4],
            drains_since_s: None,
            running: None,
            gpus: (0..spec.gpus).map(|_| Gpu::new(spec.gpu, &mut of_host)).collect(),
            disturbance: Disturbance::NONE,
            before: Outcome::default(),
            seen: (0.0, 0.0),
            schemas: Schemas::default(),
        }
    }

    /// Makes it serve at once, as replicas do that were there before the simulation began.
    pub(crate) fn start_at_once(&mut self, spec: &ReplicaSpec, now_s: f64, random: &mut Random) {
        self.begin_running(spec, now_s, random);
        self.ready_s = Some(120.0);
    }

    /// Whether it takes requests.
    pub(crate) fn takes_requests(&self) -> bool {
        self.running.is_some() && self.drains_since_s.is_none()
    }

    /// Whether it is there, or about to be.
    pub(crate) fn is_wanted(&self) -> bool {
        self.state != ReplicaState::Stopped && self.drains_since_s.is_none()
    }

    /// Its requests at the moment.
    pub(crate) fn load(&self) -> usize {
        self.running.as_ref().map_or(0, |running| running.batch.running() + running.batch.waiting())
    }

    /// What all its processes have ended.
    pub(crate) fn outcome(&self) -> Outcome {
        let mut outcome = self.before;
        if let Some(running) = &self.running {
            outcome.add(running.counts.outcome());
        }
        outcome
    }

    /// Whether its machine has an address.
    pub(crate) fn has_address(&self) -> bool {
        !matches!(self.state, ReplicaState::Pending | ReplicaState::Pulling | ReplicaState::Stopped)
    }

    /// Moves its batch on.
    pub(crate) fn run_until(&mut self, until_s: f64, handed_on: &mut Vec<(f64, Request)>) {
        if let Some(Running { batch, counts, .. }) = &mut self.running {
            batch.run_until(until_s, counts, handed_on);
        }
    }

    /// Applies what incidents do now.
    pub(crate) fn disturb(&mut self, disturbance: Disturbance) {
        if std::mem::replace(&mut self.disturbance, disturbance) == disturbance {
            return;
        }
        if let Some(Running { batch, counts, .. }) = &mut self.running {
            batch.slowdown = self.deployment.slowdown * disturbance.slowdown;
            batch.is_stuck = disturbance.is_stuck;
            batch.replan(counts);
        }
    }

    /// Moves its life on to `now_s`, after `seconds`. Returns the requests that are lost with its process.
    pub(crate) fn live(&mut self, spec: &ReplicaSpec, now_s: f64, seconds: f64, random: &mut Random) -> Vec<Request> {
        let mut lost = Vec::new();
        self.warm_gpus(seconds, random);
        if let Some(Running { batch, counts, .. }) = &mut self.running {
            batch.abandon(now_s - PATIENCE_S, counts);
        }
        match self.state {
            ReplicaState::Pending if now_s >= self.state_ends_s => {
                (self.state, self.state_ends_s) = (ReplicaState::Pulling, now_s + random.between(18.0, 50.0));
            }
            ReplicaState::Pulling if now_s >= self.state_ends_s => self.begin_loading(spec, now_s, random),
            ReplicaState::Initializing if now_s >= self.state_ends_s => self.begin_running(spec, now_s, random),
            ReplicaState::Failed if now_s >= self.state_ends_s => {
                self.restarts[restart_index(RestartReason::OomKilled)] += 1;
                self.created_s = now_s;
                self.begin_loading(spec, now_s, random);
            }
            ReplicaState::Running => {
                let runs_s = self.running.as_ref().map_or(0.0, |running| now_s - running.started_s);
                if self.disturbance.runs_out_of_memory_s.is_some_and(|limit_s| runs_s >= limit_s) {
                    (self.state, self.state_ends_s) = (ReplicaState::Failed, now_s + random.between(10.0, 25.0));
                    lost = self.end_process();
                } else if self.drains_since_s.is_some_and(|since_s| self.load() == 0 || now_s - since_s > MAX_DRAIN_S) {
                    self.state = ReplicaState::Stopped;
                    lost = self.end_process();
                }
            }
            _ => {}
        }
        if self.drains_since_s.is_some() && self.running.is_none() {
            self.state = ReplicaState::Stopped;
        }
        lost
    }

    fn begin_loading(&mut self, spec: &ReplicaSpec, now_s: f64, random: &mut Random) {
        let load_s = spec.load_s * random.between(0.9, 1.15) * self.disturbance.start;
        (self.state, self.state_ends_s) = (ReplicaState::Initializing, now_s + load_s);
        self.ready_s = None;
    }

    fn begin_running(&mut self, spec: &ReplicaSpec, now_s: f64, random: &mut Random) {
        let mut batch = Batch::new(spec.hardware, spec.role, now_s);
        batch.slowdown = self.deployment.slowdown * self.disturbance.slowdown;
        batch.is_stuck = self.disturbance.is_stuck;
        let counts = Counts::new(&self.deployment.engine.bounds(spec.max_model_len));
        let startup_s = spec.load_s * random.between(0.95, 1.05) * self.disturbance.start;
        self.state = ReplicaState::Running;
        self.ready_s = Some(now_s - self.created_s);
        self.seen = (0.0, 0.0);
        self.schemas.page = None;
        self.running =
            Some(Running { batch, counts, started_s: now_s - startup_s, startup_s, weights_s: startup_s * 0.6 });
    }

    fn end_process(&mut self) -> Vec<Request> {
        self.ready_s = None;
        let Some(mut running) = self.running.take() else { return Vec::new() };
        let lost = running.batch.take_all();
        self.before.add(running.counts.outcome());
        self.before.tokens += lost.iter().map(|request| request.generated_tokens).sum::<f64>();
        lost
    }

    fn warm_gpus(&mut self, seconds: f64, random: &mut Random) {
        let mut load = GpuLoad { is_hot: self.disturbance.slowdown > 1.2, ..GpuLoad::default() };
        if let Some(Running { counts, .. }) = &self.running {
            let now = (counts.decode_s, counts.prefill_s);
            load.decode = ((now.0 - self.seen.0) / seconds).clamp(0.0, 1.0);
            load.prefill = ((now.1 - self.seen.1) / seconds).clamp(0.0, 1.0);
            load.memory = 0.915;
            self.seen = now;
        } else if self.state == ReplicaState::Initializing {
            load.memory = 0.45;
        }
        self.gpus.iter_mut().for_each(|gpu| gpu.advance(seconds, &load, random));
    }

    /// Its process as the metrics page shows it, if one answers. `epoch_s` is when the simulation began, Unix seconds.
    pub(crate) fn process<'a>(&'a self, model: &'a str, spec: &ReplicaSpec, epoch_s: f64) -> Option<Process<'a>> {
        let running = self.running.as_ref().filter(|_| !self.disturbance.is_unreachable)?;
        let Running { batch, counts, started_s, startup_s, weights_s } = running;
        // What runs out of memory takes ever more of it.
        let growth = self.disturbance.runs_out_of_memory_s.map_or(0.0, |limit_s| (batch.now_s() - started_s) / limit_s);
        Some(Process {
            engine: self.deployment.engine,
            model,
            role: spec.role,
            batch,
            counts,
            started_s: epoch_s + started_s,
            cpu_s: counts.decode_s * 1.1 + counts.prefill_s * 0.6 + 40.0,
            memory_bytes: spec.memory_bytes * (1.0 + growth.clamp(0.0, 1.0)),
            startup_s: *startup_s,
            weights_s: *weights_s,
        })
    }
}

fn restart_index(reason: RestartReason) -> usize {
    RestartReason::ALL.iter().position(|own| *own == reason).unwrap_or(0)
}
