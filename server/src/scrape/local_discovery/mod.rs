//! Discovers inference servers on this machine: at their usual ports, by their processes, and in containers.
mod candidate;
mod containers;
mod llama_router;
mod pauses;

use crate::processes::Attribution;
use crate::scrape::engine_detection::engine_of_page;
use crate::scrape::local_discovery::candidate::Candidate;
use crate::scrape::local_discovery::containers::Containers;
use crate::scrape::local_discovery::llama_router::Routers;
use crate::scrape::local_discovery::pauses::Pauses;
use crate::scrape::scrapers::Scrapers;
use crate::target::failure::Failure;
use crate::target::identity::Identity;
use crate::target::{Endpoint, Pace, Source, Target};
use crate::threads::Threads;
use crate::threads::exclusive::Exclusive;
use catalogue::{Engine, Layer};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::info;

/// The time between two searches.
pub const PERIOD: Duration = Duration::from_secs(5);

/// How long one address may take to answer.
const TIMEOUT: Duration = Duration::from_secs(1);

/// How long a search of the processes may take.
const MAX_SEARCH_TIME: Duration = Duration::from_secs(2);

/// The maximum number of addresses that are asked in one search.
const MAX_CANDIDATES: usize = 128;

/// The path of most metrics pages.
const METRICS: &str = "/metrics";

/// The path of TensorRT-LLM's server, whose `/metrics` is no metrics page.
const PROMETHEUS_METRICS: &str = "/prometheus/metrics";

/// A port on loopback and the path of a metrics page.
#[derive(Clone, Copy, Debug)]
pub struct LocalAddress {
    /// The port.
    pub port: u16,
    /// The path.
    pub path: &'static str,
}

impl LocalAddress {
    /// An address on loopback.
    pub const fn new(port: u16, path: &'static str) -> Self {
        Self { port, path }
    }
}

/// The usual metrics pages.
pub const DEFAULT_ADDRESSES: [LocalAddress; 11] = [
    // vLLM; TensorRT-LLM's server at the other path.
    LocalAddress::new(8000, METRICS),
    LocalAddress::new(8000, PROMETHEUS_METRICS),
    // A second vLLM.
    LocalAddress::new(8001, METRICS),
    // Triton.
    LocalAddress::new(8002, METRICS),
    // TGI, and llama.cpp.
    LocalAddress::new(8080, METRICS),
    // TorchServe's port for metrics.
    LocalAddress::new(8082, METRICS),
    // BentoML, and TGI's launcher.
    LocalAddress::new(3000, METRICS),
    // LiteLLM.
    LocalAddress::new(4000, METRICS),
    // Infinity.
    LocalAddress::new(7997, METRICS),
    // llama.cpp announces this port for a coming release.
    LocalAddress::new(9931, METRICS),
    // SGLang.
    LocalAddress::new(30000, METRICS),
];

/// Searches this machine for inference servers.
pub struct Discovery {
    scrapers: Arc<Scrapers>,
    addresses: Vec<LocalAddress>,
    pace: Pace,
    period: Duration,
    /// A port that is not asked: the companion's own.
    own_port: Option<u16>,
    attribution: Option<Arc<Attribution>>,
    containers: Option<Containers>,
    routers: Routers,
    pauses: Pauses,
    threads: Threads,
    searching: Exclusive<Vec<SocketAddr>>,
}

impl Discovery {
    /// Searches `addresses`, and scrapes at `pace` what it finds.
    pub fn new(scrapers: Arc<Scrapers>, addresses: &[LocalAddress], pace: Pace) -> Self {
        Self {
            scrapers,
            addresses: addresses.to_vec(),
            pace,
            period: PERIOD,
            own_port: None,
            attribution: None,
            containers: None,
            routers: Routers::default(),
            pauses: Pauses::default(),
            threads: Threads::new("discovery", 1),
            searching: Exclusive::default(),
        }
    }

    /// Searches once per `period`.
    pub fn every(self, period: Duration) -> Self {
        Self { period, ..self }
    }

    /// Never asks the companion's own port, if it has one.
    pub fn without_port(self, port: Option<u16>) -> Self {
        Self { own_port: port, ..self }
    }

