//! Following a cluster: lists and watches, begun anew after failures with growing pauses.
use crate::sources::kubernetes::cluster::Cluster;
use crate::sources::kubernetes::connect::connect;
use crate::sources::kubernetes::failure::of_watch;
use crate::sources::kubernetes::scaling::{of_autoscaler, of_deployment, of_stateful_set};
use crate::target::Target;
use crate::target::failure::Failure;
use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::api::Api;
use kube::core::NamespaceResourceScope;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher;
use kube::runtime::watcher::Event;
use kube::{Client, Resource};
use serde::de::DeserializeOwned;
use std::convert::Infallible;
use std::fmt::Debug;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tracing::debug;

/// Pauses between attempts: the first, doubled up to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LAST_PAUSE: Duration = Duration::from_secs(30);

/// A watch that lasted this long had worked.
const STEADY: Duration = Duration::from_secs(1);

/// The pause after a refusal that only another role would change.
const REFUSED_PAUSE: Duration = Duration::from_secs(300);

/// The longest that a page of a list may take.
const LIST_PATIENCE: Duration = Duration::from_secs(60);

/// Follows the pods of `cluster` for ever, and tells `changed` whenever other targets come of it.
pub async fn follow_cluster(cluster: Arc<Cluster>, changed: Arc<Notify>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let mut following_since = None;
        let failure = match connect(&cluster.spec).await {
            Ok((client, namespace)) => follow_pods(&cluster, &client, &namespace, &changed, &mut following_since).await,
            Err(failure) => failure,
        };
        cluster.tell(Err(failure));
        // Who may list and not watch is told so at once, each time.
        if following_since.is_some_and(|since: Instant| since.elapsed() > STEADY) {
            pause = FIRST_PAUSE;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

/// Follows until there is a failure, and notes when the first list was there. What else there is to know of scaling is
/// followed beside it, as far as it may be.
async fn follow_pods(
    cluster: &Cluster,
    client: &Client,
    namespace: &str,
    changed: &Notify,
    following_since: &mut Option<Instant>,
) -> Failure {
    let spec = &cluster.spec;
    let namespace = spec.namespace.as_deref().unwrap_or(namespace).to_owned();
    let mut targets: Vec<Arc<Target>> = cluster.targets();
    let pods = events::<Pod>(client, &namespace, watcher::Config::default().labels(&spec.selector));
    let take = |event: Event<Pod>| {
        let is_listed = !matches!(event, Event::Init | Event::InitApply(_));
        cluster.known().pods.take(spec, event);
        if is_listed {
            following_since.get_or_insert_with(Instant::now);
            cluster.tell(Ok(()));
            let now = cluster.targets();
            if now != targets {
                targets = now;
                changed.notify_one();
            }
        }
    };
    let scale = (
        follow_scale(client, &namespace, |event| cluster.known().scale.deployments.take(event, of_deployment)),
        follow_scale(client, &namespace, |event| cluster.known().scale.stateful_sets.take(event, of_stateful_set)),
        follow_scale(client, &namespace, |event| cluster.known().scale.autoscalers.take(event, of_autoscaler)),
    );
    tokio::select! {
        failure = follow_events(pods, take) => failure,
        never = scale.0 => match never {},
        never = scale.1 => match never {},
        never = scale.2 => match never {},
    }
}

/// Follows what may be forbidden: then nothing is known of it, and it is tried again now and then.
async fn follow_scale<K: Watched>(client: &Client, namespace: &str, mut take: impl FnMut(Event<K>)) -> Infallible {
    loop {
        let failure = follow_events(events(client, namespace, watcher::Config::default()), &mut take).await;
        debug!(kind = %K::kind(&()), reason = failure.reason().id(), "not followed");
        // As if a list had come that is empty.
        take(Event::Init);
        take(Event::InitDone);
        tokio::time::sleep(match failure {
            Failure::Status { code: 401 | 403 | 404, .. } => REFUSED_PAUSE,
            _ => LAST_PAUSE,
        })
        .await;
    }
}

/// Hands events to `take` until there is a failure that the watch does not get over by itself.
async fn follow_events<K>(
    events: impl Stream<Item = watcher::Result<Event<K>>>,
    mut take: impl FnMut(Event<K>),
) -> Failure {
    let mut events = pin!(events);
    let mut is_listing = true;
    loop {
        // A watch may be silent for long, a list may not.
        let next = match is_listing {
            true => tokio::time::timeout(LIST_PATIENCE, events.next()).await,
            false => Ok(events.next().await),
        };
        match next {
            Ok(Some(Ok(event))) => {
                is_listing = matches!(event, Event::Init | Event::InitApply(_));
                take(event);
            }
            Ok(Some(Err(error))) => {
                if let Some(failure) = of_watch(&error) {
                    return failure;
                }
            }
            Ok(None) => return Failure::Connect,
            Err(_) => return Failure::Timeout,
        }
    }
}

/// What can be followed: objects of a namespace.
trait Watched:
    Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned + Send + 'static
{
}

impl<K> Watched for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned + Send + 'static
{
}

/// The events of all objects of a kind in `namespace`, where `*` stands for all namespaces.
fn events<K: Watched>(
    client: &Client,
    namespace: &str,
    config: watcher::Config,
) -> impl Stream<Item = watcher::Result<Event<K>>> {
    let api: Api<K> = match namespace {
        "*" => Api::all(client.clone()),
        namespace => Api::namespaced(client.clone(), namespace),
    };
    watcher(api, config).default_backoff()
}
