//! Finds the scrape failure behind an HTTP client's error.
use crate::target::failure::Failure;
use std::error::Error;
use std::io;

/// The host's name could not be resolved.
#[derive(Debug, thiserror::Error)]
#[error("cannot resolve the name")]
pub(crate) struct DnsError;

/// The failure that the innermost recognised error in a chain of causes stands for; `otherwise` if none is recognised.
pub(crate) fn failure_of_causes(first: Option<&(dyn Error + 'static)>, otherwise: Failure) -> Failure {
    let mut failure = otherwise;
    let mut cause = first;
    while let Some(current) = cause {
        if current.is::<DnsError>() {
            failure = Failure::Dns;
        } else if let Some(known) = current.downcast_ref().and_then(failure_of_io) {
            failure = known;
        } else if current.is::<hyper::Error>() {
            failure = Failure::Broken;
        } else if is_tls(current) {
            failure = Failure::Tls;
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

/// Whether it is a TLS error, possibly wrapped in I/O errors that do not return it as their source.
fn is_tls(error: &(dyn Error + 'static)) -> bool {
    match error.downcast_ref::<io::Error>() {
        Some(outer) => outer.get_ref().is_some_and(|inner| is_tls(inner)),
        None => error.is::<rustls::Error>(),
    }
}
