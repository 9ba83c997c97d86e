//! `inferboard-server health`: asks a running server whether it serves, for checks of containers and scripts.
use crate::cli::server::{ServerArgs, ServerError, cause_of};
use clap::Args;
use std::time::Duration;

/// How long to wait for the answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Arguments of `health`.
#[derive(Debug, Args)]
pub struct HealthArgs {
    #[command(flatten)]
    server: ServerArgs,
}

/// Why the server does not count as healthy.
#[derive(Debug, thiserror::Error)]
pub enum HealthError {
    /// The arguments do not say how to reach the server.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The server is not reachable.
    #[error("cannot reach {server}: {problem}")]
    Unreachable {
        /// The server's URL.
        server: String,
        /// The cause.
        problem: String,
    },
    /// The server answers something else.
    #[error("{server} responded with status {status}")]
    Unhealthy {
        /// The server's URL.
        server: String,
        /// The status.
        status: u16,
    },
}

/// Asks the server and returns the text to print.
///
/// # Errors
/// If it does not answer within five seconds that it is ready.
pub fn health(args: &HealthArgs) -> Result<String, HealthError> {
    let server = args.server.name();
    let unreachable = |error: &(dyn std::error::Error + 'static)| HealthError::Unreachable {
        server: server.to_owned(),
        problem: cause_of(error),
    };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| unreachable(&error))?;
    let to = args.server.connect(TIMEOUT)?;
    let answered = runtime.block_on(async { to.client.get(format!("{}/-/ready", to.base)).send().await });
    let status = answered.map_err(|error| unreachable(&error))?.status();
    if status.is_success() {
        return Ok(format!("{server} is ready\n"));
    }
    Err(HealthError::Unhealthy { server: server.to_owned(), status: status.as_u16() })
}
