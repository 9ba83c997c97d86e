//! Watches a cluster. After a failure, the watch restarts with increasing pauses.
use crate::sources::kubernetes::cluster::Cluster;
use crate::sources::kubernetes::connect::{Connection, connect};
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

/// The pause between attempts doubles from the minimum to the maximum.
const MIN_PAUSE: Duration = Duration::from_millis(500);
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// A watch that lasted this long resets the pause.
const MIN_STEADY_TIME: Duration = Duration::from_secs(1);

/// The pause after the API server denied access, which only a change of roles can fix.
const FORBIDDEN_PAUSE: Duration = Duration::from_secs(300);

/// How long the API server may take for a page of a list.
const LIST_TIMEOUT: Duration = Duration::from_secs(60);

/// Watches the pods of `cluster` until the task is aborted. Notifies `changed` when their targets change.
pub async fn watch_cluster(cluster: Arc<Cluster>, changed: Arc<Notify>) {
    let mut pause = MIN_PAUSE;
    loop {
        let mut listed_at = None;
        let failure = match connect(&cluster.spec).await {
            Ok(connection) => watch_pods(&cluster, &connection, &changed, &mut listed_at).await,
            Err(failure) => failure,
        };
        cluster.set_status(Err(failure));
        // If listing is allowed and watching is not, each watch fails right after its list.
        if listed_at.is_some_and(|at: Instant| at.elapsed() > MIN_STEADY_TIME) {
            pause = MIN_PAUSE;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(MAX_PAUSE);
    }
}

/// Watches the pods and the scaling of their workloads until the watch of the pods fails. Sets `listed_at` when the
/// first list is complete.
async fn watch_pods(
    cluster: &Cluster,
    Connection { client, default_namespace }: &Connection,
    changed: &Notify,
    listed_at: &mut Option<Instant>,
) -> Failure {
    let spec = &cluster.spec;
    let namespace = spec.namespace.as_deref().unwrap_or(default_namespace).to_owned();
    let mut targets: Vec<Arc<Target>> = cluster.targets();
    let pods = events::<Pod>(client, &namespace, watcher::Config::default().labels(&spec.selector));
    let apply = |event: Event<Pod>| {
        let is_list_complete = !matches!(event, Event::Init | Event::InitApply(_));
        cluster.state().pods.apply(spec, event);
        if is_list_complete {
            listed_at.get_or_insert_with(Instant::now);
            cluster.set_status(Ok(()));
            let current = cluster.targets();
            if current != targets {
                targets = current;
                changed.notify_one();
            }
        }
    };
    let deployments =
        watch_scale(client, &namespace, |event| cluster.state().scale.deployments.apply(event, of_deployment));
    let stateful_sets =
        watch_scale(client, &namespace, |event| cluster.state().scale.stateful_sets.apply(event, of_stateful_set));
    let autoscalers =
        watch_scale(client, &namespace, |event| cluster.state().scale.autoscalers.apply(event, of_autoscaler));
    tokio::select! {
        failure = apply_events(pods, apply) => failure,
        never = deployments => match never {},
        never = stateful_sets => match never {},
        never = autoscalers => match never {},
    }
}

/// Watches objects that the companion may lack access to. Without access there are none, and it tries again later.
async fn watch_scale<K: Watched>(client: &Client, namespace: &str, mut apply: impl FnMut(Event<K>)) -> Infallible {
    loop {
        let failure = apply_events(events(client, namespace, watcher::Config::default()), &mut apply).await;
        debug!(kind = %K::kind(&()), reason = failure.reason().id(), "cannot watch; trying again later");
        // The events of an empty list.
        apply(Event::Init);
        apply(Event::InitDone);
        tokio::time::sleep(match failure {
            Failure::Status { code: 401 | 403 | 404, .. } => FORBIDDEN_PAUSE,
            _ => MAX_PAUSE,
        })
        .await;
    }
}

/// Passes events to `apply` until a failure that the watch does not recover from on its own.
async fn apply_events<K>(
    events: impl Stream<Item = watcher::Result<Event<K>>>,
    mut apply: impl FnMut(Event<K>),
) -> Failure {
    let mut events = pin!(events);
    let mut is_listing = true;
    loop {
        // Only a list has a timeout: without changes, a watch has no events.
        let next = match is_listing {
            true => tokio::time::timeout(LIST_TIMEOUT, events.next()).await,
            false => Ok(events.next().await),
        };
        match next {
            Ok(Some(Ok(event))) => {
                is_listing = matches!(event, Event::Init | Event::InitApply(_));
                apply(event);
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

/// Kinds of objects that can be watched: those within a namespace.
trait Watched:
    Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned + Send + 'static
{
}

impl<K> Watched for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned + Send + 'static
{
}

/// The events of all objects of a kind in `namespace`, or in all namespaces if it is `*`.
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
