//! Where a target's families come from.
use crate::target::endpoint::{Endpoint, instance_of};
use crate::target::failure::Failure;
use crate::target::model_name::ModelName;
use exposition::Family;
use futures::future::BoxFuture;
use std::fmt;
use std::sync::Arc;

/// Where a target's families come from.
pub enum Source {
    /// A metrics page at a URL.
    Http(Endpoint),
    /// A hosted platform's metrics page, which is served to other readers under a name.
    Hosted {
        /// The platform's metrics page.
        endpoint: Endpoint,
        /// The name under which it is served.
        name: String,
    },
    /// The metrics page of a Kubernetes pod, whose state its cluster reports.
    Pod {
        /// The metrics page.
        endpoint: Endpoint,
        /// Receives the model that the page names.
        model: Arc<ModelName>,
    },
    /// The JSON of a hosted platform's API.
    Api {
        /// The API's resource.
        endpoint: Endpoint,
        /// Converts the response body into families.
        families: fn(&[u8]) -> Result<Vec<Family>, Failure>,
    },
    /// A Kubernetes cluster that is watched by this process.
    Cluster(Arc<dyn FamilySource>),
    /// A collector in this process, which may block: it runs on a thread of its own.
    Local(LocalSource),
}

/// A source that waits for its families without blocking a thread.
pub trait FamilySource: Send + Sync {
    /// The current families.
    fn families(&self) -> BoxFuture<'_, Result<Vec<Family>, Failure>>;
}

/// A source that blocks the calling thread while it collects.
pub type LocalSource = Arc<dyn Fn() -> Vec<Family> + Send + Sync>;

impl Source {
    /// The endpoint that is requested over HTTP.
    pub fn endpoint(&self) -> Option<&Endpoint> {
        match self {
            Self::Http(endpoint)
            | Self::Hosted { endpoint, .. }
            | Self::Pod { endpoint, .. }
            | Self::Api { endpoint, .. } => Some(endpoint),
            Self::Cluster(_) | Self::Local(_) => None,
        }
    }

    /// Whether it has a metrics page.
    pub(crate) fn is_scraped(&self) -> bool {
        matches!(self, Self::Http(_) | Self::Hosted { .. } | Self::Pod { .. })
    }

    /// The name under which the metrics page is served to other readers.
    pub fn shared_name(&self) -> Option<&str> {
        match self {
            Self::Hosted { name, .. } => Some(name),
            _ => None,
        }
    }

    /// Whether it belongs to a hosted platform, whose `Retry-After` headers are respected.
    pub(crate) fn is_hosted(&self) -> bool {
        matches!(self, Self::Hosted { .. } | Self::Api { .. })
    }
}

/// Sources over HTTP are equal if they request the same; sources within this process only if they are the same object.
impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Local(own), Self::Local(other)) => Arc::ptr_eq(own, other),
            (Self::Cluster(own), Self::Cluster(other)) => Arc::ptr_eq(own, other),
            _ => {
                std::mem::discriminant(self) == std::mem::discriminant(other)
                    && self.endpoint() == other.endpoint()
                    && self.shared_name() == other.shared_name()
            }
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.endpoint() {
            // Without the query, which may hold a token.
            Some(Endpoint { url, .. }) => write!(f, "{}{}", instance_of(url).unwrap_or_default(), url.path()),
            None => f.write_str("this process"),
        }
    }
}
