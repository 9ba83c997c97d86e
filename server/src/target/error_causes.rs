//! Finds the scrape failure behind an HTTP client's error.
use crate::target::failure::Failure;
use std::cell::RefCell;
use std::error::Error;
use std::io;

/// The host's name could not be resolved.
#[derive(Debug, thiserror::Error)]
#[error("cannot resolve the name")]
pub(crate) struct DnsError;

/// A proxy cannot be reached, or refuses.
#[derive(Debug, thiserror::Error)]
#[error("the proxy does not open a connection")]
pub(crate) struct ProxyError {
    /// The status of its answer, if it gave one.
    pub(crate) status: Option<u16>,
}

tokio::task_local! {
    /// The names in the certificate of a server that has none of those wanted. A failure cannot hold them, as nothing that a
    /// target sends gets into labels or logs.
    static PRESENTED_NAMES: RefCell<Vec<String>>;
}

/// The result of `request`, and the names in the certificate of its server if it failed because of them.
pub(crate) async fn with_presented_names<T>(request: impl Future<Output = T>) -> (T, Vec<String>) {
    let noted = async {
        let result = request.await;
        (result, PRESENTED_NAMES.with(RefCell::take))
    };
    PRESENTED_NAMES.scope(RefCell::default(), noted).await
}

/// The failure that the innermost recognised error in a chain of causes stands for; `otherwise` if none is recognised.
pub(crate) fn failure_of_causes(first: Option<&(dyn Error + 'static)>, otherwise: Failure) -> Failure {
    let mut failure = otherwise;
    let mut cause = first;
    while let Some(current) = cause {
        if current.is::<DnsError>() {
            failure = Failure::Dns;
        } else if let Some(ProxyError { status }) = current.downcast_ref() {
            failure = Failure::Proxy(*status);
        } else if let Some(known) = current.downcast_ref().and_then(failure_of_io) {
            failure = known;
        } else if current.is::<hyper::Error>() {
            failure = Failure::Broken;
        } else if let Some(error) = tls_error(current) {
            failure = failure_of_tls(error);
        }
        cause = current.source();
    }
    failure
}

fn failure_of_io(error: &io::Error) -> Option<Failure> {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Some(Failure::Connect),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
            Some(Failure::Broken)
        }
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Some(Failure::Unreachable),
        io::ErrorKind::TimedOut => Some(Failure::Timeout),
        _ => None,
    }
}

/// The TLS error that it is, possibly wrapped in I/O errors that do not return it as their source.
fn tls_error<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    match error.downcast_ref::<io::Error>() {
        Some(outer) => outer.get_ref().and_then(|inner| tls_error(inner)),
        None => error.downcast_ref(),
    }
}

fn failure_of_tls(error: &rustls::Error) -> Failure {
    use rustls::AlertDescription as Alert;
    use rustls::CertificateError as Problem;
    match error {
        rustls::Error::InvalidCertificate(problem) => match problem {
            // One that another authority of the same name has signed has a bad signature.
            Problem::UnknownIssuer | Problem::BadSignature => Failure::TlsAuthority,
            // A certificate that its server has signed itself, as that of an authority.
            Problem::Other(other) if is_authority(other) => Failure::TlsAuthority,
            Problem::NotValidForNameContext { presented, .. } => {
                // Only those who ask for them set the place for them.
                let _ = PRESENTED_NAMES.try_with(|names| names.replace(presented.clone()));
                Failure::TlsName
            }
            Problem::NotValidForName => Failure::TlsName,
            Problem::Expired
            | Problem::ExpiredContext { .. }
            | Problem::NotValidYet
            | Problem::NotValidYetContext { .. } => Failure::TlsExpired,
            _ => Failure::Tls,
        },
        // What a server says of the certificate that the companion shows, or does not show.
        rustls::Error::AlertReceived(
            Alert::CertificateRequired
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied,
        ) => Failure::TlsClient,
        _ => Failure::Tls,
    }
}

/// Whether a server showed the certificate of an authority as its own.
pub(crate) fn is_authority(problem: &rustls::OtherError) -> bool {
    matches!(problem.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}
