//! A pool: the replicas of a model that do the same work, and the autoscaler that sets their number.
use crate::autoscaler::Autoscaler;
use crate::counts::Outcome;
use crate::models::PoolSpec;
use crate::random::Random;
use crate::replica::{Deployment, Disturbance, Replica};
use crate::scenario::{Incident, IncidentKind};
use crate::traffic::Request;
use catalogue::contract::ReplicaState;

/// A pool of replicas.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    pub(crate) spec: PoolSpec,
    pub(crate) autoscaler: Autoscaler,
    /// The lowest number of replicas at the moment.
    pub(crate) min: u32,
    /// In the order of their creation.
    pub(crate) replicas: Vec<Replica>,
    /// Where new replicas get their names and addresses from.
    naming: Naming,
    /// What replicas have ended that are gone.
    before: Outcome,
    /// Turns, so that requests are spread over replicas with equal loads.
    turn: usize,
}

/// What the names and addresses of new replicas are made of.
#[derive(Clone, Debug)]
struct Naming {
    /// The model with the pool.
    base: String,
    /// The first three numbers of addresses.
    network: String,
    /// The hash that Kubernetes adds to the name of a version.
    version: String,
}

impl Pool {
    /// A pool that has been running for a while.
    pub(crate) fn new(
        spec: PoolSpec,
        (base, network): (String, String),
        deployment: &Deployment,
        replicas: u32,
        random: &mut Random,
    ) -> Self {
        let replicas = replicas.clamp(spec.scaling.min, spec.scaling.max);
        let naming = Naming { base, network, version: random.name(5) };
        let autoscaler = Autoscaler::new(spec.scaling, replicas);
        let mut pool = Self {
            min: spec.scaling.min,
            spec,
            autoscaler,
            replicas: Vec::new(),
            naming,
            before: Outcome::default(),
            turn: 0,
        };
        for _ in 0..replicas {
            pool.create(deployment, 0.0, random);
        }
        let Self { replicas, spec, .. } = &mut pool;
        replicas.iter_mut().for_each(|replica| replica.start_at_once(&spec.replica, 0.0, random));
        pool
    }

    /// Requests of all replicas.
    pub(crate) fn load(&self) -> usize {
        self.replicas.iter().map(Replica::load).sum()
    }

    /// The replica that gets the next request: the one with the fewest.
    pub(crate) fn route(&mut self) -> Option<&mut Replica> {
        let count = self.replicas.len();
        self.turn = self.turn.wrapping_add(1);
        let turn = self.turn;
        let candidates = (0..count).map(|index| (index + turn) % count);
        let candidates = candidates.filter(|index| self.replicas[*index].takes_requests());
        let index = candidates.min_by_key(|index| self.replicas[*index].load())?;
        self.replicas.get_mut(index)
    }

    /// Moves all batches on.
    pub(crate) fn run_until(&mut self, until_s: f64, handed_on: &mut Vec<(f64, Request)>) {
        self.replicas.iter_mut().for_each(|replica| replica.run_until(until_s, handed_on));
    }

    /// Moves everything else on to `now_s`, after `seconds`: lives, incidents, scaling, a rollout of `deployment`.
    /// Returns the requests that were lost with their processes.
    pub(crate) fn tick(
        &mut self,
        deployment: &Deployment,
        incidents: &[&Incident],
        (now_s, seconds): (f64, f64),
        random: &mut Random,
    ) -> Vec<Request> {
        self.disturb(incidents);
        let Self { replicas, spec, .. } = self;
        let lost =
            replicas.iter_mut().flat_map(|replica| replica.live(&spec.replica, now_s, seconds, random)).collect();
        let wanted_min = incidents.iter().find_map(|incident| match incident.kind {
            IncidentKind::MinReplicas(number) => Some(number),
            _ => None,
        });
        self.min = wanted_min.unwrap_or(0).clamp(self.spec.scaling.min, self.spec.scaling.max);
        let is_eager = incidents.iter().any(|incident| incident.kind == IncidentKind::EagerScaling);
        let load = self.load() as f64;
        self.autoscaler.decide(load, self.min, is_eager);
        self.scale(deployment, now_s, random);
        lost
    }

