//! The `Authorization` header of a target's requests.
use crate::target::failure::Failure;
use crate::target::secret::Secret;
use futures::future::BoxFuture;
use reqwest::header::HeaderValue;
use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

/// The credentials for one target.
#[derive(Debug)]
pub struct Authorization {
    scheme: String,
    credentials: Credentials,
}

#[derive(Debug)]
enum Credentials {
    Fixed(Secret),
    File(Arc<dyn SecretFile>),
}

/// A file that holds credentials. It is read for every scrape, so that a new token needs no restart.
pub trait SecretFile: Debug + Send + Sync {
    /// Where it is.
    fn path(&self) -> &Path;

    /// Its content as it is now, without white space around it; the previous content if it cannot be read soon.
    fn read(&self) -> BoxFuture<'_, Secret>;

    /// The content that was read last.
    fn last_read(&self) -> Secret;
}

impl Authorization {
    /// Credentials that never change.
    pub fn fixed(scheme: String, credentials: Secret) -> Self {
        Self { scheme, credentials: Credentials::Fixed(credentials) }
    }

    /// Credentials in a file.
    pub fn from_file(scheme: String, file: Arc<dyn SecretFile>) -> Self {
        Self { scheme, credentials: Credentials::File(file) }
    }

    /// The header's value, and the secret that it contains.
    ///
    /// # Errors
    /// If there are no credentials, or a header cannot hold them.
    pub(crate) async fn header(&self) -> Result<(HeaderValue, Secret), Failure> {
        let credentials = self.current().await;
        let text = format!("{} {}", self.scheme, credentials.expose());
        let value = HeaderValue::try_from(text).ok().filter(|_| !credentials.expose().is_empty());
        let mut value = value.ok_or(Failure::Credentials)?;
        value.set_sensitive(true);
        Ok((value, credentials))
    }

    /// The credentials as they are now.
    pub(crate) async fn current(&self) -> Secret {
        match &self.credentials {
            Credentials::Fixed(secret) => secret.clone(),
            Credentials::File(file) => file.read().await,
        }
    }

    /// The credentials that were used last.
    pub(crate) fn last_read(&self) -> Secret {
        match &self.credentials {
            Credentials::Fixed(secret) => secret.clone(),
            Credentials::File(file) => file.last_read(),
        }
    }
}

/// Compares the configuration: the contents of a file may have changed.
impl PartialEq for Authorization {
    fn eq(&self, other: &Self) -> bool {
        let is_same = match (&self.credentials, &other.credentials) {
            (Credentials::Fixed(own), Credentials::Fixed(other)) => own == other,
            (Credentials::File(own), Credentials::File(other)) => own.path() == other.path(),
            _ => false,
        };
        is_same && self.scheme == other.scheme
    }
}
