//! Makes the TLS configuration of connections from a target's settings and the contents of its files.
use crate::target::error_causes::is_authority;
use crate::target::secret::Secret;
use crate::target::tls::{TlsFiles, TlsSettings};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, InconsistentKeys, RootCertStore, SignatureScheme,
};
use std::sync::Arc;

/// Why TLS settings cannot be used. Each message says which key is meant.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// A file of certificates has none, or one that is broken.
    #[error("{0} holds no certificate in PEM form, which begins with -----BEGIN CERTIFICATE-----")]
    Certificate(&'static str),
    /// The file of the key has none.
    #[error(
        "key_file holds no private key in PEM form without a passphrase, which begins with -----BEGIN PRIVATE KEY-----"
    )]
    Key,
    /// The key is another certificate's.
    #[error("key_file holds the key of another certificate than the first in cert_file")]
    OtherKey,
    /// TLS cannot be set up.
    #[error("{0}")]
    Setup(Error),
}

/// The configuration of connections with `settings`, whose files hold `files`. Without settings it trusts the authorities
/// that browsers trust.
///
/// # Errors
/// If a file does not hold what it should.
pub(crate) fn client_config(settings: Option<&TlsSettings>, files: &TlsFiles) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let config = config.map_err(TlsError::Setup)?;
    let config = if settings.is_some_and(|settings| settings.insecure_skip_verify) {
        config.dangerous().with_custom_certificate_verifier(Arc::new(AnyServer { provider }))
    } else {
        match &files.ca {
            Some(ca) => {
                config.dangerous().with_custom_certificate_verifier(Arc::new(KnownServers::new(ca, &provider)?))
            }
            None => config.with_root_certificates(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }),
        }
    };
    let Some((certificate, key)) = &files.identity else { return Ok(config.with_no_client_auth()) };
    let chain = certificates(certificate, "cert_file")?;
    let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes()).map_err(|_| TlsError::Key)?;
    config.with_client_auth_cert(chain, key).map_err(|error| match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsError::OtherKey,
        Error::InvalidCertificate(_) => TlsError::Certificate("cert_file"),
        _ => TlsError::Key,
    })
}

/// The certificates in the file of `key`; at least one.
fn certificates(text: &Secret, key: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.expose().as_bytes()).collect();
    all.ok().filter(|all| !all.is_empty()).ok_or(TlsError::Certificate(key))
}

/// Trusts the authorities in a file, and the servers whose own certificates are in it.
#[derive(Debug)]
struct KnownServers {
    authorities: Arc<WebPkiServerVerifier>,
    known: Vec<CertificateDer<'static>>,
}

impl KnownServers {
    fn new(ca: &Secret, provider: &Arc<CryptoProvider>) -> Result<Self, TlsError> {
        let known = certificates(ca, "ca_file")?;
        let mut roots = RootCertStore::empty();
        for certificate in &known {
            roots.add(certificate.clone()).map_err(|_| TlsError::Certificate("ca_file"))?;
        }
        let authorities = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
        let authorities = authorities.map_err(|_| TlsError::Certificate("ca_file"))?;
        Ok(Self { authorities, known })
    }
}

impl ServerCertVerifier for KnownServers {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.authorities.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verified {
            // Self-signed certificates are often made as those of an authority, which a server must not show. This one is
            // trusted by itself, and its dates were checked before.
            Err(Error::InvalidCertificate(CertificateError::Other(problem)))
                if is_authority(&problem) && self.known.iter().any(|known| known == end_entity) =>
            {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities.verify_tls12_signature(message, cert, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities.verify_tls13_signature(message, cert, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authorities.supported_verify_schemes()
    }
}

/// Trusts every server that holds the key of the certificate that it shows.
#[derive(Debug)]
struct AnyServer {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
