//! Why a cluster does not tell of its pods, in the words for targets.
use crate::scrape::Failure;
use kube::runtime::watcher;
use std::error::Error;
use std::io;

/// The failure behind an error of a watch; none for what the watch gets over by itself: a connection that ended, and a
/// history that the server no longer has (410), after which it lists anew.
pub(super) fn of_watch(error: &watcher::Error) -> Option<Failure> {
    match error {
        watcher::Error::WatchFailed(_) => None,
        watcher::Error::WatchError(status) if status.code == 410 => None,
        watcher::Error::WatchError(status) => Some(of_code(status.code)),
        watcher::Error::InitialListFailed(error) | watcher::Error::WatchStartFailed(error) => Some(of_client(error)),
        watcher::Error::NoResourceVersion => Some(Failure::ContentType),
    }
}

/// The failure behind an error of the client.
pub(super) fn of_client(error: &kube::Error) -> Failure {
    match error {
        kube::Error::Api(status) => of_code(status.code),
        kube::Error::SerdeError(error) => Failure::Parse { line: error.line(), column: error.column() },
        kube::Error::Auth(_) | kube::Error::InferConfig(_) | kube::Error::InferKubeconfig(_) => Failure::Credentials,
        kube::Error::RustlsTls(_) | kube::Error::TlsRequired => Failure::Tls,
        other => of_cause(other),
    }
}

fn of_code(code: u16) -> Failure {
    Failure::Status { code, retry_after: None }
}

fn of_cause(error: &(dyn Error + 'static)) -> Failure {
    let mut cause = Some(error);
    while let Some(current) = cause {
        if let Some(failure) = current.downcast_ref().and_then(of_io) {
            return failure;
        }
        if current.is::<kube::client::AuthError>() {
            return Failure::Credentials;
        }
        cause = current.source();
    }
    Failure::Connect
}

fn of_io(error: &io::Error) -> Option<Failure> {
    if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) {
        return Some(Failure::Tls);
    }
    match error.kind() {
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Some(Failure::Unreachable),
        io::ErrorKind::TimedOut => Some(Failure::Timeout),
        _ => None,
    }
}
