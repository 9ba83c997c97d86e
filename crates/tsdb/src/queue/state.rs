//! What a queue knows of its segments and its readers, without their files.
use crate::disk::header::HEADER_BYTES;
use std::collections::BTreeMap;

/// A place between two records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) segment: u64,
    /// In bytes from the start of the segment's file.
    pub(crate) offset: u64,
    /// The samples of the segment that are before it.
    pub(crate) samples: u64,
}

impl Position {
    /// The start of a segment.
    pub(crate) fn start_of(segment: u64) -> Self {
        Self { segment, offset: HEADER_BYTES as u64, samples: 0 }
    }
}

/// What is in a segment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SegmentSize {
    pub(crate) bytes: u64,
    pub(crate) samples: u64,
}

/// How far a reader is.
#[derive(Debug)]
pub(crate) struct ReaderState {
    pub(crate) name: String,
    pub(crate) max_bytes: u64,
    /// What is before it is not needed any more.
    pub(crate) committed: Position,
    /// Where the next read begins.
    pub(crate) next: Position,
    /// How often the oldest segment was taken from it.
    pub(crate) skips: u64,
    /// The samples that it will never read.
    pub(crate) dropped: u64,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    /// By id. The last one is being written.
    pub(crate) segments: BTreeMap<u64, SegmentSize>,
    pub(crate) readers: Vec<ReaderState>,
}

impl State {
    /// The first segment after `id`.
    pub(crate) fn segment_after(&self, id: u64) -> Option<u64> {
        self.segments.range(id.saturating_add(1)..).next().map(|(id, _)| *id)
    }

    /// Moves readers that are too far behind to later segments, but never past the last one.
    pub(crate) fn enforce_limits(&mut self) {
        let Some(last) = self.segments.keys().next_back().copied() else { return };
        for reader in &mut self.readers {
            let backlog = self.segments.range(reader.committed.segment..);
            let mut bytes: u64 = backlog.map(|(_, size)| size.bytes).sum();
            while bytes > reader.max_bytes && reader.committed.segment < last {
                let oldest = reader.committed.segment;
                let size = self.segments.get(&oldest).copied().unwrap_or_default();
                let next = self.segments.range(oldest.saturating_add(1)..).next().map_or(last, |(id, _)| *id);
                // What has been read is still being sent.
                if reader.next.segment <= oldest {
                    reader.dropped += size.samples.saturating_sub(reader.next.samples);
                    reader.next = Position::start_of(next);
                    reader.skips += 1;
                }
                reader.committed = Position::start_of(next);
                bytes = bytes.saturating_sub(size.bytes);
            }
        }
    }

    /// Removes the segments that no reader needs, and returns their ids.
    pub(crate) fn take_obsolete(&mut self) -> Vec<u64> {
        let Some(last) = self.segments.keys().next_back().copied() else { return Vec::new() };
        let first_needed = self.readers.iter().map(|reader| reader.committed.segment).min().unwrap_or(last).min(last);
        let needed = self.segments.split_off(&first_needed);
        std::mem::replace(&mut self.segments, needed).into_keys().collect()
    }

    /// The samples and bytes after what a reader has committed.
    pub(crate) fn backlog(&self, reader: &ReaderState) -> SegmentSize {
        let mut size = SegmentSize::default();
        for (_, segment) in self.segments.range(reader.committed.segment..) {
            size.bytes += segment.bytes;
            size.samples += segment.samples;
        }
        let is_there = self.segments.contains_key(&reader.committed.segment);
        let done = if is_there { reader.committed } else { Position::default() };
        SegmentSize {
            bytes: size.bytes.saturating_sub(done.offset),
            samples: size.samples.saturating_sub(done.samples),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(max_bytes: u64) -> State {
        let reader = ReaderState {
            name: "a".into(),
            max_bytes,
            committed: Position::start_of(1),
            next: Position::start_of(1),
            skips: 0,
            dropped: 0,
        };
        let segments = (1..=4).map(|id| (id, SegmentSize { bytes: 100, samples: 10 })).collect();
        State { segments, readers: vec![reader] }
    }

    #[test]
    fn a_reader_that_is_too_far_behind_loses_the_oldest_segments() {
        let mut state = state(250);
        state.enforce_limits();
        assert_eq!((state.readers[0].committed, state.readers[0].dropped), (Position::start_of(3), 20));
        assert_eq!(state.take_obsolete(), [1, 2]);
        assert_eq!(state.backlog(&state.readers[0]).samples, 20);
    }

    #[test]
    fn samples_that_were_read_are_not_dropped() {
        let mut state = state(250);
        state.readers[0].next = Position { segment: 1, offset: 60, samples: 7 };
        state.enforce_limits();
        assert_eq!((state.readers[0].next, state.readers[0].dropped), (Position::start_of(3), 13));
    }

    #[test]
    fn the_segment_that_is_being_written_is_kept() {
        let mut state = state(1);
        state.enforce_limits();
        assert_eq!((state.readers[0].committed, state.readers[0].dropped), (Position::start_of(4), 30));
        assert_eq!(state.take_obsolete(), [1, 2, 3]);
    }
}
