//! Engines that answer as Prometheus does, which the page queries through the companion: it has the credentials, and the
//! browser never sees them.
pub(crate) mod client;
pub(crate) mod paths;
pub(crate) mod routes;

use crate::target::Endpoint;
use catalogue::ScopeLabels;
use std::time::Duration;

/// An engine: Prometheus, Mimir, Thanos, VictoriaMetrics or another one.
#[derive(Debug, PartialEq)]
pub struct Backend {
    /// Its name on the page and in addresses.
    pub(crate) name: String,
    /// Its address without `/api/v1`, and how it is requested.
    pub(crate) endpoint: Endpoint,
    /// Parameters of every request. A client cannot set others of these names.
    pub(crate) parameters: Vec<(String, String)>,
    /// Its labels for the parts of the scope.
    pub(crate) labels: ScopeLabels,
    /// How long an answer may take.
    pub(crate) timeout: Duration,
}
