//! Where a secret is: in the configuration, or in a file that is read again and again.
use crate::target::secret::Secret;
use futures::future::BoxFuture;
use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

/// A file that holds a secret or a certificate. It is read for every scrape, so that a new token needs no restart.
pub trait SecretFile: Debug + Send + Sync {
    /// Where it is.
    fn path(&self) -> &Path;

    /// Its content as it is now, without white space around it; the previous content if it cannot be read soon.
    fn read(&self) -> BoxFuture<'_, Secret>;

    /// The content that was read last.
    fn last_read(&self) -> Secret;
}

/// A secret in the configuration, or in a file.
#[derive(Clone, Debug)]
pub enum SecretSource {
    /// It never changes.
    Fixed(Secret),
    /// It is what the file holds.
    File(Arc<dyn SecretFile>),
}

impl SecretSource {
    /// The secret as it is now.
    pub(crate) async fn current(&self) -> Secret {
        match self {
            Self::Fixed(secret) => secret.clone(),
            Self::File(file) => file.read().await,
        }
    }

    /// The secret that was used last.
    pub(crate) fn last_read(&self) -> Secret {
        match self {
            Self::Fixed(secret) => secret.clone(),
            Self::File(file) => file.last_read(),
        }
    }
}

/// Compares the configuration: the contents of a file may have changed.
impl PartialEq for SecretSource {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Fixed(own), Self::Fixed(other)) => own == other,
            (Self::File(own), Self::File(other)) => own.path() == other.path(),
            _ => false,
        }
    }
}

impl Eq for SecretSource {}
