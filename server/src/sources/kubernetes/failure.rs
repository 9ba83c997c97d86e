//! Why a cluster does not tell of its pods, in the words for targets.
use crate::target::error_causes::failure_of_causes;
use crate::target::failure::Failure;
use kube::runtime::watcher;

/// The failure behind an error of a watch; none for what the watch gets over by itself: a connection that ended, and a
/// history that the server no longer has (410), after which it lists anew.
pub(crate) fn of_watch(error: &watcher::Error) -> Option<Failure> {
    match error {
        watcher::Error::WatchFailed(_) => None,
        watcher::Error::WatchError(status) if status.code == 410 => None,
        watcher::Error::WatchError(status) => Some(of_code(status.code)),
        watcher::Error::InitialListFailed(error) | watcher::Error::WatchStartFailed(error) => Some(of_client(error)),
        watcher::Error::NoResourceVersion => Some(Failure::ContentType),
    }
}

/// The failure behind an error of the client.
pub(crate) fn of_client(error: &kube::Error) -> Failure {
    match error {
        kube::Error::Api(status) => of_code(status.code),
        kube::Error::SerdeError(error) => Failure::Parse { line: error.line(), column: error.column() },
        kube::Error::Auth(_) | kube::Error::InferConfig(_) | kube::Error::InferKubeconfig(_) => Failure::Credentials,
        kube::Error::RustlsTls(_) | kube::Error::TlsRequired => Failure::Tls,
        // A token is asked for on the way, and a failure of that comes from within.
        kube::Error::Service(error) if error.is::<kube::client::AuthError>() => Failure::Credentials,
        other => failure_of_causes(Some(other), Failure::Connect),
    }
}

fn of_code(code: u16) -> Failure {
    Failure::Status { code, retry_after: None }
}
