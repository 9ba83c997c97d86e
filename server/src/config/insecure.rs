//! Warnings about servers whose certificates are not verified.
use crate::config::ConfiguredTargets;
use crate::remote_write::settings::RemoteWriteSettings;
use crate::web::backends::Backend;
use std::sync::Arc;

/// What follows from `insecure_skip_verify`.
pub(crate) const INSECURE: &str = "tls_config.insecure_skip_verify is set: whoever is on the way can read its credentials \
    and send other metrics; set tls_config.ca_file instead";

/// A warning for each target, backend and receiver whose certificate is not verified.
pub(crate) fn warnings(
    targets: &ConfiguredTargets,
    backends: &[Arc<Backend>],
    remote_write: &[RemoteWriteSettings],
) -> Vec<String> {
    let fixed = targets.fixed.iter().filter_map(|target| Some((target.name(), &target.source.endpoint()?.access)));
    let clusters = targets.clusters.iter().map(|source| (source.target.name(), &source.cluster.spec().access));
    let insecure = fixed.chain(clusters).filter(|(_, access)| access.is_insecure()).map(|(name, _)| name);
    let lists = targets.lists.iter().filter(|list| list.is_insecure()).map(|list| list.name());
    let files = targets.files.is_insecure().then(|| "file_sd".to_owned());
    let backends = backends.iter().filter(|backend| backend.endpoint.access.is_insecure());
    let backends = backends.map(|backend| format!("backend {}", backend.name));
    let receivers = remote_write.iter().filter(|remote| remote.endpoint.access.is_insecure());
    let receivers = receivers.map(|remote| format!("remote_write {}", remote.name));
    let names = insecure.chain(lists).chain(files).chain(backends).chain(receivers);
    names.map(|name| format!("{name}: {INSECURE}")).collect()
}
