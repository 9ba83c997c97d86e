//! Fixtures that the tests of the page, of the companion's peers and of the repository share.
mod api;
mod browser;
mod chart;
mod companion;
mod error;
mod invented;
mod loopback_server;
mod metrics_server;
mod page;
mod peer;
mod process;
mod prometheus;
mod recording;
mod replay;
mod session;
mod static_host;
mod timed_host;
mod victoria_metrics;
mod wait;

pub use api::Api;
pub use browser::{Browser, Theme};
pub use chart::Paint;
pub use companion::Companion;
pub use error::FixtureError;
pub use invented::InventedFleet;
pub use metrics_server::MetricsServer;
pub use page::Card;
pub use process::Process;
pub use prometheus::Prometheus;
pub use recording::{Frame, Recording, SeriesKey};
pub use replay::{Play, Replay, Served};
pub use session::{Session, StoppedSession};
pub use static_host::{Manner, Posted, StaticHost};
pub use timed_host::TimedHost;
pub use victoria_metrics::VictoriaMetrics;
pub use wait::{PATIENCE, now_ms, until};

use std::io::Write;

/// The result of a fixture.
pub type Result<T, E = FixtureError> = std::result::Result<T, E>;

/// Reports that a test passes without having run, and why. Writes directly to standard error, because the test harness
/// hides the output of passing tests.
pub fn skipped(what: impl std::fmt::Display) {
    // If standard error is closed, there is nowhere to report this.
    let _ = writeln!(std::io::stderr(), "skipped: {what}");
}
