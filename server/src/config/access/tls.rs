//! `tls_config`: the TLS settings of a target.
use crate::config::{ConfigError, secret_file, setting};
use crate::scrape::tls::client_config;
use crate::target::secret_source::SecretFile;
use crate::target::tls::{TlsIdentity, TlsSettings};
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::Arc;

/// `tls_config`, with the keys of Prometheus.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table with ca_file, cert_file and key_file, or server_name")]
pub(crate) struct TlsEntry {
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) cert_file: Option<PathBuf>,
    pub(crate) key_file: Option<PathBuf>,
    pub(crate) server_name: Option<String>,
    pub(crate) insecure_skip_verify: bool,
}

impl TlsEntry {
    /// The settings of `target`, whose files must hold what they should. Error messages name it.
    pub(crate) fn resolve(self, target: &str) -> Result<TlsSettings, ConfigError> {
        let name = format!("{target}: tls_config");
        let problem = |problem: String| setting(&name, problem);
        let identity = match (self.cert_file, self.key_file) {
            (Some(certificate), Some(key)) => Some(TlsIdentity { certificate: open(certificate)?, key: open(key)? }),
            (None, None) => None,
            _ => return Err(problem("set both cert_file and key_file, or neither".into())),
        };
        let server_name = self.server_name.map(|server| {
            let invalid = format!("server_name: {server:?} is neither a host name nor an address");
            server.try_into().map_err(|_| problem(invalid))
        });
        if self.insecure_skip_verify && self.ca_file.is_some() {
            return Err(problem("ca_file has no effect with insecure_skip_verify; set one of them".into()));
        }
        let settings = TlsSettings {
            ca: self.ca_file.map(open).transpose()?,
            identity,
            server_name: server_name.transpose()?,
            insecure_skip_verify: self.insecure_skip_verify,
        };
        client_config(Some(&settings), &settings.last_read()).map_err(|error| problem(error.to_string()))?;
        Ok(settings)
    }
}

fn open(path: PathBuf) -> Result<Arc<dyn SecretFile>, ConfigError> {
    secret_file::open(&path).map_err(|source| ConfigError::Read { path, source })
}
