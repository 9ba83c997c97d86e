//! The TLS settings of a target: which authorities are trusted, and with which certificate the companion shows who it is.
use crate::target::secret::Secret;
use crate::target::secret_source::SecretFile;
use futures::future::join;
use rustls::pki_types::ServerName;
use std::hash::{Hash, Hasher};
use std::path::Path;
use std::sync::Arc;

/// How the connections to a target are encrypted.
#[derive(Clone, Debug, Default)]
pub struct TlsSettings {
    /// The authorities that are trusted; none for those that browsers trust.
    pub ca: Option<Arc<dyn SecretFile>>,
    /// The companion's own certificate, for servers that ask for one.
    pub identity: Option<TlsIdentity>,
    /// The name that the server's certificate must have; none for the one in the URL.
    pub server_name: Option<ServerName<'static>>,
    /// Whether any certificate will do.
    pub insecure_skip_verify: bool,
}

/// A certificate with those of the authorities between, and its private key. Both files are in PEM form.
#[derive(Clone, Debug)]
pub struct TlsIdentity {
    /// The certificates.
    pub certificate: Arc<dyn SecretFile>,
    /// The key.
    pub key: Arc<dyn SecretFile>,
}

/// What the files of TLS settings hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// The authorities.
    pub ca: Option<Secret>,
    /// The certificate and its key.
    pub identity: Option<(Secret, Secret)>,
}

impl TlsSettings {
    /// What the files hold now.
    pub(crate) async fn read(&self) -> TlsFiles {
        let ca = async {
            match &self.ca {
                Some(file) => Some(file.read().await),
                None => None,
            }
        };
        let identity = async {
            match &self.identity {
                Some(TlsIdentity { certificate, key }) => Some(join(certificate.read(), key.read()).await),
                None => None,
            }
        };
        // At once: each may be on storage that hangs.
        let (ca, identity) = join(ca, identity).await;
        TlsFiles { ca, identity }
    }

    /// What was read of the files last.
    pub(crate) fn last_read(&self) -> TlsFiles {
        TlsFiles {
            ca: self.ca.as_ref().map(|file| file.last_read()),
            identity: self.identity.as_ref().map(|own| (own.certificate.last_read(), own.key.last_read())),
        }
    }

    /// What tells these settings from others: the paths of the files rather than their contents.
    fn parts(&self) -> ([Option<&Path>; 3], &Option<ServerName<'static>>, bool) {
        let ca = self.ca.as_deref().map(SecretFile::path);
        let certificate = self.identity.as_ref().map(|own| own.certificate.path());
        let key = self.identity.as_ref().map(|own| own.key.path());
        ([ca, certificate, key], &self.server_name, self.insecure_skip_verify)
    }
}

impl PartialEq for TlsSettings {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for TlsSettings {}

impl Hash for TlsSettings {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}
