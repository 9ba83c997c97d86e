//! Telling the system what of a block is about to be read, so that it reads while the first frames are unpacked.
use super::cache::Recent;
use super::index::GroupAt;
use super::open::Block;

/// Frames of one query that are announced: enough for what a card asks, few enough for what a whole month is asked.
pub(crate) const MOST_AHEAD: usize = 256;

/// Frames of times above which not all will be needed.
const FEW_TIMES: usize = 4;

impl Block {
    /// Announces at most `left` frames, and takes them from it: of the series with `ordinals`, which are in order, with
    /// samples in `after_ms < time <= until_ms`, unless a query left them unpacked.
    pub(crate) fn announce(&self, ordinals: &[u32], span_ms: (i64, i64), recent: &Recent, left: &mut usize) {
        let mut announce = |group: &GroupAt| {
            if *left > 0 && !recent.frames.has(&(self.id, group.at)) {
                self.input.will_read(group.at, group.length as usize);
                *left -= 1;
            }
            *left > 0
        };
        for slice in self.slices_within(span_ms) {
            let (values, times) = (&self.values[slice], &self.times[slice]);
            if times.len() <= FEW_TIMES {
                times.iter().all(&mut announce);
            }
            let mut ordinals = ordinals;
            while let Some(first) = ordinals.first() {
                let next = values.partition_point(|group| group.first <= *first);
                if next.checked_sub(1).and_then(|at| values.get(at)).is_some_and(|group| !announce(group)) {
                    return;
                }
                let Some(next) = values.get(next) else { break };
                ordinals = &ordinals[ordinals.partition_point(|ordinal| *ordinal < next.first)..];
            }
        }
    }
}
