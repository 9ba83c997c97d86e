//! The limit of open files of this process.
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io;

/// Why no more files are allowed.
#[derive(Debug, thiserror::Error)]
#[error("cannot raise the limit of {limit} open files: {source}")]
pub struct LimitError {
    limit: u64,
    source: io::Error,
}

/// Allows this process as many open files as it may have: each target, each viewer and each block of history has one, and
/// most systems begin with 1,024.
///
/// # Errors
/// If the system refuses.
pub fn allow_open_files() -> Result<(), LimitError> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
        .map_err(|source| LimitError { limit: current.unwrap_or(u64::MAX), source: source.into() })
}
