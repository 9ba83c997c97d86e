//! The rules: pure functions from evidence to the steps where a finding holds.
mod capacity;
mod engine;
mod failures;
mod peers;

pub(crate) use capacity::{at_maximum, cold_start, flapping};
pub(crate) use engine::{kv_cache_full, prefix_cache_lost};
pub(crate) use failures::{error_burst, gpu_throttled, restart_loop};
pub(crate) use peers::{replica_stuck, replica_unlike_peers};

/// A count with its noun: `1 request`, `144 requests`.
fn counted(count: f64, noun: &str) -> String {
    let count = count.round();
    format!("{count} {noun}{}", if count == 1.0 { "" } else { "s" })
}

/// A share as a percentage.
fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn one_is_no_plural() {
        assert_eq!(
            [0.0, 0.9, 144.2].map(|count| counted(count, "request")),
            ["0 requests", "1 request", "144 requests"]
        );
    }
}
