//! What this server says about itself.
use super::page::PageWriter;
use crate::scrape::Counts;
use store::Store;

/// Figures about the store and the samples it did not take, as a metrics page.
pub fn own_page(store: &Store, refused: &Counts) -> String {
    let mut page = PageWriter::default();
    page.family("inferboard_build_info", "gauge", "Always 1; the version is in the labels.");
    page.sample("inferboard_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    let stats = store.stats();
    page.family("inferboard_store_series", "gauge", "Series in the store.");
    page.sample("inferboard_store_series", &[], stats.series);
    page.family("inferboard_store_size_bytes", "gauge", "Memory that samples take in the store.");
    page.sample("inferboard_store_size_bytes", &[], stats.size_bytes);
    page.family("inferboard_store_samples_total", "counter", "Samples stored since the start.");
    page.sample("inferboard_store_samples_total", &[], stats.appended);
    page.family("inferboard_samples_refused_total", "counter", "Scraped samples not stored since the start.");
    let reasons = [
        ("duplicate", &refused.duplicates),
        ("out_of_order", &refused.out_of_order),
        ("out_of_bounds", &refused.out_of_bounds),
    ];
    for (reason, count) in reasons {
        page.sample("inferboard_samples_refused_total", &[("reason", reason)], count.get());
    }
    page.finish()
}
