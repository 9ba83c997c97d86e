//! The configured identity of a target.
use crate::target::scope_rules::ScopeRules;

/// The labels that are configured for a target. Some of the absent ones are learned from its metrics page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The kind of target; by default [`DEFAULT_JOB`](crate::target::labels::DEFAULT_JOB).
    pub job: Option<String>,
    /// `host:port`, or another name of its location.
    pub instance: String,
    /// The served model; by default the one that the metrics page names.
    pub model: Option<String>,
    /// The environment, such as `production`.
    pub environment: Option<String>,
    /// The deployment, such as a version of the model's configuration.
    pub deployment: Option<String>,
    /// The replica.
    pub replica: Option<String>,
    /// Whether the configuration says that it is a replica, whatever its engine is.
    pub is_certainly_replica: bool,
    /// Additional labels.
    pub labels: Vec<(String, String)>,
    /// Rules for the labels that are absent above.
    pub rules: ScopeRules,
}
