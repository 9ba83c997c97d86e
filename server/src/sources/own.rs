//! What this server says about itself.
use crate::scrape::scrapers::Counts;
use crate::sources::page::PageWriter;
use catalogue::contract::names;
use std::fmt::Display;
use tsdb::Store;

/// Figures about the store and the samples it did not take, as a metrics page.
pub fn own_page(store: &Store, refused: &Counts) -> String {
    let mut page = PageWriter::default();
    page.family(names::BUILD_INFO, "gauge", "Always 1; the version is in the labels.");
    page.sample(names::BUILD_INFO, &[("version", env!("CARGO_PKG_VERSION"))], 1);
    let stats = store.stats();
    let gauges: [(&str, &str, &dyn Display); 7] = [
        (names::STORE_SERIES, "Series in the store.", &stats.series),
        (names::STORE_SIZE_BYTES, "Memory that samples take in the store.", &stats.size_bytes),
        (names::STORE_BLOCKS, "Blocks on disk.", &stats.blocks),
        (names::STORE_BLOCK_BYTES, "Bytes of the blocks on disk.", &stats.block_bytes),
        (names::STORE_BLOCK_SAMPLES, "Samples in the blocks on disk.", &stats.block_samples),
        (names::STORE_LOG_BYTES, "Bytes of the write-ahead log on disk.", &stats.log_bytes),
        (names::STORE_WRITE_FAILED, "1 while history cannot be written.", &u8::from(stats.failure.is_some())),
    ];
    for (name, help, value) in gauges {
        page.family(name, "gauge", help);
        page.sample(name, &[], value);
    }
    let counters = [
        (names::STORE_SAMPLES_TOTAL, "Samples stored since the start.", stats.appended),
        (names::STORE_DAMAGED_TOTAL, "Damaged places found since the start.", stats.damaged),
        (names::STORE_LOST_SAMPLES_TOTAL, "Samples found lost to damage since the start.", stats.lost_samples),
    ];
    for (name, help, value) in counters {
        page.family(name, "counter", help);
        page.sample(name, &[], value);
    }
    page.family(names::SAMPLES_REFUSED_TOTAL, "counter", "Scraped samples not stored since the start.");
    let reasons = [
        ("duplicate", &refused.duplicates),
        ("out_of_order", &refused.out_of_order),
        ("out_of_bounds", &refused.out_of_bounds),
    ];
    for (reason, count) in reasons {
        page.sample(names::SAMPLES_REFUSED_TOTAL, &[("reason", reason)], count.get());
    }
    page.finish()
}
