//! `authorization` of a target: its credentials, or where to read them.
use crate::config::{ConfigError, secret_file, setting};
use crate::target::authorization::Authorization;
use crate::target::secret::Secret;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// `authorization`, with the keys of Prometheus and `credentials_env`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with credentials, credentials_file or credentials_env")]
pub(crate) struct AuthorizationEntry {
    #[serde(rename = "type")]
    scheme: Option<String>,
    credentials: Option<Secret>,
    credentials_file: Option<PathBuf>,
    credentials_env: Option<String>,
}

impl AuthorizationEntry {
    /// Credentials from the environment variable `name`.
    pub(crate) fn from_env(name: &str) -> Self {
        Self { credentials_env: Some(name.to_owned()), ..Self::default() }
    }

    /// The file that holds the credentials: their own, or `config` if they are in the configuration itself.
    pub(crate) fn secret_file<'p>(&'p self, config: &'p Path) -> Option<&'p Path> {
        self.credentials.as_ref().map(|_| config).or(self.credentials_file.as_deref())
    }

    /// The credentials of `target`, which error messages name. `scheme` is the default type.
    pub(crate) fn resolve(self, target: &str, scheme: &str) -> Result<Authorization, ConfigError> {
        let problem = |problem: String| setting(&format!("{target}: authorization"), problem);
        let scheme = self.scheme.unwrap_or_else(|| scheme.into());
        match (self.credentials, self.credentials_file, self.credentials_env) {
            (Some(credentials), None, None) => Ok(Authorization::fixed(scheme, credentials)),
            (None, Some(path), None) => {
                let file = secret_file::open(&path).map_err(|source| ConfigError::Read { path, source })?;
                Ok(Authorization::from_file(scheme, file))
            }
            (None, None, Some(name)) => match std::env::var(&name) {
                Ok(text) if !text.trim().is_empty() => Ok(Authorization::fixed(scheme, Secret::new(text.trim()))),
                _ => Err(problem(format!("the environment variable {name} is not set"))),
            },
            _ => Err(problem("set exactly one of credentials, credentials_file and credentials_env".into())),
        }
    }
}
