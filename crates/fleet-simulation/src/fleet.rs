//! The fleet: all models, and the metrics pages that a scraper finds.
use crate::counts::{Measure, Outcome};
use crate::dialects::cluster::{Pod, Scale};
use crate::dialects::dcgm::Machine;
use crate::dialects::hugging_face::{Endpoint, EndpointReplica, EndpointState, QUANTILES};
use crate::histogram::whole;
use crate::models::models;
use crate::page::{PagePart, PageSource, Schema};
use crate::replica::Replica;
use crate::scenario::Scenario;
use crate::service::Service;
use crate::traffic::Ending;
use catalogue::contract::ReplicaState;
use std::collections::VecDeque;
use std::sync::Arc;

/// The environment of all models.
const ENVIRONMENT: &str = "production";

/// The port of a machine's exporter.
const EXPORTER_PORT: u16 = 9400;

/// A hosted endpoint shows latencies of this many scrapes.
const RECENT: usize = 20;

/// A simulated fleet, or a part of one: the same seed gives the same pages.
#[derive(Clone, Debug)]
pub struct Fleet {
    models: Vec<Model>,
    /// When the simulation began, Unix milliseconds.
    epoch_ms: i64,
}

#[derive(Clone, Debug)]
struct Model {
    service: Service,
    /// The schemas of what is about the model as a whole.
    scale: Vec<Option<Arc<Schema>>>,
    endpoint: Option<Arc<Schema>>,
    state: Option<Arc<Schema>>,
    /// The latencies of a hosted endpoint at the last scrapes, as cumulative counts.
    recent: VecDeque<Vec<f64>>,
}

/// Something that is scraped.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Target {
    /// What it is.
    pub kind: TargetKind,
    /// `host:port`, or another name of its location.
    pub instance: String,
    /// The model; none for a machine.
    pub model: Option<String>,
    /// The environment; none for a machine.
    pub environment: Option<String>,
    /// The deployment, of a replica.
    pub deployment: Option<String>,
    /// The name of a replica.
    pub replica: Option<String>,
}

/// What a target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TargetKind {
    /// A replica with an engine.
    Replica,
    /// The exporter of a machine with GPUs.
    Machine,
    /// A cluster that reports its pods, those of one model.
    Cluster,
    /// A hosted platform's metrics of an endpoint.
    HostedMetrics,
    /// A hosted platform's state of an endpoint.
    HostedState,
}

/// What answers a scrape.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A metrics page.
    Page(Vec<PagePart>),
    /// Nothing listens at the address yet, or any more.
    ConnectionRefused,
    /// Nothing answers in time.
    Timeout,
}

impl Fleet {
    /// A fleet that has been running for a while at `epoch_ms`, Unix milliseconds.
    pub fn new(seed: u64, epoch_ms: i64, scenario: &Scenario) -> Self {
        let services = models().into_iter().enumerate().map(|(index, spec)| {
            Service::new(spec, &format!("10.2{index}."), scenario, epoch_ms as f64 / 1000.0, seed)
        });
        let models = services.map(|service| Model {
            scale: vec![None; service.pools.len()],
            service,
            endpoint: None,
            state: None,
            recent: VecDeque::new(),
        });
        Self { models: models.collect(), epoch_ms }
    }

    /// One fleet for each model. Models do not depend on each other, so each can be simulated on a thread of its own.
    pub fn split(self) -> Vec<Self> {
        self.models.into_iter().map(|model| Self { models: vec![model], epoch_ms: self.epoch_ms }).collect()
    }

    /// The opposite of [`Fleet::split`].
    pub fn join(parts: Vec<Self>) -> Option<Self> {
        let epoch_ms = parts.first()?.epoch_ms;
        Some(Self { models: parts.into_iter().flat_map(|part| part.models).collect(), epoch_ms })
    }

    /// The names of its models.
    pub fn model_names(&self) -> Vec<&str> {
        self.models.iter().map(|model| model.service.spec.name).collect()
    }

    /// Moves on to `time_ms`, Unix milliseconds, which is not before the previous one.
    pub fn run_until(&mut self, time_ms: i64) {
        let until_s = (time_ms - self.epoch_ms) as f64 / 1000.0;
        self.models.iter_mut().for_each(|model| model.service.run_until(until_s));
    }

    /// Scrapes everything that has an address.
    pub fn scrape(&mut self, visit: &mut dyn FnMut(Target, Answer)) {
        let epoch_s = self.epoch_ms as f64 / 1000.0;
        for model in &mut self.models {
            if model.service.spec.is_hosted {
                model.scrape_hosted(visit);
            } else {
                model.scrape_cluster(epoch_s, visit);
            }
            model.service.pools.iter_mut().for_each(crate::pool::Pool::forget_stopped);
        }
    }

