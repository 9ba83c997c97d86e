//! The target model: where families come from, how their series are labelled, and how often they are scraped.
pub mod access;
pub mod authorization;
mod base64;
pub mod echo;
pub mod endpoint;
pub mod error_causes;
pub mod extra_sample;
pub mod failure;
pub mod identity;
pub mod labels;
pub mod learned;
pub mod machine;
pub mod model_name;
pub mod pace;
pub mod proxy;
pub mod scope_rules;
pub mod secret;
pub mod secret_source;
pub mod source;
pub mod tls;

pub use endpoint::{Endpoint, instance_of};
pub use model_name::ModelName;
pub use pace::Pace;
pub use source::Source;

use crate::target::identity::Identity;

/// An address that is scraped, or a collector of this process.
#[derive(Debug, PartialEq)]
pub struct Target {
    /// Where its families come from.
    pub source: Source,
    /// The labels of all its series.
    pub identity: Identity,
    /// How often it is scraped.
    pub pace: Pace,
}

/// The job of the machine that the companion runs on.
pub const HOST_JOB: &str = "host";

impl Target {
    /// A key that is unique among targets. It may hold a token from the URL's query, so it must not be logged.
    pub fn key(&self) -> &str {
        match &self.source {
            Source::Local(_) => self.identity.job.as_deref().unwrap_or_default(),
            source => source.endpoint().map_or(&*self.identity.instance, |endpoint| endpoint.url.as_str()),
        }
    }

    /// Whether it is a replica whose state is learned from probes.
    pub fn is_probed(&self) -> bool {
        matches!(self.source, Source::Http(_)) && self.identity.replica.is_some()
    }

    /// Whether it is the companion's own collector of the machine that it runs on.
    pub fn is_own_machine(&self) -> bool {
        matches!(self.source, Source::Local(_)) && self.key() == HOST_JOB
    }

    /// Its name in logs.
    pub fn name(&self) -> String {
        match &self.source {
            Source::Local(_) => self.key().to_owned(),
            Source::Cluster(_) => format!("kubernetes {}", self.identity.instance),
            source => format!("{source:?}"),
        }
    }
}
