//! Readahead: advising the system which records a query will read, so that it fetches them during decoding.
use super::block_index::{BlockIndex, RecordRef};
use super::cache::{BlockCache, RecordKey};
use super::open::Block;
use crate::time::TimeRange;

/// Maximum number of records that a query reads ahead: enough for one card, and a bound for queries over a month.
pub(crate) const MAX_READAHEAD_RECORDS: usize = 256;

/// Number of records of times above which a query will not need all of them.
const MAX_TIMES_RECORDS: usize = 4;

impl Block {
    /// Reads ahead the records of the series with `ordinals`, which are in order, and their samples in `range`, unless
    /// they are cached. Reads at most `budget` records, and reduces it by their number.
    pub(crate) fn read_ahead(
        &self,
        index: &BlockIndex,
        ordinals: &[u32],
        range: TimeRange,
        cache: &BlockCache,
        budget: &mut usize,
    ) {
        let mut advise = |record: &RecordRef| {
            if *budget > 0 && !cache.records.contains(&RecordKey { block: self.id, offset: record.offset }) {
                self.file.advise_read(record.offset, record.length as usize);
                *budget -= 1;
            }
            *budget > 0
        };
        for slice in self.slices_within(range) {
            let (values, times) = (&index.values[slice], &index.times[slice]);
            if times.len() <= MAX_TIMES_RECORDS {
                times.iter().all(&mut advise);
            }
            let mut ordinals = ordinals;
            while let Some(first) = ordinals.first() {
                let next = values.partition_point(|record| record.first <= *first);
                if next.checked_sub(1).and_then(|at| values.get(at)).is_some_and(|record| !advise(record)) {
                    return;
                }
                let Some(next) = values.get(next) else { break };
                ordinals = &ordinals[ordinals.partition_point(|ordinal| *ordinal < next.first)..];
            }
        }
    }
}
