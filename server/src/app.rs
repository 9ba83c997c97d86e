//! The companion as a whole: starts its tasks, serves HTTP, and stops everything in order.
use crate::clock::jumps;
use crate::config::reload::apply_targets;
use crate::config::{ConfiguredTargets, Settings};
use crate::demo::DemoFleet;
use crate::demo::live::LiveDemo;
use crate::history::noted::NotedStore;
use crate::history::{self, HistoryThreads};
use crate::kept::Kept;
use crate::processes::Attribution;
use crate::remote_write::counters::Receivers;
use crate::remote_write::families::families as remote_write_families;
use crate::remote_write::{RemoteWrite, Senders};
use crate::scrape::fetch::Client;
use crate::scrape::local_discovery::{DEFAULT_ADDRESSES, Discovery};
use crate::scrape::scrapers::Scrapers;
use crate::sources::gpus::Gpus;
use crate::sources::host::Host;
use crate::sources::own::own_families;
use crate::target::identity::Identity;
use crate::target::source::LocalSource;
use crate::target::{HOST_JOB, Pace, Source, Target};
use crate::web::access::read_right::{ReadRight, check_reading};
use crate::web::access::write_right::WriteRight;
use crate::web::access::{Keyring, sign_in};
use crate::web::api;
use crate::web::api::evaluator::Evaluator;
use crate::web::api::kept::KeptState;
use crate::web::api::metrics::OwnMetrics;
use crate::web::api::status::PageConfig;
use crate::web::backends::routes::Forwarder;
use crate::web::cors::{Cors, apply_cors};
use crate::web::cross_site::refuse_cross_site;
use crate::web::frame_policy::FramePolicy;
use crate::web::headers::{Guard, guard};
use crate::web::hosts::AllowedHosts;
use crate::web::listen::address::ListenAddress;
use crate::web::listen::listener::{ListenError, Listener};
use crate::web::listen::tls::Tls;
use crate::web::{assets, listen, openmetrics};
use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::{error, warn};
use tsdb::{FileSystem, Store};