    /// Also asks where processes of inference servers listen.
    pub fn with_processes(self, attribution: Option<Arc<Attribution>>) -> Self {
        Self { attribution, ..self }
    }

    /// Also asks the containers of the runtime behind this socket.
    pub fn with_containers(self, socket: Option<PathBuf>) -> Self {
        Self { containers: socket.map(Containers::new), ..self }
    }

    /// Searches without end. A server that was found stays a target while it is down.
    pub async fn run(mut self) {
        let mut ticks = tokio::time::interval(self.period);
        loop {
            let now = ticks.tick().await;
            self.search(now).await;
        }
    }

    async fn search(&mut self, now: Instant) {
        let candidates = self.candidates().await;
        self.pauses.keep_only(&candidates);
        for candidate in candidates {
            if self.scrapers.has_instance(&candidate.instance)
                || self.routers.has(&candidate)
                || self.pauses.is_paused(&candidate, now)
            {
                continue;
            }
            match self.probe(&candidate).await {
                Probed::Found | Probed::Silent => self.pauses.end(&candidate),
                Probed::NoEngine => self.pauses.double(&candidate, now, self.period),
            }
        }
        self.routers.follow(&self.scrapers, self.pace).await;
    }

    /// Every address to ask.
    async fn candidates(&mut self) -> Vec<Candidate> {
        let loopback = IpAddr::from(Ipv4Addr::LOCALHOST);
        let mut all: Vec<Candidate> = Vec::new();
        let mut add = |candidate: Option<Candidate>| {
            let Some(candidate) = candidate else { return };
            let is_own = candidate.is_local && self.own_port == candidate.url.port_or_known_default();
            if !is_own && all.len() < MAX_CANDIDATES && all.iter().all(|other| other.url != candidate.url) {
                all.push(candidate);
            }
        };
        for address in &self.addresses {
            add(Candidate::new(SocketAddr::new(loopback, address.port), address.path));
        }
        if let Some(attribution) = &self.attribution {
            let attribution = Arc::clone(attribution);
            let search = move || attribution.inference_servers();
            for address in self.searching.run(&self.threads, MAX_SEARCH_TIME, search).await.unwrap_or_default() {
                add(Candidate::new(address, METRICS));
                add(Candidate::new(address, PROMETHEUS_METRICS));
            }
        }
        if let Some(containers) = &mut self.containers {
            for (address, name) in containers.addresses().await {
                for path in [METRICS, PROMETHEUS_METRICS] {
                    add(Candidate::new(address, path).map(|candidate| candidate.in_container(&name)));
                }
            }
        }
        all
    }

    /// Asks an address for metrics of an engine, and scrapes it if it has some.
    async fn probe(&mut self, candidate: &Candidate) -> Probed {
        let endpoint = Endpoint::open(candidate.url.clone());
        let answer = tokio::time::timeout(TIMEOUT, self.scrapers.client().metrics_page(&endpoint, TIMEOUT, 0)).await;
        let page = match answer {
            Ok(Ok(page)) => page,
            Ok(Err(Failure::Connect)) => return Probed::Silent,
            // llama.cpp's router wants to know of which model.
            Ok(Err(Failure::Status { code: 400, .. })) if candidate.url.path() == METRICS => {
                return match self.routers.add(&self.scrapers, candidate).await {
                    true => Probed::Found,
                    false => Probed::NoEngine,
                };
            }
            Ok(Err(_)) | Err(_) => return Probed::NoEngine,
        };
        let serves = |engine: &Engine| !matches!(engine.layer, Layer::Machine | Layer::Proxy);
        let Some(engine) = engine_of_page(&page, serves) else { return Probed::NoEngine };
        let instance = candidate.instance.clone();
        info!(?instance, engine = engine.title, container = candidate.container, "found an inference server");
        let identity = Identity {
            job: Some(engine.id.to_owned()),
            replica: Some(instance.clone()),
            instance,
            labels: candidate.labels(),
            ..Identity::default()
        };
        self.scrapers.add(Target { source: Source::Http(endpoint), identity, pace: self.pace });
        Probed::Found
    }
}

/// What an address answered.
enum Probed {
    /// It is scraped from now on.
    Found,
    /// Nothing listens there.
    Silent,
    /// Something else than a metrics page with metrics of an engine.
    NoEngine,
}
