//! Connects to the API server of a cluster.
use crate::sources::kubernetes::ClusterSpec;
use crate::sources::kubernetes::failure::of_client;
use crate::target::failure::Failure;
use kube::client::ClientBuilder;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use std::time::Duration;
use tower::limit::RateLimitLayer;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The rate limit. It is high enough to list thousands of pods quickly, and stops a flood of requests if a proxy ends
/// each watch at once.
const MAX_REQUESTS: u64 = 20;
const REQUEST_PERIOD: Duration = Duration::from_secs(10);

/// A client, with the namespace of its context.
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) default_namespace: String,
}

/// Creates a client for the cluster of `spec`.
pub(crate) async fn connect(spec: &ClusterSpec) -> Result<Connection, Failure> {
    let options = KubeConfigOptions { context: spec.context.clone(), ..KubeConfigOptions::default() };
    let mut config = match &spec.kubeconfig {
        Some(path) => {
            let kubeconfig = Kubeconfig::read_from(path).map_err(|_| Failure::Credentials)?;
            Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|_| Failure::Credentials)?
        }
        None if spec.context.is_some() => Config::from_kubeconfig(&options).await.map_err(|_| Failure::Credentials)?,
        None => Config::infer().await.map_err(|_| Failure::Credentials)?,
    };
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    // The watch retries with pauses of its own, and reports each failure at once.
    config.default_retry = false;
    let default_namespace = config.default_namespace.clone();
    let client = ClientBuilder::try_from(config).map_err(|error| of_client(&error))?;
    let client = client.with_layer(&RateLimitLayer::new(MAX_REQUESTS, REQUEST_PERIOD)).build();
    Ok(Connection { client, default_namespace })
}
