//! A private authority, the certificates that it signs, and servers that show them.
use inferboard_tests::PATIENCE;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto};

/// An authority.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

/// A certificate and its key, in PEM form.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// When a certificate is valid.
#[derive(Clone, Copy)]
pub(crate) enum Validity {
    Now,
    Past,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A certificate for servers and clients of this name.
    pub(crate) fn sign(&self, name: &str, validity: Validity) -> Pair {
        let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        if matches!(validity, Validity::Past) {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        }
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate").pem();
        Pair { certificate, key: key.serialize_pem() }
    }
}

impl Pair {
    /// A certificate that its server has signed itself; as that of an authority, as `openssl req -x509` makes it, or not.
    pub(crate) fn self_signed(name: &str, is_authority: bool) -> Self {
        let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
        params.is_ca = if is_authority { IsCa::Ca(BasicConstraints::Unconstrained) } else { IsCa::ExplicitNoCa };
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate").pem();
        Self { certificate, key: key.serialize_pem() }
    }
}

/// A folder with files in PEM form.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file and returns its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let (path, new) = (self.path(name), self.path(&format!("{name}.new")));
        std::fs::write(&new, text).expect("a file");
        std::fs::rename(new, &path).expect("a file");
        path
    }

    /// Writes a configuration and returns its path. `$DIR` in it is the folder.
    pub(crate) fn config(&self, text: &str) -> PathBuf {
        self.write("inferboard.toml", &text.replace("$DIR", &self.0.path().to_string_lossy()))
    }
}

/// A server at `https` on a free port of loopback, which serves a metrics page on connections that stay open.
pub(crate) struct TlsServer {
    pub(crate) address: SocketAddr,
    tls: Arc<Mutex<Arc<ServerConfig>>>,
    handshakes: Arc<Mutex<Vec<Option<Vec<u8>>>>>,
    accepting: JoinHandle<()>,
}

impl TlsServer {
    /// A server that shows `pair`, and wants a certificate of `clients` if that is given.
    pub(crate) async fn start(pair: &Pair, clients: Option<&Authority>, page: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let tls = Arc::new(Mutex::new(server_config(pair, clients)));
        let handshakes = Arc::<Mutex<Vec<_>>>::default();
        let (current, noted) = (Arc::clone(&tls), Arc::clone(&handshakes));
        let answer = Arc::new(format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{page}",
            page.len()
        ));
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = TlsAcceptor::from(Arc::clone(&current.lock().expect("a lock")));
                let (noted, answer) = (Arc::clone(&noted), Arc::clone(&answer));
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let peer = stream.get_ref().1.peer_certificates().and_then(<[_]>::first).map(|own| own.to_vec());
                    noted.lock().expect("a lock").push(peer);
                    let mut head = Vec::new();
                    while let Ok(byte) = stream.read_u8().await {
                        head.push(byte);
                        if head.ends_with(b"\r\n\r\n") {
                            head.clear();
                            if stream.write_all(answer.as_bytes()).await.is_err() || stream.flush().await.is_err() {
                                return;
                            }
                        }
                    }
                });
            }
        });
        Self { address, tls, handshakes, accepting }
    }

    /// Shows another certificate from now on.
    pub(crate) fn show(&self, pair: &Pair) {
        *self.tls.lock().expect("a lock") = server_config(pair, None);
    }

    /// The certificates that clients showed in the handshakes so far, as DER.
    pub(crate) fn handshakes(&self) -> Vec<Option<Vec<u8>>> {
        self.handshakes.lock().expect("a lock").clone()
    }

    /// Waits until a client has shown the certificate of `pair`.
    pub(crate) async fn wait_for(&self, pair: &Pair) {
        let expected = CertificateDer::from_pem_slice(pair.certificate.as_bytes()).expect("a certificate").to_vec();
        let began = std::time::Instant::now();
        while !self.handshakes().contains(&Some(expected.clone())) {
            assert!(began.elapsed() < PATIENCE, "{} handshakes without it", self.handshakes().len());
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }

    /// The URL at this name of loopback.
    pub(crate) fn url(&self, host: &str) -> String {
        format!("https://{host}:{}", self.address.port())
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn server_config(pair: &Pair, clients: Option<&Authority>) -> Arc<ServerConfig> {
    let provider = Arc::new(crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let config = config.expect("versions");
    let config = match clients {
        None => config.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            let root = CertificateDer::from_pem_slice(authority.pem.as_bytes()).expect("a certificate");
            roots.add(root).expect("an authority");
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            config.with_client_cert_verifier(verifier.expect("a verifier"))
        }
    };
    let chain = CertificateDer::pem_slice_iter(pair.certificate.as_bytes()).collect::<Result<_, _>>();
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).expect("a key");
    Arc::new(config.with_single_cert(chain.expect("certificates"), key).expect("a pair"))
}

/// Flags of a companion with the configuration at `path`, which has the interval of the other tests.
pub(crate) fn args_with(path: &Path) -> server::config::serve_args::ServeArgs {
    server::config::serve_args::ServeArgs { config: Some(path.to_owned()), ..crate::harness::args(&[]) }
}
