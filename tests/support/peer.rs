//! Starts a server of any version that cannot choose a free port by itself.
use crate::{Api, FixtureError, Process, Result};
use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

/// The time within which a peer must start.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// Attempts with different ports, because another process may take the free port first.
const ATTEMPTS: usize = 3;

/// Starts `command`, which errors call `program`, on a free port of loopback, passed by the flag `listen`, and waits
/// until the path `ready` responds with success. Returns the process and its URL without a trailing slash.
///
/// Does not read the log, because its wording depends on the version.
///
/// # Errors
/// [`FixtureError::Absent`] if the program is not installed; other errors if it does not start.
pub(crate) async fn start(
    program: &'static str,
    command: Command,
    listen: &str,
    ready: &str,
) -> Result<(Process, String)> {
    let mut attempt = 1;
    loop {
        match attempt_start(program, &command, listen, ready).await {
            Err(FixtureError::Program { .. }) if attempt < ATTEMPTS => attempt += 1,
            started => return started,
        }
    }
}

async fn attempt_start(
    program: &'static str,
    command: &Command,
    listen: &str,
    ready: &str,
) -> Result<(Process, String)> {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let address = free.map_err(FixtureError::io("cannot find a free port"))?;
    let mut full_command = Command::new(command.get_program());
    full_command.args(command.get_args()).arg(format!("{listen}={address}"));
    let mut process = Process::start(program, full_command)?;
    let url = format!("http://{address}");
    let (api, end) = (Api::new(&url), Instant::now() + START_TIMEOUT);
    loop {
        // Checked before and after the request, so that another process on this port is never taken for this one.
        process.check_running()?;
        match api.get(ready).await {
            Ok(response) if response.status().is_success() => {
                process.check_running()?;
                return Ok((process, url));
            }
            result if Instant::now() >= end => {
                let last = result.map_or_else(|error| error.to_string(), |response| response.status().to_string());
                return Err(FixtureError::Late { what: format!("start of {program}"), limit: START_TIMEOUT, last });
            }
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}
