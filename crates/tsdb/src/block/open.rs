//! Opening a block: by its end where that is intact, else by its front and a walk over its frames.
use super::index::{Back, Bounds, GroupAt, Groups, read_table};
use super::{BACK, END, FOOTER_BYTES, FRONT, TIMES, VALUES};
use crate::codec::{Bytes, Decompressor, LabelReader, Scanner, decode_timeline, read_frame};
use crate::disk::Input;
use crate::disk::header::{HEADER_BYTES, Kind, Strange, check_header};
use parking_lot::Mutex;
use std::collections::{BTreeSet, HashSet};
use std::io;
use std::sync::Arc;

/// A block that is there to be read.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) id: u64,
    pub(crate) size_bytes: u64,
    /// First and last time.
    pub(crate) span_ms: (i64, i64),
    pub(crate) samples: u64,
    /// By number.
    pub(crate) entries: Vec<Entry>,
    /// Blocks that this one stands for.
    pub(crate) replaces: Vec<u64>,
    /// What was lost when it was opened.
    pub(crate) loss: Option<BlockLoss>,
    pub(super) input: Arc<dyn Input>,
    pub(super) times: Groups,
    pub(super) times_again: Groups,
    pub(super) values: Groups,
    /// Frames found damaged, by offset.
    pub(super) damaged: Mutex<HashSet<u64>>,
}

/// Where the samples of a series are in a block, and when, counted from the block's first time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) number: u32,
    pub(crate) ordinal: u32,
    pub(crate) first_after_ms: u32,
    pub(crate) last_after_ms: u32,
}

/// What opening a damaged block cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BlockLoss {
    /// Series of which nothing was found.
    pub(crate) series: usize,
    /// Bytes that are no frame.
    pub(crate) bytes: u64,
}

/// Why something cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    /// What is there is not what was written; so many frames, and samples in them, that were not known to be lost.
    #[error("damaged")]
    Damaged { frames: u64, samples: u64 },
    #[error("of format version {0}")]
    Version(u32),
    #[error("{0}")]
    Io(io::Error),
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        // A file that is too short is damaged; everything else may pass.
        if error.kind() == io::ErrorKind::UnexpectedEof { DAMAGED } else { Self::Io(error) }
    }
}

const DAMAGED: Unreadable = Unreadable::Damaged { frames: 1, samples: 0 };

/// Gives the number of the series with a label set, or none for one that is not kept.
pub(crate) type Resolve<'r> = dyn FnMut(&[(&str, &str)]) -> Option<u32> + 'r;

impl Block {
    pub(crate) fn open(id: u64, input: Arc<dyn Input>, resolve: &mut Resolve<'_>) -> Result<Self, Unreadable> {
        let size_bytes = input.size_bytes()?;
        let mut head = [0; HEADER_BYTES];
        if size_bytes >= HEADER_BYTES as u64 {
            input.read_at(0, &mut head)?;
        }
        // Damage to the header alone loses nothing.
        if let Err(Strange::Version(version)) = check_header(Kind::Block, &head) {
            return Err(Unreadable::Version(version));
        }
        match read_back(&*input, size_bytes)? {
            Some((front, back)) => Self::with(id, input, size_bytes, (&front, back, None), resolve),
            None => {
                let (front, back, loss) = walk(&*input)?;
                Self::with(id, input, size_bytes, (&front, back, Some(loss)), resolve)
            }
        }
    }

    fn with(
        id: u64,
        input: Arc<dyn Input>,
        size_bytes: u64,
        (front, back, loss): (&[u8], Back, Option<BlockLoss>),
        resolve: &mut Resolve<'_>,
    ) -> Result<Self, Unreadable> {
        let Back { times, times_again, values, bounds, span_ms, samples } = back;
        let mut entries = Vec::with_capacity(bounds.len());
        let mut bounds = bounds.into_iter().peekable();
        let (replaces, mut ordinal) = (replaced(&mut Bytes(front)).ok_or(DAMAGED)?, 0);
        for_each_label_set(front, |pairs| {
            if let Some(Bounds { first_ms, last_ms, .. }) = bounds.next_if(|bounds| bounds.ordinal == ordinal)
                && let Some(number) = resolve(pairs)
            {
                let after = |time_ms: i64| u32::try_from(time_ms.abs_diff(span_ms.0)).unwrap_or(u32::MAX);
                let (first_after_ms, last_after_ms) = (after(first_ms), after(last_ms));
                entries.push(Entry { number, ordinal, first_after_ms, last_after_ms });
            }
            ordinal += 1;
        })
        .ok_or(DAMAGED)?;
        entries.sort_unstable_by_key(|entry| entry.number);
        let damaged = Mutex::default();
        Ok(Self {
            id,
            size_bytes,
            span_ms,
            samples,
            entries,
            replaces,
            loss,
            input,
            times,
            times_again,
            values,
            damaged,
        })
    }

    /// Whether there can be a sample in `after_ms < time <= until_ms`.
    pub(crate) fn overlaps(&self, after_ms: i64, until_ms: i64) -> bool {
        self.span_ms.0 <= until_ms && self.span_ms.1 > after_ms
    }

