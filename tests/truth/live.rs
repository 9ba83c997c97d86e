//! A companion that has the worlds' history up to now and scrapes their targets from then on.
use crate::backend::{error, write_history};
use crate::world::history::Origin;
use crate::world::{Dialect, World, metrics_page};
use inferboard_tests::{Companion, MetricsServer, Result, now_ms};
use std::fmt::Write;
use std::fs;
use tempfile::TempDir;

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
        let (dump, data) = (folder.path().join("history.txt"), folder.path().join("data"));
        write_history(&dump, worlds, Origin::Companion, (0, now_ms()))?;
        Companion::printed(&["import".as_ref(), dump.as_os_str(), "--data-dir".as_ref(), data.as_os_str()])?;
        let file = folder.path().join("inferboard.toml");
        fs::write(&file, configuration).map_err(error("cannot write the configuration"))?;
        let (data, file) = (data.display().to_string(), file.display().to_string());
        let arguments = ["--no-discovery", "--retention=90d", "--data-dir", &data, "--config", &file];
        Ok(Self { companion: Companion::start(&arguments).await?, _targets: servers, _folder: folder })
    }

    /// The URL of the companion's own page.
    pub(crate) fn url(&self) -> &str {
        self.companion.url()
    }
}
