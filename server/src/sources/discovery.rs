//! Finding inference servers on this machine, at the ports they usually have.
use crate::scrape::scrapers::Pool;
use crate::target::identity::Identity;
use crate::target::{Endpoint, Pace, Source, Target, instance_of};
use catalogue::{Layer, engine_of};
use exposition::{Limits, for_each_sample};
use reqwest::Url;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;
use tracing::info;

/// How often to look.
pub const PERIOD: Duration = Duration::from_secs(5);

/// How long one look may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where engines publish their metrics by default: vLLM, TensorRT-LLM's server, Triton, TGI and llama.cpp, SGLang.
pub const USUAL: [(u16, &str); 5] =
    [(8000, "/metrics"), (8000, "/prometheus/metrics"), (8002, "/metrics"), (8080, "/metrics"), (30000, "/metrics")];

/// Looks for engines at `places`, ports and paths on loopback, once per `period` for ever; scrapes what it finds at
/// `pace`. What was found stays a target when it goes down.
pub async fn discover(pool: Arc<Pool>, places: &[(u16, &str)], period: Duration, pace: Pace) {
    let mut period = tokio::time::interval(period);
    loop {
        period.tick().await;
        for (port, path) in places {
            look(&pool, *port, path, pace).await;
        }
    }
}

async fn look(pool: &Pool, port: u16, path: &str, pace: Pace) {
    let url = format!("http://{}:{port}{path}", Ipv4Addr::LOCALHOST);
    let Some((url, instance)) = url.parse().ok().and_then(|url: Url| Some((url.clone(), instance_of(&url)?))) else {
        return;
    };
    if pool.has_instance(&instance) {
        return;
    }
    let endpoint = Endpoint { url, authorization: None };
    let looked = tokio::time::timeout(PATIENCE, pool.client().page(&endpoint, PATIENCE, 0)).await;
    let Ok(Ok(page)) = looked else { return };
    let mut engine = None;
    let read = for_each_sample(&page.body, page.format, &Limits::default(), &mut |sample| {
        let serves =
            engine_of(sample.name).filter(|(_, engine)| !matches!(engine.layer, Layer::Machine | Layer::Proxy));
        engine = engine.into_iter().chain(serves.map(|(rank, engine)| (rank, engine.title))).min();
    });
    if let (Ok(()), Some((_, engine))) = (read, engine) {
        info!(?instance, engine, "found an inference server");
        let identity = Identity { replica: Some(instance.clone()), instance, ..Identity::default() };
        pool.add(Target { source: Source::Http(endpoint), identity, pace });
    }
}
