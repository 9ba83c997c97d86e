//! Discovers inference servers on this machine at their default ports.
use crate::scrape::scrapers::Scrapers;
use crate::target::identity::Identity;
use crate::target::{Endpoint, Pace, Source, Target, instance_of};
use catalogue::{Layer, engine_of};
use exposition::{Limits, for_each_sample};
use reqwest::Url;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;
use tracing::info;

/// The time between two searches.
pub const PERIOD: Duration = Duration::from_secs(5);

/// How long one address may take to answer.
const TIMEOUT: Duration = Duration::from_secs(1);

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
    let mut period = tokio::time::interval(period);
    loop {
        period.tick().await;
        for address in addresses {
            probe(&scrapers, *address, pace).await;
        }
    }
}

async fn probe(scrapers: &Scrapers, LocalAddress { port, path }: LocalAddress, pace: Pace) {
    let url = format!("http://{}:{port}{path}", Ipv4Addr::LOCALHOST);
    let Some((url, instance)) = url.parse().ok().and_then(|url: Url| Some((url.clone(), instance_of(&url)?))) else {
        return;
    };
    if scrapers.has_instance(&instance) {
        return;
    }
    let endpoint = Endpoint { url, authorization: None };
    let answer = tokio::time::timeout(TIMEOUT, scrapers.client().metrics_page(&endpoint, TIMEOUT, 0)).await;
    let Ok(Ok(page)) = answer else { return };
    let mut engine = None;
    let read = for_each_sample(&page.body, page.format, &Limits::default(), &mut |sample| {
        let serves =
            engine_of(sample.name).filter(|(_, engine)| !matches!(engine.layer, Layer::Machine | Layer::Proxy));
        engine = engine.into_iter().chain(serves.map(|(rank, engine)| (rank, engine.id, engine.title))).min();
    });
    if let (Ok(()), Some((_, job, engine))) = (read, engine) {
        info!(?instance, engine, "found an inference server");
        let job = Some(job.to_owned());
        let identity = Identity { job, replica: Some(instance.clone()), instance, ..Identity::default() };
        scrapers.add(Target { source: Source::Http(endpoint), identity, pace });
    }
}
