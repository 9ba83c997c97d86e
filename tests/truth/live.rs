//! A companion that has the worlds' history up to now and scrapes their targets from then on.
use crate::backend::{error, write_history};
use crate::world::history::Origin;
use crate::world::{Dialect, World, metrics_page};
use inferboard_tests::{Companion, MetricsServer, Result, now_ms};
use std::fmt::Write;
use std::fs;
use std::time::Duration;
use tempfile::TempDir;

/// How long a short import and the start of a companion take at most.
const BRIDGED_MS: i64 = 8000;

/// The companion with its targets.
pub(crate) struct LiveBackend {
    companion: Companion,
    _targets: Vec<MetricsServer>,
    _folder: TempDir,
}

impl LiveBackend {
    /// Serves the metrics pages of all targets, imports their history, and starts a companion. Worlds of platforms are
    /// left out: they are no targets on this machine.
    pub(crate) async fn start(worlds: &mut Vec<World>) -> Result<Self> {
        worlds.retain(|world| world.targets.iter().all(|target| target.dialect != Dialect::Baseten));
        let folder = tempfile::tempdir().map_err(error("cannot create a folder for history"))?;
        let (mut servers, mut configuration) = (Vec::new(), String::new());
        for target in worlds.iter_mut().flat_map(|world| &mut world.targets) {
            let own = target.clone();
            let server =
                MetricsServer::start(move |time_ms| own.run_at(time_ms).map(|_| metrics_page::text(&own, time_ms)))?;
            target.instance = server.instance();
            // Writing to a string cannot fail.
            let _ = write!(
                configuration,
                "[[targets]]\nurl = \"http://{}/metrics\"\nmodel = \"{}\"\nreplica = \"{}\"\nscrape_interval = \"{}ms\"\n",
                target.instance, target.model, target.replica, target.interval_ms
            );
            servers.push(server);
        }
        let data = folder.path().join("data");
        let import = |after_ms: i64, until_ms: i64| -> Result<()> {
            let dump = folder.path().join("history.txt");
            write_history(&dump, worlds, Origin::Companion, (after_ms, until_ms))?;
            Companion::printed(&["import".as_ref(), dump.as_os_str(), "--data-dir".as_ref(), data.as_os_str()])
                .map(drop)
        };
        // The first import takes long; the second bridges the time until the companion scrapes.
        let long_until_ms = now_ms();
        import(0, long_until_ms)?;
        let until_ms = now_ms() + BRIDGED_MS;
        import(long_until_ms, until_ms)?;
        let file = folder.path().join("inferboard.toml");
        fs::write(&file, configuration).map_err(error("cannot write the configuration"))?;
        let (data, file) = (data.display().to_string(), file.display().to_string());
        let arguments = ["--no-discovery", "--retention=90d", "--data-dir", &data, "--config", &file];
        tokio::time::sleep(Duration::from_millis((until_ms - now_ms()).max(0) as u64)).await;
        Ok(Self { companion: Companion::start(&arguments).await?, _targets: servers, _folder: folder })
    }

    /// The URL of the companion's own page.
    pub(crate) fn url(&self) -> &str {
        self.companion.url()
    }
}
