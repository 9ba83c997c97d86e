//! The companion's own metrics: its version and its store.
use crate::clock::Jumps;
use crate::sources::families::FamilyBuilder;
use catalogue::contract::names;
use exposition::{Family, Kind};
use tsdb::Stats;

/// The families about the store, the clock and the refused samples, by reason.
pub(crate) fn own_families(
    stats: &Stats,
    jumps: &Jumps,
    refused: impl IntoIterator<Item = (&'static str, u64)>,
) -> Vec<Family> {
    let mut families = FamilyBuilder::default();
    families.family(names::BUILD_INFO, Kind::Gauge, "Always 1; the version is in the labels.");
    families.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    let gauges = [
        (names::STORE_SERIES, "Series in the store.", stats.series as f64),
        (names::STORE_LABEL_BYTES, "Bytes of the labels of these series, each text once.", stats.label_bytes as f64),
        (names::STORE_SIZE_BYTES, "Memory used by samples in the store.", stats.size_bytes as f64),
        (names::STORE_BLOCKS, "Blocks on disk.", stats.blocks as f64),
        (names::STORE_BLOCK_BYTES, "Bytes of the blocks on disk.", stats.block_bytes as f64),
        (names::STORE_BLOCK_SAMPLES, "Samples in the blocks on disk.", stats.block_samples as f64),
        (names::STORE_LOG_BYTES, "Bytes of the write-ahead log on disk.", stats.log_bytes as f64),
        (names::STORE_WRITE_FAILED, "1 while history cannot be written to disk.", f64::from(stats.failure.is_some())),
    ];
    for (name, help, value) in gauges {
        families.family(name, Kind::Gauge, help);
        families.sample(&[], value);
    }
    let counters = [
        (names::STORE_SAMPLES_TOTAL, "Samples stored since the start.", stats.appended),
        (names::STORE_DAMAGED_TOTAL, "Damaged places found since the start.", stats.damaged),
        (names::STORE_LOST_SAMPLES_TOTAL, "Samples lost to damage, found since the start.", stats.lost_samples),
    ];
    for (name, help, value) in counters {
        families.family(name, Kind::Counter, help);
        families.sample(&[], value as f64);
    }
    families.family(names::CLOCK_JUMPS_TOTAL, Kind::Counter, "Jumps of the system's clock since the start.");
    families.sample(&[("direction", "forward")], jumps.forward as f64);
    families.sample(&[("direction", "back")], jumps.back as f64);
    families.family(names::SAMPLES_REFUSED_TOTAL, Kind::Counter, "Scraped samples not stored since the start.");
    for (reason, count) in refused {
        families.sample(&[("reason", reason)], count as f64);
    }
    families.finish()
}
