//! Maps errors of the Kubernetes client to scrape failures.
use crate::target::error_causes::failure_of_causes;
use crate::target::failure::Failure;
use kube::runtime::watcher;

/// The failure behind a watch error. None if the watch recovers on its own: from a closed connection, and from an
/// expired history (410), after which it lists again.
pub(crate) fn of_watch(error: &watcher::Error) -> Option<Failure> {
    match error {
        watcher::Error::WatchFailed(_) => None,
        watcher::Error::WatchError(status) if status.code == 410 => None,
        watcher::Error::WatchError(status) => Some(of_code(status.code)),
        watcher::Error::InitialListFailed(error) | watcher::Error::WatchStartFailed(error) => Some(of_client(error)),
        watcher::Error::NoResourceVersion => Some(Failure::ContentType),
    }
}

/// The failure behind a client error.
pub(crate) fn of_client(error: &kube::Error) -> Failure {
    match error {
        kube::Error::Api(status) => of_code(status.code),
        kube::Error::SerdeError(error) => Failure::Parse { line: error.line(), column: error.column() },
        kube::Error::Auth(_) | kube::Error::InferConfig(_) | kube::Error::InferKubeconfig(_) => Failure::Credentials,
        kube::Error::RustlsTls(_) | kube::Error::TlsRequired => Failure::Tls,
        // The client fetches tokens within a request, and reports their failure as the request's.
        kube::Error::Service(error) if error.is::<kube::client::AuthError>() => Failure::Credentials,
        other => failure_of_causes(Some(other), Failure::Connect),
    }
}

fn of_code(code: u16) -> Failure {
    Failure::Status { code, retry_after: None }
}