    /// The entry of a series that may have samples in `after_ms < time <= until_ms`.
    pub(crate) fn entry(&self, number: u32, after_ms: i64, until_ms: i64) -> Option<&Entry> {
        let at = self.entries.binary_search_by_key(&number, |entry| entry.number).ok()?;
        Some(&self.entries[at]).filter(|entry| self.is_within(entry, after_ms, until_ms))
    }

    pub(crate) fn is_within(&self, entry: &Entry, after_ms: i64, until_ms: i64) -> bool {
        let at = |after: u32| self.span_ms.0.saturating_add(i64::from(after));
        at(entry.first_after_ms) <= until_ms && at(entry.last_after_ms) > after_ms
    }
}

fn replaced(front: &mut Bytes<'_>) -> Option<Vec<u64>> {
    let count = front.count()?;
    (0..count).map(|_| front.varint()).collect()
}

fn for_each_label_set(front: &[u8], mut visit: impl FnMut(&[(&str, &str)])) -> Option<()> {
    let mut bytes = Bytes(front);
    replaced(&mut bytes)?;
    let mut labels = LabelReader::default();
    for _ in 0..bytes.count()? {
        visit(labels.next(&mut bytes)?);
    }
    Some(())
}

/// Front and back by the footer; none where that way is damaged.
fn read_back(input: &dyn Input, size: u64) -> Result<Option<(Vec<u8>, Back)>, Unreadable> {
    let Some(end) = size.checked_sub(FOOTER_BYTES as u64) else { return Ok(None) };
    let mut footer = [0; FOOTER_BYTES];
    input.read_at(end, &mut footer)?;
    let mut bytes = Bytes(&footer);
    let (Some(offset), Some(sum)) = (bytes.array(), bytes.array()) else { return Ok(None) };
    let at = u64::from_le_bytes(offset);
    let is_whole = bytes.0 == END && u32::from_le_bytes(sum) == crc32c::crc32c(&offset);
    let Some(length) = end.checked_sub(at).filter(|_| is_whole) else { return Ok(None) };
    let mut frame = vec![0; length as usize];
    input.read_at(at, &mut frame)?;
    let raw = read_frame(&frame).and_then(|payload| unpack(payload, BACK));
    Ok(raw.and_then(|raw| {
        let mut bytes = Bytes(&raw);
        let front = bytes.counted()?;
        Some((front.to_vec(), Back::read(&mut bytes)?))
    }))
}

fn unpack(payload: &[u8], tag: u8) -> Option<Vec<u8>> {
    let (_, packed) = payload.split_first().filter(|(own, _)| **own == tag)?;
    let mut raw = Vec::new();
    Decompressor::new().read(packed, &mut raw)?;
    Some(raw)
}

/// Front and back as the frames tell.
fn walk(input: &dyn Input) -> Result<(Vec<u8>, Back, BlockLoss), Unreadable> {
    let (mut front, mut back) = (None, Back { span_ms: (i64::MAX, i64::MIN), ..Back::default() });
    let mut scanner = Scanner::new(input, HEADER_BYTES as u64)?;
    let mut ordinals = BTreeSet::new();
    while let Some((at, length, payload)) = scanner.next_frame()? {
        let Some((tag, _)) = payload.split_first() else { continue };
        let Some(raw) = unpack(payload, *tag) else { continue };
        match *tag {
            FRONT => front = Some(raw),
            // The same series stand there too.
            BACK => front = front.or_else(|| Bytes(&raw).counted().map(<[u8]>::to_vec)),
            TIMES | VALUES => {
                let Some((slice, items)) = read_table(&raw) else { continue };
                let Some(first) = items.first().map(|item| item.number) else { continue };
                let group = GroupAt { at, length, first, samples: 0 };
                if *tag == VALUES {
                    ordinals.extend(items.iter().map(|item| item.number));
                    back.values[slice].push(group);
                    continue;
                }
                // The second copy is as good as the first.
                match back.times[slice].binary_search_by_key(&first, |own| own.first) {
                    Ok(_) => continue,
                    Err(place) => back.times[slice].insert(place, group),
                }
                for line in items.iter().filter_map(|item| decode_timeline(&raw[item.at..item.at + item.length])) {
                    let (Some(first), Some(last)) = (line.first(), line.last()) else { continue };
                    back.span_ms = (back.span_ms.0.min(*first), back.span_ms.1.max(*last));
                }
            }
            _ => {}
        }
    }
    let front = front.filter(|_| back.times.iter().any(|groups| !groups.is_empty())).ok_or(DAMAGED)?;
    let mut series = 0;
    for_each_label_set(&front, |_| series += 1).ok_or(DAMAGED)?;
    let loss =
        BlockLoss { series: series - series.min(ordinals.len()), bytes: scanner.damaged_bytes + scanner.torn_bytes };
    let (first_ms, last_ms) = back.span_ms;
    back.bounds = ordinals.into_iter().map(|ordinal| Bounds { ordinal, first_ms, last_ms }).collect();
    Ok((front, back, loss))
}
