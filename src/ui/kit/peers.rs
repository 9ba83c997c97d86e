//! When one of several peers stands out.
use crate::wasm_size::sort::sort_by;

/// Fewer are no crowd to stand out from.
const MIN_PEERS: usize = 3;

/// From this multiple of its peers' median on, a value stands out.
pub(crate) const MAX_USUAL_RATIO: f64 = 1.5;

/// The median of the finite values; none of too few.
pub(crate) fn peer_median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut known: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    sort_by(&mut known, f64::total_cmp);
    known.get(known.len() / 2).copied().filter(|_| known.len() >= MIN_PEERS)
}
