//! What a block says about itself: its series at the front, and at the end the same with the places of everything.
use super::slice::SLICES;
use crate::codec::{Bytes, unzigzag, write_varint, zigzag};

/// Where a frame of times or values is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GroupAt {
    pub(super) at: u64,
    /// With the frame's head.
    pub(super) length: u32,
    /// The number of its first timeline or series.
    pub(super) first: u32,
    pub(super) samples: u32,
}

/// Where the frames of each slice are, in order of their first numbers.
pub(super) type Groups = [Vec<GroupAt>; SLICES];

/// When the samples of a series begin and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    /// The series' place among the block's label sets.
    pub(super) ordinal: u32,
    pub(super) first_ms: i64,
    pub(super) last_ms: i64,
}

/// The content of a back frame but for the front's.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Back {
    pub(super) times: Groups,
    /// Copies of the same, or none.
    pub(super) times_again: Groups,
    pub(super) values: Groups,
    /// By ordinal, of the series that have samples.
    pub(super) bounds: Vec<Bounds>,
    pub(super) span_ms: (i64, i64),
    pub(super) samples: u64,
}

impl Back {
    pub(super) fn write(&self, into: &mut Vec<u8>) {
        write_varint(into, zigzag(self.span_ms.0));
        write_varint(into, self.span_ms.1.abs_diff(self.span_ms.0));
        write_varint(into, self.samples);
        for groups in [&self.times, &self.times_again, &self.values].into_iter().flatten() {
            write_varint(into, groups.len() as u64);
            let mut before = GroupAt { at: 0, length: 0, first: 0, samples: 0 };
            for group in groups {
                write_varint(into, group.at - before.at);
                write_varint(into, u64::from(group.length));
                write_varint(into, u64::from(group.first - before.first));
                write_varint(into, u64::from(group.samples));
                before = *group;
            }
        }
        write_varint(into, self.bounds.len() as u64);
        let mut before = 0;
        for bounds in &self.bounds {
            write_varint(into, u64::from(bounds.ordinal - before));
            write_varint(into, bounds.first_ms.abs_diff(self.span_ms.0));
            write_varint(into, self.span_ms.1.abs_diff(bounds.last_ms));
            before = bounds.ordinal;
        }
    }

    pub(super) fn read(bytes: &mut Bytes<'_>) -> Option<Self> {
        let first_ms = unzigzag(bytes.varint()?);
        let last_ms = first_ms.checked_add_unsigned(bytes.varint()?)?;
        let samples = bytes.varint()?;
        let (mut times, mut times_again, mut values) = (Groups::default(), Groups::default(), Groups::default());
        for groups in [&mut times, &mut times_again, &mut values].into_iter().flatten() {
            *groups = read_groups(bytes)?;
        }
        let mut bounds = Vec::new();
        let mut ordinal = 0_u32;
        for _ in 0..bytes.count()? {
            ordinal = ordinal.checked_add(u32::try_from(bytes.varint()?).ok()?)?;
            let first_ms = first_ms.checked_add_unsigned(bytes.varint()?)?;
            let last_ms = last_ms.checked_sub_unsigned(bytes.varint()?)?;
            bounds.push(Bounds { ordinal, first_ms, last_ms });
        }
        Some(Self { times, times_again, values, bounds, span_ms: (first_ms, last_ms), samples })
    }
}

fn read_groups(bytes: &mut Bytes<'_>) -> Option<Vec<GroupAt>> {
    let (mut at, mut first) = (0_u64, 0_u32);
    let count = bytes.count()?;
    (0..count)
        .map(|_| {
            at = at.checked_add(bytes.varint()?)?;
            let length = u32::try_from(bytes.varint()?).ok()?;
            first = first.checked_add(u32::try_from(bytes.varint()?).ok()?)?;
            Some(GroupAt { at, length, first, samples: u32::try_from(bytes.varint()?).ok()? })
        })
        .collect()
}

/// The columns that share a frame: the number of each (of a timeline or a series), the timeline it follows, and
/// where it is in the frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) number: u32,
    pub(super) timeline: u32,
    pub(super) at: usize,
    pub(super) length: usize,
}

/// Appends the table of a frame of a slice; lengths are those of the columns that follow it.
pub(super) fn write_table(slice: usize, items: impl ExactSizeIterator<Item = (u32, u32, usize)>, into: &mut Vec<u8>) {
    write_varint(into, slice as u64);
    write_varint(into, items.len() as u64);
    let mut before = 0;
    for (number, timeline, length) in items {
        write_varint(into, u64::from(number - before));
        write_varint(into, u64::from(timeline));
        write_varint(into, length as u64);
        before = number;
    }
}

/// The slice and the table that `raw` begins with; none where a column would lie outside.
pub(super) fn read_table(raw: &[u8]) -> Option<(usize, Vec<Item>)> {
    let mut bytes = Bytes(raw);
    let slice = bytes.count().filter(|slice| *slice < SLICES)?;
    let mut items = Vec::new();
    let (mut number, mut at) = (0_u32, 0_usize);
    for _ in 0..bytes.count()? {
        number = number.checked_add(u32::try_from(bytes.varint()?).ok()?)?;
        let (timeline, length) = (u32::try_from(bytes.varint()?).ok()?, bytes.count()?);
        items.push(Item { number, timeline, at, length });
        at = at.checked_add(length)?;
    }
    let body = raw.len() - bytes.0.len();
    items.iter_mut().for_each(|item| item.at += body);
    (body.checked_add(at)? == raw.len()).then_some((slice, items))
}
