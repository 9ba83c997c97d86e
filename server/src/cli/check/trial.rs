//! A trial scrape of one metrics page into an empty store, with the code that scrapes targets.
use crate::clock::now_ms;
use crate::processes::listening::Listening;
use crate::scrape::metrics_page::{Answer, MetricsPage};
use crate::scrape::refused_samples::RefusedSamples;
use crate::scrape::scrape_loop::Scrape;
use crate::scrape::writer::Writer;
use crate::target::failure::Failure;
use crate::target::identity::Identity;
use std::sync::Arc;
use std::time::Duration;
use tsdb::{Limits, Store};

/// What a scrape stores of a metrics page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stored {
    /// Samples.
    pub(crate) samples: u64,
    /// Their series.
    pub(crate) series: usize,
    /// Samples that are not stored because their series appears earlier on the metrics page.
    pub(crate) duplicates: u64,
    /// Samples that are not stored because their timestamp is too far from now.
    pub(crate) out_of_bounds: u64,
    /// The labels that the samples get: `job`, and `model` if the metrics page names one.
    pub(crate) labels: Vec<(String, String)>,
}

/// Scrapes `page` once.
pub(crate) fn scrape(page: &MetricsPage) -> Result<Stored, Failure> {
    // Even an empty metrics page is stored with the series about the scrape, which are not counted here.
    let about_scrape = store_page(&MetricsPage::from_text(String::new()))?;
    let mut stored = store_page(page)?;
    stored.samples -= about_scrape.samples;
    stored.series -= about_scrape.series;
    Ok(stored)
}

fn store_page(page: &MetricsPage) -> Result<Stored, Failure> {
    let (store, refused) = (Store::new(Limits::default()), Arc::<RefusedSamples>::default());
    let mut writer = Writer::new(&store, Arc::clone(&refused), Arc::default(), Identity::default());
    let scrape = Scrape {
        answer: Ok(Answer::Page(page.clone())),
        duration: Duration::ZERO,
        health: None,
        listening: Listening::Unknown,
    };
    match writer.write(now_ms(), &scrape) {
        Some(failure) => Err(failure),
        None => Ok(Stored {
            samples: store.stats().appended - writer.detected_count() as u64,
            series: store.stats().series - writer.detected_count(),
            duplicates: refused.duplicates.get(),
            out_of_bounds: refused.out_of_bounds.get(),
            labels: writer.sample_labels(),
        }),
    }
}
