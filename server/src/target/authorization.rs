//! What is sent as `Authorization`, and to whom.
use crate::target::failure::Failure;
use crate::target::secret::Secret;
use reqwest::StatusCode;
use reqwest::header::HeaderValue;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// What is sent as `Authorization` to one target.
#[derive(Debug)]
pub struct Authorization {
    scheme: String,
    /// Where the credentials are read again for every scrape, so that a new token needs no restart.
    file: Option<PathBuf>,
    credentials: Mutex<Secret>,
}

impl Authorization {
    /// Credentials that stay as they are.
    pub fn fixed(scheme: String, credentials: Secret) -> Self {
        Self { scheme, file: None, credentials: Mutex::new(credentials) }
    }

    /// Credentials in a file.
    ///
    /// # Errors
    /// When it cannot be read now. Later the last ones read are used.
    pub fn from_file(scheme: String, path: PathBuf) -> std::io::Result<Self> {
        let credentials = Secret::new(std::fs::read_to_string(&path)?.trim());
        Ok(Self { scheme, file: Some(path), credentials: Mutex::new(credentials) })
    }

    /// The header's value, and the secret in it.
    pub(crate) async fn header(&self) -> Result<(HeaderValue, Secret), Failure> {
        let credentials = self.current().await;
        let text = format!("{} {}", self.scheme, credentials.expose());
        // A header cannot hold such credentials, so the target would refuse them too.
        let mut value = HeaderValue::try_from(text).map_err(|_| Failure::status(StatusCode::UNAUTHORIZED))?;
        value.set_sensitive(true);
        Ok((value, credentials))
    }

    async fn current(&self) -> Secret {
        let read = match &self.file {
            Some(path) => tokio::fs::read_to_string(path).await.ok(),
            None => None,
        };
        if let Some(text) = read {
            *self.credentials.lock().unwrap_or_else(PoisonError::into_inner) = Secret::new(text.trim());
        }
        self.last_read()
    }

    fn last_read(&self) -> Secret {
        self.credentials.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Equal where the same would be sent, as far as it is configured: a file may hold other credentials by now.
impl PartialEq for Authorization {
    fn eq(&self, other: &Self) -> bool {
        let fixed = |own: &Self| own.file.is_none().then(|| own.last_read());
        self.scheme == other.scheme && self.file == other.file && fixed(self) == fixed(other)
    }
}
