//! `authorization` and `basic_auth` of a target: its credentials, or where to read them.
use crate::config::{ConfigError, secret_file, setting};
use crate::target::authorization::Authorization;
use crate::target::secret::Secret;
use crate::target::secret_source::SecretSource;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// `authorization`, with the keys of Prometheus and `credentials_env`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with credentials, credentials_file or credentials_env")]
pub(crate) struct AuthorizationEntry {
    #[serde(rename = "type")]
    scheme: Option<String>,
    credentials: Option<Secret>,
    credentials_file: Option<PathBuf>,
    credentials_env: Option<String>,
}

/// `basic_auth`, with the keys of Prometheus and `password_env`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with username and password, password_file or password_env")]
pub(crate) struct BasicAuthEntry {
    username: Option<String>,
    password: Option<Secret>,
    password_file: Option<PathBuf>,
    password_env: Option<String>,
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
        let scheme = self.scheme.unwrap_or_else(|| scheme.into());
        let name = format!("{target}: authorization");
        match (self.credentials, self.credentials_file, self.credentials_env) {
            (Some(credentials), None, None) => Ok(Authorization::new(scheme, SecretSource::Fixed(credentials))),
            (None, Some(path), None) => Ok(Authorization::new(scheme, from_file(path)?)),
            (None, None, Some(variable)) => Ok(Authorization::new(scheme, from_variable(&name, &variable)?)),
            _ => {
                let problem = "set exactly one of credentials, credentials_file and credentials_env";
                Err(setting(&name, problem.into()))
            }
        }
    }
}

impl BasicAuthEntry {
    /// The file that holds the password: its own, or `config` if it is in the configuration itself.
    pub(crate) fn secret_file<'p>(&'p self, config: &'p Path) -> Option<&'p Path> {
        self.password.as_ref().map(|_| config).or(self.password_file.as_deref())
    }

    /// The user and the password. Error messages call the entry `name`.
    pub(crate) fn resolve(self, name: &str) -> Result<Authorization, ConfigError> {
        let user = self.username.filter(|user| !user.is_empty() && !user.contains(':'));
        let user = user.ok_or_else(|| setting(name, "set username, which has no colon".into()))?;
        match (self.password, self.password_file, self.password_env) {
            (Some(password), None, None) => Ok(Authorization::basic(user, SecretSource::Fixed(password))),
            (None, Some(path), None) => Ok(Authorization::basic(user, from_file(path)?)),
            (None, None, Some(variable)) => Ok(Authorization::basic(user, from_variable(name, &variable)?)),
            _ => Err(setting(name, "set exactly one of password, password_file and password_env".into())),
        }
    }
}

/// The secret in the file at `path`, which is read again for every scrape.
pub(crate) fn from_file(path: PathBuf) -> Result<SecretSource, ConfigError> {
    secret_file::open(&path).map(SecretSource::File).map_err(|source| ConfigError::Read { path, source })
}

/// The secret in the environment variable `variable`. Error messages call the setting `name`.
pub(crate) fn from_variable(name: &str, variable: &str) -> Result<SecretSource, ConfigError> {
    match std::env::var(variable) {
        Ok(text) if !text.trim().is_empty() => Ok(SecretSource::Fixed(Secret::new(text.trim()))),
        _ => Err(setting(name, format!("the environment variable {variable} is not set"))),
    }
}
