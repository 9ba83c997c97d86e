//! Warnings about targets whose certificates are not verified.
use crate::config::ConfiguredTargets;
use crate::web::backends::Backend;
use std::sync::Arc;

/// What follows from `insecure_skip_verify`.
pub(crate) const INSECURE: &str = "tls_config.insecure_skip_verify is set: whoever is on the way can read its credentials \
    and send other metrics; set tls_config.ca_file instead";

/// A warning for each target and backend whose certificate is not verified.
pub(crate) fn warnings(targets: &ConfiguredTargets, backends: &[Arc<Backend>]) -> Vec<String> {
    let fixed = targets.fixed.iter().filter_map(|target| Some((target.name(), &target.source.endpoint()?.access)));
    let clusters = targets.clusters.iter().map(|source| (source.target.name(), &source.cluster.spec().access));
    let insecure = fixed.chain(clusters).filter(|(_, access)| access.is_insecure()).map(|(name, _)| name);
    let lists = targets.lists.iter().filter(|list| list.is_insecure()).map(|list| list.name());
    let files = targets.files.is_insecure().then(|| "file_sd".to_owned());
    let backends = backends.iter().filter(|backend| backend.endpoint.access.is_insecure());
    let backends = backends.map(|backend| format!("backend {}", backend.name));
    insecure.chain(lists).chain(files).chain(backends).map(|name| format!("{name}: {INSECURE}")).collect()
}
