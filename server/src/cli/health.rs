//! `inferboard-server health`: asks a running server whether it serves, for checks of containers and scripts.
use clap::Args;
use reqwest::Url;
use std::time::Duration;

/// How long to wait for the answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Arguments of `health`.
#[derive(Debug, Args)]
pub struct HealthArgs {
    /// Server to ask
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7117")]
    server: Url,
}

/// Why the server does not count as healthy.
#[derive(Debug, thiserror::Error)]
pub enum HealthError {
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
    let base = args.server.as_str().trim_end_matches('/');
    let unreachable = |error: &dyn std::error::Error| {
        // The innermost cause says what happened; the outer ones name the request.
        let innermost = std::iter::successors(Some(error), |error| error.source()).last().unwrap_or(error);
        HealthError::Unreachable { server: base.to_owned(), problem: innermost.to_string() }
    };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| unreachable(&error))?;
    let answered = runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build()?;
        client.get(format!("{base}/-/ready")).send().await
    });
    let status = answered.map_err(|error| unreachable(&error))?.status();
    if status.is_success() {
        return Ok(format!("{base} is ready\n"));
    }
    Err(HealthError::Unhealthy { server: base.to_owned(), status: status.as_u16() })
}
