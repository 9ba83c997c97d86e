//! Reading series out of a block, one after the other.
use super::cache::Recent;
use super::index::{GroupAt, Item, read_table};
use super::open::{Block, Unreadable};
use super::slice::SLICES;
use super::{TIMES, VALUES};
use crate::codec::{Bytes, Decompressor, PAGE_ROWS, decode_dense, decode_page, decode_timeline, read_frame};
use std::collections::HashMap;
use std::sync::Arc;

/// Rows of timelines that all cursors of a query remember together.
const MOST_ROWS: usize = 2 << 20;

/// What cursors share: working memory, and what was read before, unless what they read is read once only.
pub(crate) struct Reader<'r> {
    recent: Option<&'r Recent>,
    decompressor: Decompressor,
    frame: Vec<u8>,
}

impl<'r> Reader<'r> {
    pub(crate) fn new(recent: Option<&'r Recent>) -> Self {
        Self { recent, decompressor: Decompressor::new(), frame: Vec::new() }
    }
}

/// A place in a block, with what is around it. Cheapest when series are asked for in the order of their ordinals.
pub(crate) struct Cursor {
    pub(crate) block: Arc<Block>,
    /// By slice, as the times.
    values: [Option<Arc<Loaded>>; SLICES],
    times: [Option<Arc<Loaded>>; SLICES],
    /// By number and slice.
    lines: HashMap<(u32, usize), Arc<[i64]>>,
    /// Rows that may yet be remembered, and how many in all.
    rows_left: usize,
    most_rows: usize,
}

/// A group that has been read.
#[derive(Debug)]
pub(super) struct Loaded {
    at: u64,
    raw: Vec<u8>,
    items: Vec<Item>,
}

impl Cursor {
    /// A cursor over `block`, one of `cursors` of a query.
    pub(crate) fn new(block: Arc<Block>, cursors: usize) -> Self {
        let most_rows = MOST_ROWS / cursors.max(1);
        Self {
            block,
            values: Default::default(),
            times: Default::default(),
            lines: HashMap::new(),
            rows_left: most_rows,
            most_rows,
        }
    }

    /// Appends the samples of a series in `after_ms < time <= until_ms`; gives the number of its timeline. What cannot
    /// be read is left out, and `lost` is told.
    pub(crate) fn read(
        &mut self,
        reader: &mut Reader<'_>,
        ordinal: u32,
        (after_ms, until_ms): (i64, i64),
        (times_ms, values): (&mut Vec<i64>, &mut Vec<f64>),
        lost: &mut dyn FnMut(Unreadable),
    ) -> Option<u32> {
        let mut followed = None;
        for slice in self.block.slices_within((after_ms, until_ms)) {
            let samples = (&mut *times_ms, &mut *values);
            match self.read_slice(reader, (ordinal, slice), (after_ms, until_ms), samples) {
                Ok(timeline) => followed = followed.or(timeline),
                Err(error) => lost(error),
            }
        }
        followed
    }

    fn read_slice(
        &mut self,
        reader: &mut Reader<'_>,
        (ordinal, slice): (u32, usize),
        (after_ms, until_ms): (i64, i64),
        (times_ms, values): (&mut Vec<i64>, &mut Vec<f64>),
    ) -> Result<Option<u32>, Unreadable> {
        let Some(group) = holder(&self.block.values[slice], ordinal) else { return Ok(None) };
        load(&self.block, group, VALUES, reader, &mut self.values[slice])?;
        let Some((timeline, _)) = self.column(slice, ordinal) else { return Ok(None) };
        let line = self.line_within(reader, timeline, slice)?;
        let Some((_, column)) = self.column(slice, ordinal) else { return Ok(None) };
        let from = line.partition_point(|time_ms| *time_ms <= after_ms);
        let until = line.partition_point(|time_ms| *time_ms <= until_ms);
        read_column(column, &line, from..until, times_ms, values);
        Ok(Some(timeline))
    }

    /// The timeline of a series and its column in the frame of the slice that was read last.
    fn column(&self, slice: usize, ordinal: u32) -> Option<(u32, &[u8])> {
        let (item, column) = self.values[slice].as_ref()?.item(ordinal)?;
        Some((item.timeline, column))
    }

    /// The timeline with a number, as far as it can be read.
    pub(crate) fn line(&mut self, reader: &mut Reader<'_>, number: u32) -> Arc<[i64]> {
        let parts = (0..SLICES).filter_map(|slice| self.line_within(reader, number, slice).ok());
        parts.flat_map(|part| part.to_vec()).collect()
    }

