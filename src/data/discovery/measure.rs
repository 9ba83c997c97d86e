//! Measures how often the targets behind the visible range were scraped.
use crate::data::discovery::intervals::{COUNT_WINDOW_MS, Intervals};
use crate::data::discovery::inventory::Inventory;
use crate::data::discovery::scrapes::series;
use crate::data::http::client::Backend;
use crate::data::http::error::RequestError;
use crate::state::time_range::TimeRange;
use crate::wasm_size::sort::set;
use catalogue::{Scope, interval_query, sample_counts_query};
use prometheus_api::Data;

/// From this length on, a range may hold other intervals than those of its end.
const MIN_LONG_RANGE_MS: i64 = 6 * 3_600_000;

/// The moments at which samples are counted in a range.
const COUNTS: i64 = 24;

/// The shortest distance between two of these moments, in milliseconds.
const MIN_COUNT_STEP_MS: i64 = 60_000;

/// The metrics that are counted where `up` says nothing, as in imported history.
const MAX_METRICS: usize = 4;

/// The intervals at the end of a range in the past.
///
/// # Errors
/// When the server is away. Without an answer the intervals are assumed.
pub(crate) async fn intervals_at(backend: &Backend, scope: &Scope, end_ms: i64) -> Result<Intervals, RequestError> {
    let scrapes = backend.instant(interval_query(scope, &backend.labels), Some(end_ms)).await;
    Ok(Intervals::from_samples(series(&answered(scrapes)?), &backend.labels))
}

/// Adds what the range says that the samples at its end do not: the intervals of a long range, and of series without
/// `up`.
///
/// # Errors
/// When the server is away. Without an answer the intervals are assumed.
pub(crate) async fn add_counts(
    intervals: &mut Intervals,
    backend: &Backend,
    inventory: &Inventory,
    scope: &Scope,
    range: TimeRange,
) -> Result<(), RequestError> {
    let unknown = inventory.keys(scope).filter(|(key, _)| intervals.of_key(key).is_none());
    let mut names = set(unknown.map(|(_, name)| name));
    if range.length_ms() >= MIN_LONG_RANGE_MS {
        names.insert("up");
    }
    let step_ms = (range.length_ms() / COUNTS).max(MIN_COUNT_STEP_MS);
    for name in names.into_iter().take(MAX_METRICS) {
        let query = sample_counts_query(name, COUNT_WINDOW_MS, scope, &backend.labels);
        let counts = answered(backend.range(query, range.start_ms, range.end_ms, step_ms).await)?;
        intervals.add_counts(series(&counts), &backend.labels);
    }
    Ok(())
}

/// The answer, or nothing where the server refuses.
fn answered(result: Result<Data, RequestError>) -> Result<Data, RequestError> {
    match result {
        Err(error) if !error.is_connection() => Ok(Data::Matrix(Vec::new())),
        result => result,
    }
}