    /// Removes the replicas whose end has been reported.
    pub(crate) fn forget_stopped(&mut self) {
        let Self { replicas, before, .. } = self;
        replicas
            .extract_if(.., |replica| replica.state == ReplicaState::Stopped)
            .for_each(|replica| before.add(replica.outcome()));
    }

    /// What all its replicas have ended.
    pub(crate) fn outcome(&self) -> Outcome {
        let mut outcome = self.before;
        self.replicas.iter().for_each(|replica| outcome.add(replica.outcome()));
        outcome
    }

    fn disturb(&mut self, incidents: &[&Incident]) {
        let is_first_serving = |index: usize, replicas: &[Replica]| {
            replicas.iter().position(Replica::is_wanted).is_some_and(|first| first == index)
        };
        for index in 0..self.replicas.len() {
            let is_first = is_first_serving(index, &self.replicas);
            let mut disturbance = Disturbance::NONE;
            for incident in incidents {
                match incident.kind {
                    IncidentKind::HotGpu(factor) if is_first => disturbance.slowdown = factor,
                    IncidentKind::StuckEngine if is_first => disturbance.is_stuck = true,
                    IncidentKind::Unreachable if is_first => disturbance.is_unreachable = true,
                    IncidentKind::OutOfMemory(seconds) if is_first => {
                        disturbance.runs_out_of_memory_s = Some(seconds);
                    }
                    IncidentKind::SlowStart(factor) => disturbance.start = factor,
                    _ => {}
                }
            }
            self.replicas[index].disturb(disturbance);
        }
    }

    /// Creates and drains replicas until their number is the desired one and all run `deployment`.
    fn scale(&mut self, deployment: &Deployment, now_s: f64, random: &mut Random) {
        let desired = self.autoscaler.desired as usize;
        let is_old = |replica: &Replica| replica.deployment.name != deployment.name;
        let wanted = self.replicas.iter().filter(|replica| replica.is_wanted()).count();
        let has_old = self.replicas.iter().any(|replica| replica.is_wanted() && is_old(replica));
        let surge = usize::from(has_old);
        for _ in wanted..desired + surge {
            self.create(deployment, now_s, random);
        }
        let serving = self.replicas.iter().filter(|replica| replica.takes_requests()).count();
        if has_old && serving > desired {
            let oldest = self.replicas.iter_mut().find(|replica| replica.takes_requests() && is_old(replica));
            oldest.into_iter().for_each(|replica| replica.drains_since_s = Some(now_s));
            return;
        }
        // Those that do not serve yet go first, then the newest.
        for _ in desired + surge..wanted {
            let starting = self.replicas.iter().rposition(|replica| replica.is_wanted() && !replica.takes_requests());
            let newest = starting.or_else(|| self.replicas.iter().rposition(Replica::is_wanted));
            let Some(replica) = newest.and_then(|index| self.replicas.get_mut(index)) else { return };
            replica.drains_since_s = Some(now_s);
            if replica.running.is_none() {
                replica.state = ReplicaState::Stopped;
            }
        }
    }

    fn create(&mut self, deployment: &Deployment, now_s: f64, random: &mut Random) {
        let Naming { base, network, version } = &self.naming;
        // The lowest number that no replica has: machines are used again.
        let number = (11..250).find(|number| {
            let host = format!("{network}.{number}");
            !self.replicas.iter().any(|replica| replica.host == host)
        });
        let number = number.unwrap_or(250);
        let name = format!("{base}-{}-{version}-{}", deployment.name, random.name(5));
        let names = (name, format!("{network}.{number}"), format!("gpu-node-{base}-{number}"));
        self.replicas.push(Replica::new(names, deployment, &self.spec.replica, now_s, random));
    }
}
