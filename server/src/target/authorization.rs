//! The `Authorization` header of a target's requests.
use crate::target::failure::Failure;
use crate::target::secret::Secret;
use parking_lot::Mutex;
use reqwest::StatusCode;
use reqwest::header::HeaderValue;
use std::path::PathBuf;

/// The credentials for one target.
#[derive(Debug)]
pub struct Authorization {
    scheme: String,
    /// The file that holds the credentials. It is read for every scrape, so that a new token needs no restart.
    file: Option<PathBuf>,
    credentials: Mutex<Secret>,
}

impl Authorization {
    /// Credentials that never change.
    pub fn fixed(scheme: String, credentials: Secret) -> Self {
        Self { scheme, file: None, credentials: Mutex::new(credentials) }
    }

    /// Credentials in a file.
    ///
    /// # Errors
    /// If the file cannot be read now. If it cannot be read later, the previous credentials are used.
    pub fn from_file(scheme: String, path: PathBuf) -> std::io::Result<Self> {
        let credentials = Secret::new(std::fs::read_to_string(&path)?.trim());
        Ok(Self { scheme, file: Some(path), credentials: Mutex::new(credentials) })
    }

    /// The header's value, and the secret that it contains.
    pub(crate) async fn header(&self) -> Result<(HeaderValue, Secret), Failure> {
        let credentials = self.current().await;
        let text = format!("{} {}", self.scheme, credentials.expose());
        // A header cannot hold these credentials, so no target can accept them.
        let mut value = HeaderValue::try_from(text).map_err(|_| Failure::status(StatusCode::UNAUTHORIZED))?;
        value.set_sensitive(true);
        Ok((value, credentials))
    }

    /// The credentials as they are now.
    pub(crate) async fn current(&self) -> Secret {
        let read = match &self.file {
            Some(path) => tokio::fs::read_to_string(path).await.ok(),
            None => None,
        };
        if let Some(text) = read {
            *self.credentials.lock() = Secret::new(text.trim());
        }
        self.last_read()
    }

    /// The credentials that were used last.
    pub(crate) fn last_read(&self) -> Secret {
        self.credentials.lock().clone()
    }
}

/// Compares the configuration: the contents of a file may have changed.
impl PartialEq for Authorization {
    fn eq(&self, other: &Self) -> bool {
        let fixed = |own: &Self| own.file.is_none().then(|| own.last_read());
        self.scheme == other.scheme && self.file == other.file && fixed(self) == fixed(other)
    }
}
