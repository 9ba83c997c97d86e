//! `inferboard-server demo`: a simulated fleet with its history, in a data directory of its own.
pub mod args;
mod history;
mod identity;
pub(crate) mod live;
mod recorder;

use crate::clock::now_ms;
use crate::config::serve_args::ServeArgs;
use crate::config::{ConfigError, Settings};
use crate::demo::args::DemoArgs;
use crate::demo::history::write_history;
use fleet_simulation::{Fleet, scenario};
use std::fmt;
use std::fs::Permissions;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use tempfile::TempDir;
use tsdb::{LocalFileSystem, OpenError, Options, Store, WriteError};

/// The scrape interval of the simulated targets, in milliseconds.
const INTERVAL_MS: i64 = 15_000;

const DAY_MS: i64 = 86_400_000;

/// A simulated fleet at a moment of its life.
pub struct DemoFleet {
    fleet: Fleet,
    /// The time up to which it has been simulated and scraped, Unix milliseconds.
    time_ms: i64,
}

/// A demo that can be served.
#[derive(Debug)]
pub struct Demo {
    /// The settings of the companion, which have no targets.
    pub settings: Settings,
    /// The fleet.
    pub fleet: DemoFleet,
}

/// Why there is no demo.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A flag is invalid.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The address is taken or not this machine's.
    #[error("cannot listen on {listen}: {source}; choose another address with --listen")]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// The cause.
        source: io::Error,
    },
    /// There is no folder for its history.
    #[error("cannot create a temporary folder for the history: {0}; set TMPDIR to one that can be written")]
    Folder(io::Error),
    /// Its folder cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Its history cannot be written.
    #[error("cannot write the history of the demo: {0}")]
    Write(#[from] WriteError),
}

impl fmt::Debug for DemoFleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DemoFleet").field("time_ms", &self.time_ms).finish_non_exhaustive()
    }
}

impl Demo {
    /// A new temporary folder for the history of a demo.
    ///
    /// # Errors
    /// If there is no place for it.
    pub fn folder() -> Result<TempDir, DemoError> {
        let only_owner = Permissions::from_mode(0o700);
        let dir = tempfile::Builder::new().prefix("inferboard-demo-").permissions(only_owner).tempdir();
        dir.map_err(DemoError::Folder)
    }

    /// Simulates the days before now, and writes them to the folder `dir`; none if that was ended by `is_stopped`.
    ///
    /// # Errors
    /// If a flag is invalid, the address is taken, or the history cannot be written.
    pub fn prepare(args: &DemoArgs, dir: &Path, is_stopped: &AtomicBool) -> Result<Option<Self>, DemoError> {
        let settings = Settings::load(&ServeArgs {
            listen: args.listen.clone(),
            allow_open_network: args.allow_open_network,
            data_dir: Some(dir.to_owned()),
            retention: Some("100y".into()),
            no_gpus: true,
            no_discovery: true,
            ..ServeArgs::default()
        })?;
        // Before the work of some seconds.
        if let Some(listen) = settings.web.listen.network() {
            drop(TcpListener::bind(listen).map_err(|source| DemoError::Listen { listen, source })?);
        }
        let time_ms = now_ms().div_euclid(INTERVAL_MS) * INTERVAL_MS;
        let start_ms = time_ms - i64::from(args.days) * DAY_MS;
        // The name was checked with the flags.
        let scenario = scenario(&args.scenario, time_ms as f64 / 1000.0).unwrap_or_default();
        let fleet = Fleet::new(args.seed, start_ms, &scenario);
        let options = Options { limits: settings.limits, ..Options::default() };
        let (store, _) = Store::open(dir, options, Arc::new(LocalFileSystem))?;
        let fleet = write_history(&store, fleet, start_ms..time_ms + 1, is_stopped)?;
        store.close()?;
        Ok((!is_stopped.load(Relaxed)).then_some(Self { settings, fleet: DemoFleet { fleet, time_ms } }))
    }
}

#[cfg(test)]
mod findings_tests;
#[cfg(test)]
mod tests;
