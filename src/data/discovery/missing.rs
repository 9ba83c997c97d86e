//! Why graphs are missing, from what the page knows of the targets.
use crate::data::discovery::scrapes::{FailedTargets, ReplicaCount};
use catalogue::{Graph, ScopeStatus, detect};
use std::collections::BTreeSet;

/// What the page knows of the targets in scope.
pub(crate) struct TargetFacts {
    pub(crate) replica_count: ReplicaCount,
    /// The targets whose scrapes fail.
    pub(crate) failed_targets: FailedTargets,
    /// Why GPUs are not measured.
    pub(crate) gpu_faults: Vec<String>,
}

/// Why a graph has nothing to draw, given the metric names in scope; none where its metrics exist.
pub(crate) fn missing_reason(graph: &Graph, names: &BTreeSet<&str>, facts: &TargetFacts) -> Option<String> {
    let engines = detect(names.iter().copied());
    let failures: Vec<&str> = facts.failed_targets.reasons.iter().map(String::as_str).collect();
    let gpu_faults: Vec<&str> = facts.gpu_faults.iter().map(String::as_str).collect();
    let status = ScopeStatus {
        targets: facts.replica_count.total,
        targets_up: facts.replica_count.answering,
        failures: &failures,
        gpu_faults: &gpu_faults,
        engines: &engines,
        present: &|name: &str| names.contains(name),
    };
    catalogue::missing_reason(graph, &status).map(|reason| reason.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalogue::graph;

    #[test]
    fn the_reason_follows_from_the_facts() {
        let volume = graph("volume").expect("a graph");
        let names = BTreeSet::from(["up", "node_memory_MemTotal_bytes"]);
        let facts = |answering, total, failures: &[&str]| TargetFacts {
            replica_count: ReplicaCount { answering, total },
            failed_targets: FailedTargets {
                reasons: failures.iter().map(|reason| (*reason).to_owned()).collect(),
                ..FailedTargets::default()
            },
            gpu_faults: Vec::new(),
        };
        let reason = |facts| missing_reason(volume, &names, &facts).expect("a reason");
        assert!(reason(facts(0, 0, &[])).starts_with("Nothing is scraped"));
        assert!(reason(facts(0, 1, &["connect"])).contains("(connect)"));
        assert!(!reason(facts(1, 1, &[])).contains("No target is responding"));
        let vllm = BTreeSet::from(["vllm:request_success_total"]);
        assert_eq!(missing_reason(volume, &vllm, &facts(1, 1, &[])), None);
    }
}
