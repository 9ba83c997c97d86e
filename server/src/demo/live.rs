//! The demo after its history: the simulation goes on with the clock, and is scraped without sockets.
use crate::clock::now_ms;
use crate::demo::identity::identity;
use crate::demo::{DemoFleet, INTERVAL_MS};
use crate::processes::listening::Listening;
use crate::scrape::metadata::Metadata;
use crate::scrape::metrics_page::{Answer, MetricsPage};
use crate::scrape::refused_samples::RefusedSamples;
use crate::scrape::scrape_loop::Scrape;
use crate::scrape::writer::Writer;
use crate::target::failure::Failure;
use fleet_simulation::{Answer as Simulated, Target, TargetKind, families, text};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;
use tsdb::Store;

/// After a longer pause, as of a suspended machine, nothing is scraped for the time between.
const MAX_LATE_MS: i64 = 10 * INTERVAL_MS;

/// The running demo. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct LiveDemo {
    _stop: Sender<()>,
}

/// Scrapes a simulated fleet.
pub(super) struct LiveFleet {
    demo: DemoFleet,
    store: Store,
    metadata: Arc<Metadata>,
    refused: Arc<RefusedSamples>,
    writers: BTreeMap<Target, Writer>,
}

impl LiveDemo {
    /// Goes on with `demo` on a thread of its own.
    ///
    /// # Errors
    /// If the system has no more threads.
    pub(crate) fn start(
        demo: DemoFleet,
        store: Store,
        metadata: Arc<Metadata>,
        refused: Arc<RefusedSamples>,
    ) -> io::Result<Self> {
        let (stop, stopped) = channel();
        let mut live = LiveFleet::new(demo, store, metadata, refused);
        std::thread::Builder::new().name("demo".into()).spawn(move || {
            loop {
                let due_ms = live.demo.time_ms + INTERVAL_MS;
                let wait = Duration::from_millis(u64::try_from(due_ms - now_ms()).unwrap_or(0));
                if stopped.recv_timeout(wait) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
                live.scrape(due_ms, now_ms());
            }
        })?;
        Ok(Self { _stop: stop })
    }
}

impl LiveFleet {
    pub(super) fn new(demo: DemoFleet, store: Store, metadata: Arc<Metadata>, refused: Arc<RefusedSamples>) -> Self {
        Self { demo, store, metadata, refused, writers: BTreeMap::new() }
    }

    /// Moves the fleet on to `due_ms` and scrapes it, unless that is long over.
    pub(super) fn scrape(&mut self, due_ms: i64, now_ms: i64) {
        let Self { demo: DemoFleet { fleet, time_ms }, store, metadata, refused, writers } = self;
        *time_ms = due_ms;
        fleet.run_until(due_ms);
        if now_ms - due_ms > MAX_LATE_MS {
            return;
        }
        let mut seen = BTreeSet::new();
        fleet.scrape(&mut |target, answer| {
            let writer = writers.entry(target.clone()).or_insert_with_key(|target| {
                let mut writer = Writer::new(store, Arc::clone(refused), Arc::clone(metadata), identity(target));
                writer.resume(store, now_ms);
                writer
            });
            writer.write(due_ms, &scrape(target.kind, answer));
            seen.insert(target);
        });
        for (_, mut gone) in writers.extract_if(.., |target, _| !seen.contains(target)) {
            gone.retire(due_ms);
        }
    }
}

/// What a scrape of a simulated target finds.
fn scrape(kind: TargetKind, answer: Simulated) -> Scrape {
    let (answer, duration) = match (kind, answer) {
        (TargetKind::Cluster | TargetKind::HostedState, Simulated::Page(parts)) => {
            (Ok(Answer::Families(families(&parts))), Duration::from_millis(1))
        }
        (_, Simulated::Page(parts)) => {
            (Ok(Answer::Page(MetricsPage::from_text(text(&parts)))), Duration::from_millis(5))
        }
        (_, Simulated::ConnectionRefused) => (Err(Failure::Connect), Duration::from_millis(1)),
        (_, Simulated::Timeout) => (Err(Failure::Timeout), Duration::from_secs(10)),
    };
    Scrape { answer, duration, health: None, listening: Listening::Unknown }
}
