//! A scrape of one page into a store of its own, by the very code that scrapes targets.
use crate::clock::now_ms;
use crate::scrape::metrics_page::{Answer, MetricsPage};
use crate::scrape::refused_samples::RefusedSamples;
use crate::scrape::scrape_loop::Scrape;
use crate::scrape::writer::Writer;
use crate::target::failure::Failure;
use crate::target::identity::Identity;
use promql::{MatchOp, Matcher, Selector, Storage};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;
use tsdb::{Limits, Store};

/// What is stored of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stored {
    /// Samples.
    pub(crate) samples: u64,
    /// Series they belong to.
    pub(crate) series: usize,
    /// Samples left out because the page had their series before.
    pub(crate) duplicates: u64,
    /// Samples left out because they carry a time too far from now.
    pub(crate) out_of_bounds: u64,
    /// Labels that the page gives its target, `job` and perhaps `model`.
    pub(crate) labels: Vec<(String, String)>,
}

/// Scrapes `page` once, now.
pub(crate) fn scrape(page: &MetricsPage) -> Result<Stored, Failure> {
    // What even a page without samples gets: the series about the scrape itself.
    let about_scrape = scraped(&MetricsPage::from_text(String::new()))?;
    let mut stored = scraped(page)?;
    stored.samples -= about_scrape.samples;
    stored.series -= about_scrape.series;
    Ok(stored)
}

fn scraped(page: &MetricsPage) -> Result<Stored, Failure> {
    let (store, refused) = (Store::new(Limits::default()), Arc::<RefusedSamples>::default());
    let mut writer = Writer::new(&store, Arc::clone(&refused), Arc::default(), Identity::default());
    let scrape = Scrape { answer: Ok(Answer::Page(page.clone())), duration: Duration::ZERO, health: None };
    match writer.write(now_ms(), &scrape) {
        Some(failure) => Err(failure),
        None => Ok(Stored {
            samples: store.stats().appended - writer.detected_count() as u64,
            series: store.stats().series - writer.detected_count(),
            duplicates: refused.duplicates.get(),
            out_of_bounds: refused.out_of_bounds.get(),
            labels: target_labels(&store),
        }),
    }
}

fn target_labels(store: &Store) -> Vec<(String, String)> {
    let up = Matcher { name: promql::METRIC_NAME.into(), op: MatchOp::Equal, value: "up".into() };
    let mut found = Vec::new();
    // The store is in memory, and reading it cannot fail.
    let _ = store.select(&Selector { any_of: vec![vec![up]] }, i64::MIN, i64::MAX, &mut |labels, _| {
        let labels = labels.without_metric_name();
        found = labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        ControlFlow::Break(())
    });
    found
}