/// Why the companion cannot start. Each message is complete: it includes the cause.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The server cannot listen.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The data directory cannot be used.
    #[error(transparent)]
    History(#[from] tsdb::OpenError),
    /// The queue of remote write cannot be used.
    #[error("the queue of remote_write: {0}")]
    RemoteWrite(#[from] tsdb::QueueError),
    /// The system has no threads for the history.
    #[error("cannot start the threads that write the history: {0}; raise the limit of processes")]
    Threads(std::io::Error),
    /// The HTTP client cannot be created.
    #[error("cannot create the HTTP client: {0}")]
    Client(#[from] rustls::Error),
    /// The system provides no random bytes.
    #[error("cannot get random bytes from the system: {0}")]
    Random(#[from] getrandom::Error),
    /// The signal handlers cannot be installed.
    #[error("cannot install signal handlers: {0}")]
    Signals(std::io::Error),
}

/// A companion that has opened its socket and its history, and has not started yet.
#[derive(Debug)]
pub struct App {
    listener: Listener,
    address: ListenAddress,
    settings: Settings,
    client: Client,
    store: Store,
    history: HistoryThreads,
    remote_write: Option<RemoteWrite>,
    frame_policy: FramePolicy,
    kept: KeptState,
    keyring: Arc<Keyring>,
    gpu_helper: Option<PathBuf>,
    demo: Option<DemoFleet>,
}

/// How long the tasks may take to end, and the history to be closed. With what [`listen::serve`] takes at its end, this is
/// below five seconds.
const MAX_END_TIME: Duration = Duration::from_millis(300);
const MAX_CLOSE_TIME: Duration = Duration::from_millis(1200);

impl App {
    /// Opens the socket and the history.
    ///
    /// # Errors
    /// If either cannot be opened.
    pub async fn bind(mut settings: Settings) -> Result<Self, AppError> {
        let listener = Listener::bind(&settings.web.listen, settings.web.socket_mode).await?;
        let address = listener.address()?;
        let client = Client::new(exposition::Limits::default().body_bytes)?;
        let frame_policy = FramePolicy::new(&settings.web.frame_ancestors)?;
        let (store, files) = history::open(settings.data_dir.as_deref(), settings.limits)?;
        let receivers = std::mem::take(&mut settings.remote_write);
        let remote_write = RemoteWrite::open(receivers, settings.data_dir.as_deref(), &store)?;
        let kept_files = files.clone().map(|files| Arc::new(files) as Arc<dyn FileSystem>);
        let kept = Kept::open(settings.data_dir.as_deref(), kept_files);
        let keyring =
            Arc::new(Keyring::new(settings.web.access.clone(), &address, settings.web.rules.base_path.clone()));
        let kept = KeptState { kept, right: WriteRight::new(Arc::clone(&keyring))? };
        let history = HistoryThreads::start(&store, files).map_err(AppError::Threads)?;
        Ok(Self {
            listener,
            address,
            settings,
            client,
            store,
            history,
            remote_write,
            frame_policy,
            kept,
            keyring,
            gpu_helper: None,
            demo: None,
        })
    }

    /// The address it listens on, with the actual port if port 0 was configured.
    pub fn address(&self) -> &ListenAddress {
        &self.address
    }

    /// The address of the page; of a socket only that, as no browser opens it.
    pub fn url(&self) -> String {
        match &self.address {
            ListenAddress::Network(address) => {
                let web = &self.settings.web;
                format!("{}://{address}{}", web.scheme(), web.rules.base_path.as_str())
            }
            ListenAddress::Socket(_) => self.address.to_string(),
        }
    }

    /// Measures GPUs with the help of `program`, which is this program. Without it, GPUs are not measured.
    pub fn with_gpu_helper(self, program: PathBuf) -> Self {
        Self { gpu_helper: Some(program), ..self }
    }

    /// Serves a simulated fleet, and nothing of this machine.
    pub fn with_demo(self, demo: DemoFleet) -> Self {
        Self { demo: Some(demo), ..self }
    }

    /// Collects and serves until `stop`. Each message of `reloads` replaces the configured targets.
    pub async fn run(self, stop: impl Future<Output = ()>, reloads: mpsc::Receiver<ConfiguredTargets>) {
        let Self { listener, address, settings, client, store, history, remote_write, .. } = self;
        let (frame_policy, kept, keyring, gpu_helper, demo) =
            (self.frame_policy, self.kept, self.keyring, self.gpu_helper, self.demo);
        let is_demo = demo.is_some();
        let host = Host::new(settings.host_paths.clone());
        let gpu_collector = settings.gpus.zip(gpu_helper);
        let gpus = gpu_collector.is_some().then(Gpus::default);
        let attribution = Attribution::new(settings.host_paths, gpus.clone(), host.name());
        let scrapers =
            Arc::new(Scrapers::new(store.clone(), client).with_attribution(attribution).with_machine(host.identity()));
        let mut hosts = settings.web.allowed_hosts.clone();
        if !address.is_local() {
            hosts.extend(host.name());
        }
        let receivers = Receivers::default();
        let senders = remote_write.map(|remote| remote.start(scrapers.client(), &scrapers.metadata(), &receivers));
        let senders = senders.transpose().unwrap_or_else(|error| {
            error!("nothing is sent to the receivers of remote_write: the system has no thread for it: {error}");
            None
        });
        let own = || {
            let machine = (!is_demo).then(|| host.clone());
            own_targets(&store, &scrapers, &receivers, (machine, gpus.clone()), settings.pace)
        };
        let metrics = OwnMetrics::new(own(), scrapers.client());
        // What is simulated stands alone.
        if !is_demo {
            own().into_iter().for_each(|target| scrapers.add(target));
        }
        let live = demo.map(|demo| LiveDemo::start(demo, store.clone(), scrapers.metadata(), scrapers.refused()));
        let _live = live.transpose().unwrap_or_else(|error| {
            warn!("the demo does not go on: {error}");
            None
        });
        let mut tasks = JoinSet::new();
        if let Some((gpus, (gpu_settings, program))) = gpus.clone().zip(gpu_collector) {
            tasks.spawn(gpus.measure(gpu_settings, program, settings.pace));
        }
        if settings.discovery {
            let discovery = Discovery::new(Arc::clone(&scrapers), &DEFAULT_ADDRESSES, settings.pace)
                .without_port(address.network().map(|address| address.port()))
                .with_processes(scrapers.attribution())
                .with_containers(settings.container_socket);
            tasks.spawn(discovery.run());
        }
        tasks.spawn(apply_targets(Arc::clone(&scrapers), settings.targets, reloads));
        let base_path = settings.web.rules.base_path.clone();
        let guard = Guard { hosts: AllowedHosts::new(address.network(), &hosts), frame_policy, base_path };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let evaluator =
            Arc::new(Evaluator::new(Arc::new(NotedStore(store.clone())), cores * 2, settings.request_bytes));
        let peers = evaluator.peers();
        let web = settings.web;
        let page = PageConfig {
            is_demo,
            is_open: web.is_open_network,
            frame_ancestors: web.frame_ancestors,
            backends: settings.backends,
            own_names: settings.own_names,
            thresholds: settings.thresholds,
        };
        let forwarder = Forwarder::new(scrapers.client().clone(), Arc::clone(&evaluator));
        let backends = forwarder.routes(&page, &keyring, guard.frame_policy.key.as_deref());
        let api = api::routes(evaluator, store.clone(), scrapers.metadata(), metrics, &page);
        let api = api.merge(api::kept_routes(kept)).merge(backends);
        let router = router(api, scrapers, guard, (keyring, &web.cors_origins));
        let tls = web.certificate.as_ref().map(Tls::new);
        let service = listen::Served { router, tls, rules: web.rules, peers };
        if let Some(certificate) = web.certificate {
            tasks.spawn(certificate.reload_when_changed());
        }
        listen::serve(listener, service, stop).await;
        end(tasks, senders).await;
        history.close(MAX_CLOSE_TIME).await;
    }
}

/// Ends the tasks, and the sending to receivers.
async fn end(mut tasks: JoinSet<()>, senders: Option<Senders>) {
    let ended = tokio::time::timeout(MAX_END_TIME, tasks.shutdown());
    let sent = async {
        if let Some(senders) = senders {
            senders.stop(MAX_END_TIME).await;
        }
    };
    if tokio::join!(ended, sent).0.is_err() {
        warn!("some tasks did not end");
    }
}

/// All routes: those of `api`, the metrics pages that `scrapers` share, and the page.
fn router(
    api: Router,
    scrapers: Arc<Scrapers>,
    guard_rules: Guard,
    (keyring, cors_origins): (Arc<Keyring>, &[String]),
) -> Router {
    let cors = Cors::new(cors_origins, guard_rules.frame_policy.clone());
    api.merge(openmetrics::routes(scrapers))
        .merge(assets::routes("", guard_rules.frame_policy.key.as_deref()))
        .merge(sign_in::routes("", Arc::clone(&keyring)))
        .fallback(|| async { (StatusCode::NOT_FOUND, "not found\n") })
        .layer(from_fn_with_state(ReadRight::new(keyring, cors.clone()), check_reading))
        .layer(from_fn_with_state(cors.clone(), apply_cors))
        .layer(from_fn_with_state(cors, refuse_cross_site))
        .layer(from_fn_with_state(guard_rules, guard))
}

/// The targets within this process: this machine with its GPUs, unless there is no `host`, and the companion itself.
fn own_targets(
    store: &Store,
    scrapers: &Scrapers,
    receivers: &Receivers,
    (host, gpus): (Option<Host>, Option<Gpus>),
    pace: Pace,
) -> Vec<Target> {
    let instance = host.as_ref().and_then(Host::name).unwrap_or_else(|| "localhost".into());
    let target = |job: &str, source: LocalSource| Target {
        source: Source::Local(source),
        identity: Identity { job: Some(job.into()), instance: instance.clone(), ..Identity::default() },
        pace,
    };
    let (store, refused, receivers) = (store.clone(), scrapers.refused(), receivers.clone());
    let machine = host.map(|host| {
        let families = move || {
            let mut families = host.families();
            families.extend(gpus.iter().flat_map(|gpus| gpus.families().to_vec()));
            families
        };
        target(HOST_JOB, Arc::new(families))
    });
    let companion = move || {
        let mut families = own_families(&store.stats(), &jumps(), refused.by_reason());
        let reports = receivers.reports();
        if !reports.is_empty() {
            families.extend(remote_write_families(&reports));
        }
        families
    };
    machine.into_iter().chain([target("inferboard", Arc::new(companion))]).collect()
}
