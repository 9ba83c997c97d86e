//! Starting a server that does not choose a free port by itself, whatever version of it is installed.
use crate::{Api, FixtureError, Process, Result};
use std::{
    net::TcpListener,
    process::Command,
    time::{Duration, Instant},
};

/// How long a peer may take to start.
const PATIENCE: Duration = Duration::from_secs(60);
/// Attempts with another port, as another process may take the free port first.
const ATTEMPTS: usize = 3;

/// Starts `command`, known as `program` in errors, at a free port of loopback given by the flag `listen`, and waits until
/// it answers at the path `ready`. The process, and its address without a slash at the end.
///
/// Versions word what they log differently, so the log is not read.
///
/// # Errors
/// [`FixtureError::Absent`] where the program is not installed; else when it does not start.
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
    let mut own = Command::new(command.get_program());
    own.args(command.get_args()).arg(format!("{listen}={address}"));
    let mut process = Process::start(program, own)?;
    let url = format!("http://{address}");
    let (api, end) = (Api::new(&url), Instant::now() + PATIENCE);
    loop {
        // Before the question, so that the answer of another process at this port is never taken for its own.
        process.check_running()?;
        match api.get(ready).await {
            Ok(answer) if answer.status().is_success() => {
                process.check_running()?;
                return Ok((process, url));
            }
            answer if Instant::now() >= end => {
                let last = answer.map_or_else(|error| error.to_string(), |answer| answer.status().to_string());
                return Err(FixtureError::Late { what: format!("start of {program}"), limit: PATIENCE, last });
            }
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}
