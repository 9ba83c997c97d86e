//! The whole program but its command line: everything started, joined, and ended together.
use crate::config::reload::follow;
use crate::config::{Settings, Sources};
use crate::history;
use crate::processes::Attribution;
use crate::scrape::fetch::Client;
use crate::scrape::local_discovery::{DEFAULT_ADDRESSES, PERIOD, discover};
use crate::scrape::scrapers::Scrapers;
use crate::sources::gpus::Gpus;
use crate::sources::host::Host;
use crate::sources::own::own_families;
use crate::target::identity::Identity;
use crate::target::source::LocalSource;
use crate::target::{Pace, Source, Target};
use crate::web::api;
use crate::web::api::evaluator::Evaluator;
use crate::web::api::metrics::OwnMetrics;
use crate::web::cors::{Cors, share};
use crate::web::frame_policy::Framing;
use crate::web::headers::{Hosts, guard};
use crate::web::{assets, listen as http, openmetrics as shared};
use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tsdb::Store;

/// Running it failed.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The address cannot be listened on.
    #[error("cannot listen on {listen}: {source}; give another address with --listen")]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The data directory cannot be used.
    #[error("{0}")]
    History(#[from] tsdb::OpenError),
    /// No HTTP client.
    #[error("cannot set up the HTTP client: {0}")]
    Client(#[from] reqwest::Error),
    /// No random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(#[from] getrandom::Error),
}

/// A companion that listens, and does nothing else yet.
#[derive(Debug)]
pub struct App {
    listener: TcpListener,
    address: SocketAddr,
    settings: Settings,
    client: Client,
    store: Store,
    framing: Framing,
    program: Option<PathBuf>,
}

impl App {
    /// Listens where `settings` say, and opens the history.
    ///
    /// # Errors
    /// When that is not possible.
    pub async fn bind(settings: Settings) -> Result<Self, AppError> {
        let listen = settings.listen;
        let listener = TcpListener::bind(listen).await.map_err(|source| AppError::Listen { listen, source })?;
        let address = listener.local_addr().map_err(|source| AppError::Listen { listen, source })?;
        let client = Client::new(exposition::Limits::default().body_bytes)?;
        let framing = Framing::new(&settings.frame_ancestors)?;
        let store = history::open(settings.data_dir.as_deref(), settings.limits)?;
        Ok(Self { listener, address, settings, client, store, framing, program: None })
    }

    /// The address with the real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets it start `program`, this program, once more to ask the GPUs' driver; without one GPUs are not measured.
    pub fn with_helpers(self, program: PathBuf) -> Self {
        Self { program: Some(program), ..self }
    }

    /// Collects and serves until `stop`; each message of `reloads` replaces the configured sources.
    pub async fn run(self, stop: impl Future<Output = ()>, reloads: mpsc::Receiver<Sources>) {
        let Self { listener, address, settings, client, store, framing, program } = self;
        let host = Host::new(settings.host_paths.clone());
        let gpus = settings.gpus.zip(program).map(|(settings, program)| (Gpus::default(), settings, program));
        let cards = gpus.as_ref().map(|(gpus, ..)| gpus.clone());
        let attribution = Attribution::new(settings.host_paths, cards.clone(), host.name());
        let scrapers = Arc::new(Scrapers::new(store.clone(), client).with_attribution(attribution));
        let mut hosts = settings.allowed_hosts.clone();
        if !address.ip().is_loopback() {
            hosts.extend(host.name());
        }
        let own = || own_targets(&store, &scrapers, host.clone(), cards.clone(), settings.pace);
        let metrics = OwnMetrics::new(own(), scrapers.client());
        own().into_iter().for_each(|target| scrapers.add(target));
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(history::write(store.clone()));
        tasks.spawn(history::maintain(store.clone()));
        if let Some((gpus, how, program)) = gpus {
            tasks.spawn(gpus.measure(how, program, settings.pace));
        }
        if settings.discovery {
            let addresses: Vec<_> =
                DEFAULT_ADDRESSES.into_iter().filter(|candidate| candidate.port != address.port()).collect();
            let scrapers = Arc::clone(&scrapers);
            tasks.spawn(async move { discover(scrapers, &addresses, PERIOD, settings.pace).await });
        }
        tasks.spawn(follow(Arc::clone(&scrapers), settings.sources, reloads));
        let guards = (Hosts::new(address, &hosts), framing);
        http::serve(listener, router(&store, metrics, scrapers, guards, &settings.cors_origins), stop).await;
        tasks.shutdown().await;
        history::close(store).await;
    }
}

/// All routes over `store` and the shared pages of `scrapers`, guarded; `own` is what this process says about itself,
/// `readers` are the origins that may read the API.
fn router(
    store: &Store,
    own: OwnMetrics,
    scrapers: Arc<Scrapers>,
    guards: (Hosts, Framing),
    readers: &[String],
) -> Router {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let evaluator = Evaluator::new(Arc::new(store.clone()), cores * 2);
    api::routes(Arc::new(evaluator), store.clone(), scrapers.metadata(), own)
        .merge(shared::routes(scrapers))
        .merge(assets::routes(guards.1.key.as_deref()))
        .fallback(|| async { (StatusCode::NOT_FOUND, "not found\n") })
        .layer(from_fn_with_state(Cors::new(readers, guards.1.clone()), share))
        .layer(from_fn_with_state(guards, guard))
}

/// This machine with its GPUs and this server, as targets like others.
fn own_targets(store: &Store, scrapers: &Scrapers, host: Host, gpus: Option<Gpus>, pace: Pace) -> [Target; 2] {
    let instance = host.name().unwrap_or_else(|| "localhost".into());
    let target = |job: &str, source: LocalSource| Target {
        source: Source::Local(source),
        identity: Identity { job: Some(job.into()), instance: instance.clone(), ..Identity::default() },
        pace,
    };
    let (store, refused) = (store.clone(), scrapers.refused());
    let machine = move || {
        let mut families = host.families();
        families.extend(gpus.iter().flat_map(|gpus| gpus.families().to_vec()));
        families
    };
    let own = move || own_families(&store.stats(), refused.by_reason());
    [target("host", Arc::new(machine)), target("inferboard", Arc::new(own))]
}
