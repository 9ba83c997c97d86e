//! The certificate that the server shows, and its key: read from files, and read again when they change.
use crate::target::secret::Secret;
use crate::target::secret_source::SecretFile;
use crate::target::tls::TlsIdentity;
use futures::future::join;
use parking_lot::Mutex;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys, ServerConfig};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::MissedTickBehavior;
use tracing::{info, warn};

/// How often the files are read.
const PERIOD: Duration = Duration::from_secs(5);

/// The only protocol inside of TLS.
/// Source: RFC 7301, section 6.
const PROTOCOL: &[u8] = b"http/1.1";

/// Why a certificate and its key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The file of the certificate has none, or one that is broken.
    #[error(
        "tls_cert_file: {} holds no certificate in PEM form, which begins with -----BEGIN CERTIFICATE-----; write the \
         server's certificate to it, and those of the authorities between after it",
        path.display()
    )]
    Certificate {
        /// The file.
        path: PathBuf,
    },
    /// The file of the key has none.
    #[error(
        "tls_key_file: {} holds no private key in PEM form without a passphrase, which begins with -----BEGIN PRIVATE \
         KEY-----; write the key of the certificate to it",
        path.display()
    )]
    Key {
        /// The file.
        path: PathBuf,
    },
    /// The key is another certificate's.
    #[error(
        "tls_key_file: {} holds the key of another certificate than the first in {}; write a certificate and its own key",
        key.display(), certificate.display()
    )]
    OtherKey {
        /// The file of the key.
        key: PathBuf,
        /// The file of the certificate.
        certificate: PathBuf,
    },
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Setup(#[from] Error),
}

/// The server's certificate and key, as they are now.
#[derive(Clone, Debug)]
pub struct ServerCertificate {
    files: TlsIdentity,
    shown: Arc<Shown>,
    config: Arc<ServerConfig>,
}

/// What the handshakes from now on show.
#[derive(Debug)]
struct Shown {
    key: Mutex<Arc<CertifiedKey>>,
    /// What the files held from which it comes.
    texts: Mutex<Texts>,
}

/// The texts of the files: the certificate, and its key.
type Texts = (Secret, Secret);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.key.lock()))
    }
}

impl ServerCertificate {
    /// The certificate and the key that are in `files`.
    ///
    /// # Errors
    /// If they do not hold what they should. The message names the file.
    pub fn new(files: TlsIdentity) -> Result<Self, CertificateError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let texts = (files.certificate.last_read(), files.key.last_read());
        let key = certified_key(&files, &texts, &provider)?;
        let shown = Arc::new(Shown { key: Mutex::new(Arc::new(key)), texts: Mutex::new(texts) });
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let resolver = Arc::clone(&shown) as Arc<dyn ResolvesServerCert>;
        let mut config = config.with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        Ok(Self { files, shown, config: Arc::new(config) })
    }

    /// How connections are encrypted.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// Where the certificate and the key are.
    pub(crate) fn paths(&self) -> [&Path; 2] {
        [self.files.certificate.path(), self.files.key.path()]
    }

    /// Reads the files again and again, and shows what they hold from then on. Open connections stay as they are. A pair
    /// that cannot be used changes nothing; it is logged once it has been there for a period, as two files are never
    /// written at once.
    pub(crate) async fn reload_when_changed(self) {
        let mut period = tokio::time::interval(PERIOD);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut broken = None;
        loop {
            period.tick().await;
            broken = self.reload(broken).await;
        }
    }

    /// Reads the files. `broken` is what they held last, if it could not be used, and whether that was logged; so is the
    /// result.
    async fn reload(&self, broken: Option<(Texts, bool)>) -> Option<(Texts, bool)> {
        let texts = join(self.files.certificate.read(), self.files.key.read()).await;
        if texts == *self.shown.texts.lock() {
            return None;
        }
        let (is_same, was_logged) = broken.map_or((false, false), |(last, was_logged)| (last == texts, was_logged));
        if is_same && was_logged {
            return Some((texts, true));
        }
        match certified_key(&self.files, &texts, self.config.crypto_provider()) {
            Ok(key) => {
                *self.shown.key.lock() = Arc::new(key);
                *self.shown.texts.lock() = texts;
                info!(file = ?self.files.certificate.path(), "loaded the certificate that the server shows");
                None
            }
            Err(error) => {
                if is_same {
                    warn!("the new certificate cannot be used, and the previous one is shown until then: {error}");
                }
                Some((texts, is_same))
            }
        }
    }
}

fn certified_key(
    files: &TlsIdentity,
    (certificate, key): &Texts,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, CertificateError> {
    let path = |file: &Arc<dyn SecretFile>| file.path().to_owned();
    let no_certificate = || CertificateError::Certificate { path: path(&files.certificate) };
    let no_key = || CertificateError::Key { path: path(&files.key) };
    let chain = CertificateDer::pem_slice_iter(certificate.expose().as_bytes()).collect::<Result<Vec<_>, _>>();
    let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or_else(no_certificate)?;
    let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes()).map_err(|_| no_key())?;
    CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            CertificateError::OtherKey { key: path(&files.key), certificate: path(&files.certificate) }
        }
        Error::InvalidCertificate(_) => no_certificate(),
        _ => no_key(),
    })
}
