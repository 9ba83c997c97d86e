//! What this server says about itself.
use crate::scrape::scrapers::Counts;
use crate::sources::page::PageWriter;
use std::fmt::Display;
use tsdb::Store;

/// Figures about the store and the samples it did not take, as a metrics page.
pub fn own_page(store: &Store, refused: &Counts) -> String {
    let mut page = PageWriter::default();
    page.family("inferboard_build_info", "gauge", "Always 1; the version is in the labels.");
    page.sample("inferboard_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    let stats = store.stats();
    let gauges: [(&str, &str, &dyn Display); 7] = [
        ("inferboard_store_series", "Series in the store.", &stats.series),
        ("inferboard_store_size_bytes", "Memory that samples take in the store.", &stats.size_bytes),
        ("inferboard_store_blocks", "Blocks on disk.", &stats.blocks),
        ("inferboard_store_block_bytes", "Bytes of the blocks on disk.", &stats.block_bytes),
        ("inferboard_store_block_samples", "Samples in the blocks on disk.", &stats.block_samples),
        ("inferboard_store_log_bytes", "Bytes of the write-ahead log on disk.", &stats.log_bytes),
        ("inferboard_store_write_failed", "1 while history cannot be written.", &u8::from(stats.failure.is_some())),
    ];
    for (name, help, value) in gauges {
        page.family(name, "gauge", help);
        page.sample(name, &[], value);
    }
    let counters = [
        ("inferboard_store_samples_total", "Samples stored since the start.", stats.appended),
        ("inferboard_store_damaged_total", "Damaged places found since the start.", stats.damaged),
        ("inferboard_store_lost_samples_total", "Samples found lost to damage since the start.", stats.lost_samples),
    ];
    for (name, help, value) in counters {
        page.family(name, "counter", help);
        page.sample(name, &[], value);
    }
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
