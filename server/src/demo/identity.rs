//! The identity of a simulated target, as the companion's configuration would give it.
use crate::target::identity::Identity;
use crate::target::scope_rules::ScopeRules;
use fleet_simulation::{Target, TargetKind};

/// The labels of a target's series.
pub(crate) fn identity(target: &Target) -> Identity {
    let Target { kind, instance, model, environment, deployment, replica } = target.clone();
    let (job, rules) = match kind {
        TargetKind::Replica => (None, ScopeRules::default()),
        TargetKind::Machine => (Some("dcgm"), ScopeRules::default()),
        // As for a Kubernetes cluster and a hosted endpoint that are configured.
        TargetKind::Cluster => (Some("kubernetes"), ScopeRules { model: Vec::new(), ..ScopeRules::default() }),
        TargetKind::HostedMetrics => {
            (Some("huggingface"), ScopeRules { replica: vec!["replica_id".into()], ..ScopeRules::default() })
        }
        TargetKind::HostedState => (Some("huggingface-state"), ScopeRules::default()),
    };
    Identity {
        job: job.map(str::to_owned),
        instance,
        model,
        environment,
        deployment,
        replica,
        rules,
        ..Identity::default()
    }
}
