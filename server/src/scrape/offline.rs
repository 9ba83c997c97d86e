//! Scraping without a network or a clock: a simulation gives the answers of a target and the times.
use crate::processes::listening::Listening;
use crate::scrape::metrics_page::{Answer, MetricsPage};
use crate::scrape::refused_samples::RefusedSamples;
use crate::scrape::scrape_loop::Scrape;
use crate::scrape::writer::Writer;
use crate::target::failure::Failure;
use crate::target::identity::Identity;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tsdb::Store;

/// Stores what a target answers as the companion does, without requesting it.
pub struct OfflineScraper {
    writer: Writer,
    refused: Arc<RefusedSamples>,
}

impl OfflineScraper {
    /// Begins to scrape a target, continuing from what `store` has of it. `now_ms` is in Unix milliseconds.
    pub fn new(store: &Store, identity: Identity, now_ms: i64) -> Self {
        let refused = Arc::<RefusedSamples>::default();
        let is_replica = identity.replica.is_some();
        let mut writer = Writer::new(store, Arc::clone(&refused), Arc::default(), identity);
        writer.resume(store, now_ms);
        if is_replica {
            writer.track_replica(store, now_ms);
        }
        Self { writer, refused }
    }

    /// Stores the scrape at `time_ms`, in Unix milliseconds: a metrics page in Prometheus text, or why there is none.
    ///
    /// # Errors
    /// Why the scrape failed, or that the store had no room.
    pub fn scrape(&mut self, time_ms: i64, page: Result<String, Failure>, duration: Duration) -> Result<(), Failure> {
        let answer = page.map(|text| Answer::Page(MetricsPage::from_text(text)));
        let scrape = Scrape { answer, duration, health: None, listening: Listening::Unknown };
        self.writer.write(time_ms, &scrape).map_or(Ok(()), Err)
    }

    /// Ends the series of the target, which is no longer scraped.
    pub fn retire(&mut self, time_ms: i64) {
        self.writer.retire(time_ms);
    }

    /// The model that the target's samples are labelled with.
    pub fn model(&self) -> Option<&str> {
        self.writer.model()
    }

    /// The samples that were not stored.
    pub fn refused(&self) -> &RefusedSamples {
        &self.refused
    }
}

impl fmt::Debug for OfflineScraper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OfflineScraper").field("refused", &self.refused).finish_non_exhaustive()
    }
}