    /// What has become of all requests so far.
    pub fn balance(&self) -> Balance {
        let mut balance = Balance::default();
        for Model { service, .. } in &self.models {
            let Outcome { requests, tokens, generated_tokens } = service.outcome();
            balance.arrived += service.totals.arrived;
            balance.unserved += service.totals.unserved;
            balance.lost += service.totals.lost;
            balance.answered += requests;
            balance.in_flight += service.in_flight() as u64;
            balance.answer_tokens += tokens;
            balance.generated_tokens += generated_tokens;
            let running = service.pools.iter().flat_map(|pool| &pool.replicas);
            let running = running.filter_map(|replica| replica.running.as_ref());
            balance.tokens_in_flight += running.map(|running| running.batch.tokens_in_flight()).sum::<f64>();
        }
        balance
    }
}

/// What has become of the requests of a fleet.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Balance {
    /// Requests that arrived.
    pub arrived: u64,
    /// Those that no replica took.
    pub unserved: u64,
    /// Those that were lost with a process.
    pub lost: u64,
    /// Those that were answered or refused.
    pub answered: u64,
    /// Those that are waiting or running.
    pub in_flight: u64,
    /// The tokens of the answers of requests that have ended, in whichever way.
    pub answer_tokens: f64,
    /// The tokens that engines have generated.
    pub generated_tokens: f64,
    /// The tokens so far of answers that are not complete.
    pub tokens_in_flight: f64,
}

impl Model {
    fn target(&self, kind: TargetKind, instance: String) -> Target {
        Target {
            kind,
            instance,
            model: Some(self.service.spec.name.to_owned()),
            environment: Some(ENVIRONMENT.to_owned()),
            deployment: None,
            replica: None,
        }
    }

    fn scrape_cluster(&mut self, epoch_s: f64, visit: &mut dyn FnMut(Target, Answer)) {
        let (model, served) = (self.service.spec.name, self.service.spec.served_name);
        let mut pods = Vec::new();
        for pool in &mut self.service.pools {
            for replica in &mut pool.replicas {
                pods.push(pod_part(model, replica));
                let mut schemas = std::mem::take(&mut replica.schemas);
                if replica.has_address() {
                    let answer = match replica.process(served, &pool.spec.replica, epoch_s) {
                        Some(process) => Answer::Page(vec![process.part(&mut schemas.page)]),
                        None if replica.disturbance.is_unreachable => Answer::Timeout,
                        None => Answer::ConnectionRefused,
                    };
                    let target = Target {
                        kind: TargetKind::Replica,
                        instance: format!("{}:{}", replica.host, pool.spec.port),
                        model: Some(model.to_owned()),
                        environment: Some(ENVIRONMENT.to_owned()),
                        deployment: Some(replica.deployment.name.to_string()),
                        replica: Some(replica.name.clone()),
                    };
                    visit(target, answer);
                    let machine = Machine { hostname: &replica.hostname, gpus: &replica.gpus };
                    let target = Target {
                        kind: TargetKind::Machine,
                        instance: format!("{}:{EXPORTER_PORT}", replica.host),
                        model: None,
                        environment: None,
                        deployment: None,
                        replica: None,
                    };
                    visit(target, Answer::Page(vec![machine.part(&mut schemas.machine)]));
                }
                replica.schemas = schemas;
            }
        }
        let deployment = Arc::clone(&self.service.deployment.name);
        // The pools of one deployment are scaled apart, but shown as one.
        let (mut desired, mut min, mut max) = (0, 0, 0);
        for pool in &self.service.pools {
            desired += pool.autoscaler.desired;
            min += pool.min;
            max += pool.spec.scaling.max;
        }
        let labels =
            [("model", model), ("environment", ENVIRONMENT), ("deployment", &*deployment), ("namespace", model)];
        let scale = Scale { labels, desired: f64::from(desired), min: f64::from(min), max: f64::from(max) };
        let known = &mut self.scale[0];
        if known.as_ref().is_some_and(|schema| !has_label(schema, &deployment)) {
            *known = None;
        }
        pods.push(scale.part(known));
        let target = Target {
            model: None,
            environment: None,
            ..self.target(TargetKind::Cluster, format!("demo-cluster/{model}"))
        };
        visit(target, Answer::Page(pods));
    }

