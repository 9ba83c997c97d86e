//! A client for the API server of a cluster.
use crate::sources::kubernetes::Spec;
use crate::sources::kubernetes::failure::of_client;
use crate::target::failure::Failure;
use kube::client::ClientBuilder;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use std::time::Duration;
use tower::limit::RateLimitLayer;

const PATIENCE: Duration = Duration::from_secs(5);

/// The most requests in a span of time: a list of thousands of pods is quick, and a proxy that ends each watch as soon
/// as it begins does not make a flood of them.
const MOST_REQUESTS: u64 = 20;
const SPAN: Duration = Duration::from_secs(10);

/// The client that `spec` says, and the namespace that is the context's own.
pub(crate) async fn connect(spec: &Spec) -> Result<(Client, String), Failure> {
    let options = KubeConfigOptions { context: spec.context.clone(), ..KubeConfigOptions::default() };
    let mut config = match &spec.kubeconfig {
        Some(path) => {
            let kubeconfig = Kubeconfig::read_from(path).map_err(|_| Failure::Credentials)?;
            Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|_| Failure::Credentials)?
        }
        None if spec.context.is_some() => Config::from_kubeconfig(&options).await.map_err(|_| Failure::Credentials)?,
        None => Config::infer().await.map_err(|_| Failure::Credentials)?,
    };
    config.connect_timeout = Some(PATIENCE);
    // A failure is told at once, and the pause before the next attempt is the watch's.
    config.default_retry = false;
    let namespace = config.default_namespace.clone();
    let client = ClientBuilder::try_from(config).map_err(|error| of_client(&error))?;
    Ok((client.with_layer(&RateLimitLayer::new(MOST_REQUESTS, SPAN)).build(), namespace))
}
