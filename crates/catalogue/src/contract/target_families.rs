//! Families that are about a target as a whole, so that they belong to every model that it serves.
use super::names;

/// What the companion writes about a target and its processes. These series have the labels of the configuration, which
/// never change: the label `model` only if it is configured. The models that the replica serves are a series each of
/// [`REPLICA_MODEL`](names::REPLICA_MODEL), with the same labels and `model`.
pub const OF_TARGETS: [&str; 17] = [
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_series_added",
    names::SCRAPE_FAILED,
    names::REPLICA_STATE,
    names::REPLICA_RESTARTS_TOTAL,
    names::REPLICA_READY_SECONDS,
    names::REPLICA_ATTRIBUTED,
    names::CPU_SECONDS_TOTAL,
    names::CPU_LIMIT_CORES,
    names::MEMORY_USED_BYTES,
    names::MEMORY_LIMIT_BYTES,
    names::GPU_UTILIZATION_RATIO,
    names::GPU_MEMORY_USED_BYTES,
    names::ENGINE_INFO,
    names::ENGINE_GRAPHS,
];

/// Whether a family is about a target as a whole: its scrapes, its state, its processes. Where such a series has no label
/// `model`, its models are those of the series of [`REPLICA_MODEL`](names::REPLICA_MODEL) with the same `instance` and
/// `replica`.
pub fn is_about_target(name: &str) -> bool {
    OF_TARGETS.contains(&name) || name.starts_with("process_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_of_requests_are_not_about_the_target() {
        for (name, expected) in [
            ("up", true),
            ("scrape_duration_seconds", true),
            ("process_cpu_seconds_total", true),
            (names::REPLICA_STATE, true),
            (names::REQUESTS_TOTAL, false),
            ("vllm:num_requests_running", false),
        ] {
            assert_eq!(is_about_target(name), expected, "{name}");
        }
    }
}
