//! Writing a block, front to back.
use super::index::{Back, Bounds, GroupAt, write_table};
use super::slice::{SLICES, slices};
use super::{BACK, END, FRONT, TIMES, VALUES};
use crate::codec::{Compressor, PAGE_ROWS, encode_page, encode_timeline, write_frame, write_labels, write_varint};
use crate::disk::Output;
use crate::disk::header::{Kind, header};
use promql::Labels;
use std::io;

/// Bytes of columns that are compressed as one, and lost together.
const GROUP_BYTES: usize = 32 << 10;

/// Bytes that are written at once.
const WRITE_BYTES: usize = 1 << 20;

/// The part of a block that times may take to be written twice.
const COPIED_ONE_IN: u64 = 16;

/// Called again and again while a block is written; an error breaks off.
pub(crate) type Pulse<'p> = dyn FnMut() -> io::Result<()> + 'p;

/// A block that is being written.
pub(crate) struct BlockWriter<'p> {
    output: Box<dyn Output>,
    pulse: &'p mut Pulse<'p>,
    compressor: Compressor,
    /// What is not written yet, and where the file will end with it.
    waiting: Vec<u8>,
    at: u64,
    front: Vec<u8>,
    /// By slice, as the values.
    times: [Pack; SLICES],
    values: [Pack; SLICES],
    timelines: u32,
    /// The frames of times, by slice.
    again: [Vec<u8>; SLICES],
    back: Back,
    page: Vec<(u32, f64)>,
}

/// Columns that will share a frame.
#[derive(Default)]
struct Pack {
    items: Vec<(u32, u32, usize)>,
    columns: Vec<u8>,
    samples: u32,
}

impl Pack {
    fn is_full(&self) -> bool {
        self.columns.len() >= GROUP_BYTES
    }
}

