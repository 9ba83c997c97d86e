//! Where the parts meet: the fixtures that the tests of the whole share.
mod api;
mod browser;
mod chart;
mod companion;
mod error;
mod invented;
mod listening;
mod page;
mod peer;
mod process;
mod prometheus;
mod recording;
mod replay;
mod session;
mod static_host;
mod victoria_metrics;
mod wait;

pub use api::Api;
pub use browser::{Browser, Theme};
pub use chart::Paint;
pub use companion::Companion;
pub use error::FixtureError;
pub use invented::InventedFleet;
pub use page::Card;
pub use process::Process;
pub use prometheus::Prometheus;
pub use recording::{Frame, Recording, SeriesKey};
pub use replay::{Play, Replay, Served};
pub use session::{Session, StoppedSession};
pub use static_host::{Manner, Posted, StaticHost};
pub use victoria_metrics::VictoriaMetrics;
pub use wait::{PATIENCE, now_ms, until};

use std::io::Write;

/// What a fixture gives, or why it could not.
pub type Result<T, E = FixtureError> = std::result::Result<T, E>;

/// Says that a test passes without having run, for want of `what`. Written past the test harness, which would keep
/// the words of a passing test to itself.
pub fn skipped(what: impl std::fmt::Display) {
    // A closed standard error leaves nobody to tell.
    let _ = writeln!(std::io::stderr(), "skipped: {what}");
}