    fn scrape_hosted(&mut self, visit: &mut dyn FnMut(Target, Answer)) {
        let instance = format!("demo/{}", self.service.spec.name);
        let endpoint = self.endpoint();
        let mut parts = vec![endpoint.part(&mut self.endpoint)];
        let (mut ready, mut state) = (0, None);
        for pool in &mut self.service.pools {
            let (desired, spec) = (pool.autoscaler.desired, pool.spec.scaling);
            state = Some((f64::from(desired), f64::from(pool.min), f64::from(spec.max)));
            for replica in &mut pool.replicas {
                let Replica { name, running: Some(running), schemas, .. } = replica else { continue };
                ready += 1;
                let counts = &running.counts;
                let by_status = [
                    counts.ended_as(&[Ending::Stop, Ending::Length, Ending::Abort]),
                    counts.ended_as(&[Ending::Invalid]),
                    counts.ended_as(&[Ending::Error]),
                ];
                parts.push(EndpointReplica { id: &name[name.len() - 5..], by_status }.part(&mut schemas.endpoint));
            }
        }
        visit(self.target(TargetKind::HostedMetrics, instance.clone()), Answer::Page(parts));
        if let Some((desired, min, max)) = state {
            let state = EndpointState { ready: f64::from(ready), desired, min, max };
            let part = state.part(&mut self.state);
            visit(self.target(TargetKind::HostedState, instance), Answer::Page(vec![part]));
        }
    }

    /// What a hosted endpoint shows of all its replicas.
    fn endpoint(&mut self) -> Endpoint {
        let replicas = self.service.pools.iter().flat_map(|pool| &pool.replicas);
        let running: Vec<_> = replicas.filter(|replica| replica.running.is_some()).collect();
        let mut cumulative: Vec<f64> = Vec::new();
        let (mut count, mut sum_s, mut busy) = (0.0, 0.0, 0.0);
        let mut bounds: Arc<[f64]> = Arc::from([]);
        for replica in &running {
            let Some(process) = &replica.running else { continue };
            let latency = process.counts.histogram(Measure::EndToEnd);
            bounds = Arc::clone(&latency.bounds);
            let mut index = 0;
            latency.cumulative(|total| {
                cumulative.resize(cumulative.len().max(index + 1), 0.0);
                cumulative[index] += total;
                index += 1;
            });
            count += latency.count();
            sum_s += latency.sum();
            busy += replica.gpus.first().map_or(0.0, |gpu| gpu.busy);
        }
        self.recent.push_back(cumulative);
        while self.recent.len() > RECENT {
            self.recent.pop_front();
        }
        let mean_busy = busy / running.len().max(1) as f64;
        let latencies = QUANTILES.map(|(quantile, _)| recent_quantile(&self.recent, &bounds, quantile));
        Endpoint { latencies, count: whole(count), sum_s, cpu: 0.05 + mean_busy * 0.4, gpu: mean_busy }
    }
}

/// A quantile of what was counted between the first and the last of some scrapes; 0 if that is nothing.
fn recent_quantile(recent: &VecDeque<Vec<f64>>, bounds: &[f64], quantile: f64) -> f64 {
    let (Some(first), Some(last)) = (recent.front(), recent.back()) else { return 0.0 };
    // After a restart everything is new.
    let before = |index: usize| first.get(index).copied().unwrap_or(0.0);
    let is_reset = last.last().copied().unwrap_or(0.0) < first.last().copied().unwrap_or(0.0);
    let new = |index: usize| last[index] - if is_reset { 0.0 } else { before(index) };
    let total = if last.is_empty() { 0.0 } else { new(last.len() - 1) };
    let rank = total * quantile;
    let Some(bucket) = (0..bounds.len()).find(|index| total > 0.0 && new(*index) >= rank) else { return 0.0 };
    let (low, below) = if bucket == 0 { (0.0, 0.0) } else { (bounds[bucket - 1], new(bucket - 1)) };
    let inside = new(bucket) - below;
    if inside <= 0.0 { bounds[bucket] } else { low + (bounds[bucket] - low) * (rank - below) / inside }
}

fn has_label(schema: &Schema, value: &str) -> bool {
    schema.series.first().is_some_and(|series| series.labels.iter().any(|(_, own)| own == value))
}

/// The part of a cluster's page about a replica.
fn pod_part(model: &str, replica: &mut Replica) -> PagePart {
    // A pod that drains is still ready for those who look at it.
    let state = if replica.running.is_some() { ReplicaState::Running } else { replica.state };
    let deployment = Arc::clone(&replica.deployment.name);
    let pod = Pod {
        labels: [
            ("model", model),
            ("environment", ENVIRONMENT),
            ("deployment", &deployment),
            ("namespace", model),
            ("replica", &replica.name),
        ],
        state,
        restarts: replica.restarts.map(f64::from),
        ready_s: replica.ready_s,
    };
    pod.part(&mut replica.schemas.pod[usize::from(replica.ready_s.is_some())])
}
