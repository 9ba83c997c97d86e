//! Discovers inference servers on this machine at their default ports.
use crate::scrape::engine_detection::engine_of_page;
use crate::scrape::scrapers::Scrapers;
use crate::target::failure::Failure;
use crate::target::identity::Identity;
use crate::target::{Endpoint, Pace, Source, Target, instance_of};
use catalogue::{Engine, Layer};
use reqwest::Url;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::info;

/// The time between two searches.
pub const PERIOD: Duration = Duration::from_secs(5);

/// How long one address may take to answer.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The longest pause before a server that has no metrics page is asked again: it may count each request as an error.
const MAX_PAUSE: Duration = Duration::from_secs(60);

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

/// The default metrics pages of vLLM, TensorRT-LLM's server, Triton, TGI and llama.cpp, and SGLang.
pub const DEFAULT_ADDRESSES: [LocalAddress; 5] = [
    LocalAddress::new(8000, "/metrics"),
    LocalAddress::new(8000, "/prometheus/metrics"),
    LocalAddress::new(8002, "/metrics"),
    LocalAddress::new(8080, "/metrics"),
    LocalAddress::new(30000, "/metrics"),
];

/// Searches `addresses` for engines once per `period`, and scrapes those that it finds at `pace`. A server that was found
/// stays a target while it is down.
pub async fn discover(scrapers: Arc<Scrapers>, addresses: &[LocalAddress], period: Duration, pace: Pace) {
    let mut ticks = tokio::time::interval(period);
    let mut pauses = vec![Pause::default(); addresses.len()];
    loop {
        let now = ticks.tick().await;
        for (address, pause) in addresses.iter().zip(&mut pauses) {
            if pause.until.is_some_and(|until| now < until) {
                continue;
            }
            *pause = match probe(&scrapers, *address, pace).await {
                Some(Failure::Status { code: 400..=499, .. }) => pause.doubled(now, period),
                _ => Pause::default(),
            };
        }
    }
}

/// A time during which an address is not asked.
#[derive(Clone, Copy, Debug, Default)]
struct Pause {
    until: Option<Instant>,
    length: Duration,
}

impl Pause {
    /// The next one, after another refusal.
    fn doubled(self, now: Instant, period: Duration) -> Self {
        let length = (self.length * 2).clamp(period * 2, MAX_PAUSE.max(period * 2));
        // Half a period less, so that the tick that is due by then is not missed.
        Self { until: Some(now + length - period / 2), length }
    }
}

/// Asks an address for metrics of an engine, and scrapes it if it has some. Returns why the request failed, if it did.
async fn probe(scrapers: &Scrapers, LocalAddress { port, path }: LocalAddress, pace: Pace) -> Option<Failure> {
    let url = format!("http://{}:{port}{path}", Ipv4Addr::LOCALHOST);
    let url: Url = url.parse().ok()?;
    let instance = instance_of(&url)?;
    if scrapers.has_instance(&instance) {
        return None;
    }
    let endpoint = Endpoint { url, authorization: None };
    let answer = tokio::time::timeout(TIMEOUT, scrapers.client().metrics_page(&endpoint, TIMEOUT, 0)).await;
    let page = match answer {
        Ok(Ok(page)) => page,
        Ok(Err(failure)) => return Some(failure),
        Err(_) => return Some(Failure::Timeout),
    };
    let serves = |engine: &Engine| !matches!(engine.layer, Layer::Machine | Layer::Proxy);
    if let Some(engine) = engine_of_page(&page, serves) {
        info!(?instance, engine = engine.title, "found an inference server");
        let job = Some(engine.id.to_owned());
        let identity = Identity { job, replica: Some(instance.clone()), instance, ..Identity::default() };
        scrapers.add(Target { source: Source::Http(endpoint), identity, pace });
    }
    None
}
