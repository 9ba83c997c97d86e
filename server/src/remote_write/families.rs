//! The families about the receivers, which mean what those of Prometheus's remote storage mean.
use crate::remote_write::counters::ReceiverReport;
use crate::sources::families::FamilyBuilder;
use catalogue::contract::names;
use exposition::{Family, Kind};

/// A value of a report.
type Value = fn(&ReceiverReport) -> f64;

/// The families of all receivers.
pub(crate) fn families(receivers: &[ReceiverReport]) -> Vec<Family> {
    let mut families = FamilyBuilder::default();
    let counters: [(&str, &str, Value); 5] = [
        (names::REMOTE_WRITE_SAMPLES_SENT_TOTAL, "Samples that the receiver has accepted.", |of| of.sent as f64),
        (names::REMOTE_WRITE_SAMPLES_FAILED_TOTAL, "Samples that it has refused for good.", |of| of.failed as f64),
        (names::REMOTE_WRITE_SAMPLES_RETRIED_TOTAL, "Samples that were sent again.", |of| of.retried as f64),
        (
            names::REMOTE_WRITE_SAMPLES_DROPPED_TOTAL,
            "Samples that were never sent, because too many waited or the disk failed.",
            |of| of.queue.dropped as f64,
        ),
        (names::REMOTE_WRITE_BYTES_TOTAL, "Bytes of accepted requests, compressed.", |of| of.bytes as f64),
    ];
    let gauges: [(&str, &str, f64, Value); 5] = [
        (names::REMOTE_WRITE_SAMPLES_PENDING, "Samples that wait to be accepted.", 1.0, |of| of.queue.pending as f64),
        (names::REMOTE_WRITE_QUEUE_BYTES, "Bytes of the queue that wait.", 1.0, |of| of.queue.pending_bytes as f64),
        (names::REMOTE_WRITE_SHARDS, "Requests that may be under way at a time.", 1.0, |of| of.shards as f64),
        (
            names::REMOTE_WRITE_HIGHEST_TIMESTAMP_SECONDS,
            "Newest time of a sample since the start, Unix seconds.",
            1000.0,
            |of| of.queue.newest_ms as f64,
        ),
        (
            names::REMOTE_WRITE_HIGHEST_SENT_TIMESTAMP_SECONDS,
            "Newest time of an accepted sample since the start, Unix seconds.",
            1000.0,
            |of| of.highest_sent_ms as f64,
        ),
    ];
    let counters = counters.map(|(name, help, value)| (name, help, Kind::Counter, 1.0, value));
    let gauges = gauges.map(|(name, help, divisor, value)| (name, help, Kind::Gauge, divisor, value));
    for (name, help, kind, divisor, value) in counters.into_iter().chain(gauges) {
        families.family(name, kind, help);
        for receiver in receivers {
            families.sample(&[("remote_name", &receiver.name)], value(receiver) / divisor);
        }
    }
    families.finish()
}
