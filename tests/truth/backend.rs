//! The backends that hold the worlds' history, and the host of the page over each.
use crate::world::World;
use crate::world::history::{self, Origin};
use inferboard_tests::{Companion, FixtureError, Prometheus, Result, TimedHost, VictoriaMetrics};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Companion,
    Prometheus,
    VictoriaMetrics,
    /// A companion that scrapes live targets.
    Live,
}

impl Kind {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Companion, Self::Prometheus, Self::VictoriaMetrics, Self::Live];

    /// The name in the table and in variables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Companion => "companion",
            Self::Prometheus => "prometheus",
            Self::VictoriaMetrics => "victoria-metrics",
            Self::Live => "live",
        }
    }

    fn origin(self) -> Origin {
        match self {
            Self::Companion | Self::Live => Origin::Companion,
            Self::Prometheus => Origin::Prometheus,
            Self::VictoriaMetrics => Origin::VictoriaMetrics,
        }
    }
}

/// The process.
enum Server {
    None,
    Companion(Companion),
    Prometheus(Prometheus),
    VictoriaMetrics(VictoriaMetrics),
}

/// A backend with the history of worlds up to a time.
pub(crate) struct Backend {
    kind: Kind,
    server: Server,
    folder: TempDir,
    until_ms: i64,
}

impl Backend {
    /// A backend without history.
    pub(crate) fn new(kind: Kind) -> Result<Self> {
        let folder = tempfile::tempdir().map_err(error("cannot create a folder for history"))?;
        Ok(Self { kind, server: Server::None, folder, until_ms: 0 })
    }

    /// Adds the history of worlds up to a time, and returns the host of the page at that time.
    ///
    /// # Errors
    /// [`FixtureError::Absent`] if its program is not installed; other errors if it does not accept the history.
    pub(crate) async fn advance(&mut self, worlds: &[World], until_ms: i64) -> Result<TimedHost> {
        let file = self.dump(worlds, until_ms)?;
        self.until_ms = until_ms;
        let text = || fs::read_to_string(&file).map_err(error("cannot read history"));
        self.server = match (std::mem::replace(&mut self.server, Server::None), self.kind) {
            (Server::Prometheus(server), _) => Server::Prometheus(server.with(&file).await?),
            (Server::VictoriaMetrics(server), _) => {
                server.import(text()?).await?;
                Server::VictoriaMetrics(server)
            }
            (_, Kind::Prometheus) => Server::Prometheus(Prometheus::holding(&file).await?),
            (_, Kind::VictoriaMetrics) => Server::VictoriaMetrics(VictoriaMetrics::holding(text()?).await?),
            (old, Kind::Companion | Kind::Live) => {
                if let Server::Companion(old) = old {
                    old.stop()?;
                }
                let data = self.folder.path().join("data");
                Companion::printed(&["import".as_ref(), file.as_os_str(), "--data-dir".as_ref(), data.as_os_str()])?;
                let data = data.display().to_string();
                let arguments = ["--no-discovery", "--scrape-interval=60s", "--retention=90d", "--data-dir", &data];
                Server::Companion(Companion::start(&arguments).await?)
            }
        };
        TimedHost::start(self.url(), until_ms)
    }

    fn url(&self) -> &str {
        match &self.server {
            Server::None => "",
            Server::Companion(server) => server.url(),
            Server::Prometheus(server) => server.url(),
            Server::VictoriaMetrics(server) => server.url(),
        }
    }

    /// Writes the history since the last time into a file.
    fn dump(&self, worlds: &[World], until_ms: i64) -> Result<PathBuf> {
        let path = self.folder.path().join("history.txt");
        write_history(&path, worlds, self.kind.origin(), (self.until_ms, until_ms))?;
        Ok(path)
    }
}

/// Writes the history of worlds after one time and not after another into a file.
pub(crate) fn write_history(
    path: &Path,
    worlds: &[World],
    origin: Origin,
    (after_ms, until_ms): (i64, i64),
) -> Result<()> {
    let targets: Vec<_> = worlds.iter().flat_map(|world| &world.targets).collect();
    let write = || {
        let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
        history::write(&mut out, &targets, origin, after_ms, until_ms)?;
        if origin != Origin::VictoriaMetrics {
            out.write_all(b"# EOF\n")?;
        }
        out.flush()
    };
    write().map_err(error("cannot write history"))
}

pub(crate) fn error(what: &'static str) -> impl FnOnce(std::io::Error) -> FixtureError {
    move |source| FixtureError::Io { what: what.to_owned(), source }
}