impl<'p> BlockWriter<'p> {
    /// Begins a block of series with `labels`, in the order of [`super::in_block`], that stands for the blocks `replaces`.
    pub(crate) fn new<'l>(
        output: Box<dyn Output>,
        replaces: &[u64],
        labels: impl ExactSizeIterator<Item = &'l Labels>,
        pulse: &'p mut Pulse<'p>,
    ) -> io::Result<Self> {
        let mut front = Vec::new();
        write_varint(&mut front, replaces.len() as u64);
        replaces.iter().for_each(|id| write_varint(&mut front, *id));
        write_varint(&mut front, labels.len() as u64);
        let mut before = None;
        for labels in labels {
            write_labels(&mut front, before, labels);
            before = Some(labels);
        }
        let back = Back { span_ms: (i64::MAX, i64::MIN), ..Back::default() };
        let mut writer = Self {
            output,
            pulse,
            compressor: Compressor::new(),
            waiting: header(Kind::Block).to_vec(),
            at: 0,
            front: Vec::new(),
            times: Default::default(),
            values: Default::default(),
            timelines: 0,
            again: Default::default(),
            back,
            page: Vec::new(),
        };
        writer.frame(FRONT, &front)?;
        writer.front = front;
        Ok(writer)
    }

    /// Adds times, which are not empty, and gives their number.
    pub(crate) fn timeline(&mut self, times_ms: &[i64]) -> io::Result<u32> {
        let number = self.timelines;
        self.timelines += 1;
        for (slice, rows) in slices(times_ms) {
            let pack = &mut self.times[slice];
            let from = pack.columns.len();
            encode_timeline(&times_ms[rows], &mut pack.columns);
            pack.items.push((number, 0, pack.columns.len() - from));
        }
        if self.times.iter().any(Pack::is_full) {
            self.end_times()?;
        }
        Ok(number)
    }

    /// Adds the samples of the series with the label set at `ordinal`, which is after those before; all their times
    /// are in `line`, the timeline with the number `timeline`.
    pub(crate) fn series(
        &mut self,
        ordinal: u32,
        (timeline, line): (u32, &[i64]),
        times_ms: &[i64],
        values: &[f64],
    ) -> io::Result<()> {
        let (Some(first_ms), Some(last_ms)) = (times_ms.first().copied(), times_ms.last().copied()) else {
            return Ok(());
        };
        let mut samples = times_ms.iter().zip(values).peekable();
        let mut encoded = Vec::new();
        for (slice, rows) in slices(line) {
            let pack = &mut self.values[slice];
            let (from, had) = (pack.columns.len(), pack.samples);
            for page in line[rows].chunks(PAGE_ROWS) {
                self.page.clear();
                for (row, time_ms) in page.iter().enumerate() {
                    if let Some((_, value)) = samples.next_if(|(own_ms, _)| *own_ms == time_ms) {
                        self.page.push((row as u32, *value));
                    }
                }
                encoded.clear();
                if !self.page.is_empty() {
                    encode_page(&self.page, &mut encoded);
                }
                pack.samples += self.page.len() as u32;
                write_varint(&mut pack.columns, encoded.len() as u64);
                pack.columns.extend_from_slice(&encoded);
            }
            if pack.samples > had {
                pack.items.push((ordinal, timeline, pack.columns.len() - from));
            } else {
                pack.columns.truncate(from);
            }
        }
        self.back.samples += times_ms.len() as u64;
        self.back.bounds.push(Bounds { ordinal, first_ms, last_ms });
        self.back.span_ms = (self.back.span_ms.0.min(first_ms), self.back.span_ms.1.max(last_ms));
        if self.values.iter().any(Pack::is_full) { self.end_values() } else { Ok(()) }
    }

    /// Ends the block and makes its content last; its name does not yet.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.end_values()?;
        if self.back.samples == 0 {
            self.back.span_ms = (0, 0);
        }
        self.times_again()?;
        let offset = self.at + self.waiting.len() as u64;
        let mut back = Vec::new();
        write_varint(&mut back, self.front.len() as u64);
        back.append(&mut self.front);
        self.back.write(&mut back);
        self.frame(BACK, &back)?;
        let offset = offset.to_le_bytes();
        self.waiting.extend_from_slice(&offset);
        self.waiting.extend_from_slice(&crc32c::crc32c(&offset).to_le_bytes());
        self.waiting.extend_from_slice(&END);
        self.output.write(&self.waiting)?;
        self.output.sync()
    }

    fn end_times(&mut self) -> io::Result<()> {
        for slice in 0..SLICES {
            let pack = std::mem::take(&mut self.times[slice]);
            let Some(group) = self.group(TIMES, slice, pack)? else { continue };
            let from = self.waiting.len() - group.length as usize;
            self.again[slice].extend_from_slice(&self.waiting[from..]);
            self.back.times[slice].push(group);
        }
        Ok(())
    }

    /// Writes the times a second time, where they are few: without them all that follows them would be lost.
    fn times_again(&mut self) -> io::Result<()> {
        let mut at = self.at + self.waiting.len() as u64;
        let bytes: usize = self.again.iter().map(Vec::len).sum();
        if bytes as u64 * COPIED_ONE_IN > at {
            return Ok(());
        }
        for slice in 0..SLICES {
            self.waiting.append(&mut self.again[slice]);
            for group in &self.back.times[slice] {
                self.back.times_again[slice].push(GroupAt { at, ..*group });
                at += u64::from(group.length);
            }
        }
        Ok(())
    }

    fn end_values(&mut self) -> io::Result<()> {
        // The times before what needs them, as the end of a file is lost more often than its beginning.
        self.end_times()?;
        for slice in 0..SLICES {
            let pack = std::mem::take(&mut self.values[slice]);
            if let Some(group) = self.group(VALUES, slice, pack)? {
                self.back.values[slice].push(group);
            }
        }
        if self.waiting.len() >= WRITE_BYTES {
            self.output.write(&self.waiting)?;
            self.at += self.waiting.len() as u64;
            self.waiting.clear();
        }
        (self.pulse)()
    }

    fn group(&mut self, tag: u8, slice: usize, mut pack: Pack) -> io::Result<Option<GroupAt>> {
        let Some((first, ..)) = pack.items.first().copied() else { return Ok(None) };
        let mut raw = Vec::with_capacity(pack.columns.len() + pack.items.len() * 4);
        write_table(slice, pack.items.iter().copied(), &mut raw);
        raw.append(&mut pack.columns);
        let (at, length) = self.frame(tag, &raw)?;
        Ok(Some(GroupAt { at, length, first, samples: pack.samples }))
    }

    /// Writes a frame; gives its offset and length.
    fn frame(&mut self, tag: u8, raw: &[u8]) -> io::Result<(u64, u32)> {
        let from = self.waiting.len();
        let mut outcome = Ok(());
        write_frame(&mut self.waiting, |payload| {
            payload.push(tag);
            outcome = self.compressor.write(raw, payload);
        });
        outcome?;
        Ok((self.at + from as u64, (self.waiting.len() - from) as u32))
    }
}
