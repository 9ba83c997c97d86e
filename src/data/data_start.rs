//! Since when there are scrapes of the targets in scope.
use crate::data::http::client::Backend;
use crate::data::http::error::RequestError;
use catalogue::{Scope, oldest_over};
use prometheus_api::Data;

/// The steps in which a range is searched for its first scrape.
const SEARCH_STEPS: i64 = 200;

/// The most steps in which one of those is searched then.
const MAX_FINE_STEPS: i64 = 4000;

/// Since when there are scrapes of the targets in scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum DataStart {
    /// There are none: nothing tells since when there are data.
    #[default]
    Unknown,
    /// Since before the range and its windows.
    BeforeRange,
    /// Since a time within them, Unix milliseconds.
    At(i64),
}

/// What earlier rounds have found out for a scope.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct KnownStart {
    scope: Scope,
    /// A time at which there were data already.
    has_data_ms: Option<i64>,
    /// Where the search began, and the time up to which there was nothing.
    empty_ms: Option<(i64, i64)>,
    /// The first scrape after that.
    first_ms: Option<i64>,
}

/// What a search needs to know.
pub(crate) struct Search<'a> {
    pub(crate) backend: &'a Backend,
    pub(crate) scope: &'a Scope,
    /// What tells since when there are data, one query after the other.
    pub(crate) queries: Vec<String>,
    pub(crate) start_ms: i64,
    /// The end of the range, or the server's time if that is earlier.
    pub(crate) until_ms: i64,
    /// The shortest scrape interval.
    pub(crate) interval_ms: i64,
}

impl KnownStart {
    /// What is known of a range that begins at `start_ms`; none if it must be searched.
    fn of(&self, start_ms: i64) -> Option<DataStart> {
        if self.has_data_ms.is_some_and(|has_data_ms| has_data_ms <= start_ms) {
            return Some(DataStart::BeforeRange);
        }
        let first_ms = self.first_ms.filter(|_| self.searched(start_ms).is_some())?;
        Some(if first_ms > start_ms { DataStart::At(first_ms) } else { DataStart::BeforeRange })
    }

    /// The times between which there was nothing, if they were searched from `start_ms` or earlier.
    fn searched(&self, start_ms: i64) -> Option<(i64, i64)> {
        self.empty_ms.filter(|(from_ms, _)| *from_ms <= start_ms)
    }

    /// Where the search of a range goes on: what was empty before is not searched again. None if nothing of it is left.
    fn next_ms(&self, start_ms: i64, until_ms: i64) -> Option<i64> {
        let next_ms = self.searched(start_ms).map_or(start_ms, |(_, empty_until_ms)| empty_until_ms.max(start_ms));
        (next_ms < until_ms).then_some(next_ms)
    }
}

impl Search<'_> {
    /// Since when there are data in the range, as far as it is not known.
    pub(crate) async fn run(&self, known: &mut KnownStart) -> Result<DataStart, RequestError> {
        if known.scope != *self.scope {
            *known = KnownStart { scope: self.scope.clone(), ..KnownStart::default() };
        }
        if let Some(start) = known.of(self.start_ms) {
            return Ok(start);
        }
        let Some(next_ms) = known.next_ms(self.start_ms, self.until_ms) else { return Ok(DataStart::Unknown) };
        let searched_ms = known.searched(self.start_ms);
        let from_ms = searched_ms.map_or(self.start_ms, |(from_ms, _)| from_ms);
        for query in &self.queries {
            if searched_ms.is_none() && self.value(query.clone(), self.start_ms).await?.is_some() {
                known.has_data_ms = Some(self.start_ms);
                return Ok(DataStart::BeforeRange);
            }
            let step_ms = ((self.until_ms - next_ms) / SEARCH_STEPS).max(self.interval_ms);
            let mut found = self.oldest(query, self.until_ms, self.until_ms - next_ms + step_ms, step_ms).await?;
            if found.is_none() {
                // The steps of a subquery are multiples of their length, so the last one may end long before.
                found = self.value(query.clone(), self.until_ms).await?;
            }
            if let Some(near_ms) = found {
                let fine_ms = self.interval_ms.max(step_ms / MAX_FINE_STEPS);
                let exact_ms = self.oldest(query, near_ms, step_ms + fine_ms, fine_ms).await?;
                known.empty_ms = Some((from_ms, next_ms));
                known.first_ms = Some(exact_ms.unwrap_or(near_ms));
                return Ok(known.of(self.start_ms).unwrap_or_default());
            }
        }
        known.empty_ms = Some((from_ms, self.until_ms));
        Ok(DataStart::Unknown)
    }

    /// The time of the oldest scrape that steps before `end_ms` see.
    async fn oldest(
        &self,
        query: &str,
        end_ms: i64,
        length_ms: i64,
        step_ms: i64,
    ) -> Result<Option<i64>, RequestError> {
        self.value(oldest_over(query, length_ms, step_ms), end_ms).await
    }

    /// The value of a query, a time in seconds, as milliseconds.
    async fn value(&self, query: String, time_ms: i64) -> Result<Option<i64>, RequestError> {
        let Data::Vector(vector) = self.backend.instant(query, Some(time_ms)).await? else { return Ok(None) };
        Ok(vector.first().map(|first| (first.samples.value.1.0 * 1000.0).round() as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_not_searched_is_searched() {
        let mut known = KnownStart::default();
        assert_eq!(known.next_ms(1000, 9000), Some(1000), "all of it at first");
        assert_eq!(known.next_ms(9000, 9000), None, "nothing of a range in the future");
        known.empty_ms = Some((1000, 9000));
        assert_eq!(known.next_ms(2000, 12_000), Some(9000), "what was empty is left out");
        assert_eq!(known.next_ms(10_000, 12_000), Some(10_000));
        assert_eq!([8000, 9000].map(|until_ms| known.next_ms(2000, until_ms)), [None; 2], "nothing is left within it");
        assert_eq!(known.next_ms(999, 8000), Some(999), "the range begins before what was searched");
    }

    #[test]
    fn what_was_found_serves_ranges_that_begin_later() {
        let mut known = KnownStart::default();
        assert_eq!(known.of(1000), None, "nothing is known yet");
        known.empty_ms = Some((1000, 9000));
        assert_eq!(known.of(1000), None, "there may be scrapes since");
        known.first_ms = Some(9500);
        assert_eq!([1000, 9499].map(|start_ms| known.of(start_ms)), [Some(DataStart::At(9500)); 2]);
        assert_eq!(known.of(9500), Some(DataStart::BeforeRange));
        assert_eq!(known.of(999), None, "there may be data before what was searched");
        known.has_data_ms = Some(700);
        assert_eq!(known.of(800), Some(DataStart::BeforeRange));
    }
}