    /// The part of a timeline in a slice.
    fn line_within(&mut self, reader: &mut Reader<'_>, number: u32, slice: usize) -> Result<Arc<[i64]>, Unreadable> {
        if let Some(line) = self.lines.get(&(number, slice)) {
            return Ok(Arc::clone(line));
        }
        let key = (self.block.id, number, slice);
        if let Some(line) = reader.recent.and_then(|recent| recent.lines.get(&key)) {
            self.remember(number, slice, &line);
            return Ok(line);
        }
        let missing = || Unreadable::Damaged { frames: 0, samples: 0 };
        let group = holder(&self.block.times[slice], number).ok_or_else(missing)?;
        let place = &mut self.times[slice];
        load(&self.block, group, TIMES, reader, place).or_else(|error| {
            let copy = holder(&self.block.times_again[slice], number).ok_or(error)?;
            load(&self.block, copy, TIMES, reader, place)
        })?;
        let column = place.as_ref().and_then(|loaded| loaded.item(number)).map(|(_, column)| column);
        let line: Arc<[i64]> = column.and_then(decode_timeline).ok_or_else(missing)?.into();
        if let Some(recent) = reader.recent {
            recent.lines.keep(key, Arc::clone(&line), size_of_val(&*line));
        }
        self.remember(number, slice, &line);
        Ok(line)
    }

    fn remember(&mut self, number: u32, slice: usize, line: &Arc<[i64]>) {
        if line.len() > self.rows_left {
            self.lines.clear();
            self.rows_left = self.most_rows;
        }
        self.rows_left = self.rows_left.saturating_sub(line.len());
        self.lines.insert((number, slice), Arc::clone(line));
    }
}

impl Loaded {
    fn item(&self, number: u32) -> Option<(&Item, &[u8])> {
        let item = &self.items[self.items.binary_search_by_key(&number, |item| item.number).ok()?];
        Some((item, self.raw.get(item.at..item.at + item.length)?))
    }
}

/// The group that would hold a number.
fn holder(groups: &[GroupAt], number: u32) -> Option<GroupAt> {
    groups[..groups.partition_point(|group| group.first <= number)].last().copied()
}

/// Reads a group unless it is the one that is there.
fn load(
    block: &Block,
    group: GroupAt,
    tag: u8,
    reader: &mut Reader<'_>,
    place: &mut Option<Arc<Loaded>>,
) -> Result<(), Unreadable> {
    if place.as_ref().is_some_and(|loaded| loaded.at == group.at) {
        return Ok(());
    }
    let key = (block.id, group.at);
    if let Some(loaded) = reader.recent.and_then(|recent| recent.frames.get(&key)) {
        *place = Some(loaded);
        return Ok(());
    }
    // Where nobody else holds the group before, its memory serves again.
    let mut raw = place.take().and_then(Arc::into_inner).map(|loaded| loaded.raw).unwrap_or_default();
    reader.frame.resize(group.length as usize, 0);
    let outcome = block.input.read_at(group.at, &mut reader.frame).map_err(Unreadable::from);
    let items = outcome.map(|()| {
        let (_, packed) = read_frame(&reader.frame)?.split_first().filter(|(own, _)| **own == tag)?;
        reader.decompressor.read(packed, &mut raw)?;
        read_table(&raw).map(|(_, items)| items)
    });
    match items {
        Ok(Some(items)) => {
            let size_bytes = raw.capacity() + items.capacity() * size_of::<Item>();
            let loaded = Arc::new(Loaded { at: group.at, raw, items });
            if let Some(recent) = reader.recent {
                recent.frames.keep(key, Arc::clone(&loaded), size_bytes);
            }
            *place = Some(loaded);
            Ok(())
        }
        Ok(None) | Err(Unreadable::Damaged { .. }) => {
            let frames = u64::from(block.damaged.lock().insert(group.at));
            Err(Unreadable::Damaged { frames, samples: frames * u64::from(group.samples) })
        }
        Err(other) => Err(other),
    }
}

/// Appends the samples of some rows.
fn read_column(
    column: &[u8],
    line: &[i64],
    rows: std::ops::Range<usize>,
    times_ms: &mut Vec<i64>,
    values: &mut Vec<f64>,
) {
    let mut bytes = Bytes(column);
    for (page, times) in line.chunks(PAGE_ROWS).enumerate() {
        let Some(encoded) = bytes.counted() else { return };
        let first = page * PAGE_ROWS;
        let (from, until) = (rows.start.saturating_sub(first), rows.end.saturating_sub(first));
        if from >= times.len() || until == 0 {
            continue;
        }
        let until = until.min(times.len());
        let had = values.len();
        if let Some(count) = decode_dense(encoded, until, values) {
            let from = from.min(count);
            values.drain(had..had + from);
            times_ms.extend_from_slice(&times[from..count]);
            continue;
        }
        decode_page(encoded, until, |row, value| {
            if row >= from {
                times_ms.push(times[row]);
                values.push(value);
            }
        });
    }
}
