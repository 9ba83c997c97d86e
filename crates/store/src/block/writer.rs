//! Writing a block, front to back.
use super::index::{Back, Bounds, GroupAt, write_table};
use super::{BACK, END, FRONT, TIMES, VALUES};
use crate::codec::{Compressor, PAGE_ROWS, encode_page, encode_timeline, write_frame, write_labels, write_varint};
use crate::files::Output;
use crate::header::{Kind, header};
use promql::Labels;
use std::io;

/// Bytes of columns that are compressed as one, and lost together.
const GROUP_BYTES: usize = 64 << 10;

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
    times: Pack,
    values: Pack,
    timelines: u32,
    /// The frames of times.
    again: Vec<u8>,
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

impl<'p> BlockWriter<'p> {
    /// Begins a block of series with `labels`, which are in order, that stands for the blocks `replaces`.
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
            times: Pack::default(),
            values: Pack::default(),
            timelines: 0,
            again: Vec::new(),
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
        let from = self.times.columns.len();
        encode_timeline(times_ms, &mut self.times.columns);
        self.times.items.push((number, 0, self.times.columns.len() - from));
        if self.times.columns.len() >= GROUP_BYTES {
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
        let from = self.values.columns.len();
        let mut samples = times_ms.iter().zip(values).peekable();
        let mut encoded = Vec::new();
        for page in line.chunks(PAGE_ROWS) {
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
            write_varint(&mut self.values.columns, encoded.len() as u64);
            self.values.columns.extend_from_slice(&encoded);
        }
        self.values.items.push((ordinal, timeline, self.values.columns.len() - from));
        self.values.samples += times_ms.len() as u32;
        self.back.samples += times_ms.len() as u64;
        self.back.bounds.push(Bounds { ordinal, first_ms, last_ms });
        self.back.span_ms = (self.back.span_ms.0.min(first_ms), self.back.span_ms.1.max(last_ms));
        if self.values.columns.len() >= GROUP_BYTES { self.end_values() } else { Ok(()) }
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
        let pack = std::mem::take(&mut self.times);
        let Some(group) = self.group(TIMES, pack)? else { return Ok(()) };
        let from = self.waiting.len() - group.length as usize;
        self.again.extend_from_slice(&self.waiting[from..]);
        self.back.times.push(group);
        Ok(())
    }

    /// Writes the times a second time, where they are few: without them all that follows them would be lost.
    fn times_again(&mut self) -> io::Result<()> {
        let mut at = self.at + self.waiting.len() as u64;
        if self.again.len() as u64 * COPIED_ONE_IN > at {
            return Ok(());
        }
        self.waiting.append(&mut self.again);
        for group in &self.back.times {
            self.back.times_again.push(GroupAt { at, ..*group });
            at += u64::from(group.length);
        }
        Ok(())
    }

    fn end_values(&mut self) -> io::Result<()> {
        // The times before what needs them, as the end of a file is lost more often than its beginning.
        self.end_times()?;
        let pack = std::mem::take(&mut self.values);
        let Some(group) = self.group(VALUES, pack)? else { return Ok(()) };
        self.back.values.push(group);
        if self.waiting.len() >= WRITE_BYTES {
            self.output.write(&self.waiting)?;
            self.at += self.waiting.len() as u64;
            self.waiting.clear();
        }
        (self.pulse)()
    }

    fn group(&mut self, tag: u8, mut pack: Pack) -> io::Result<Option<GroupAt>> {
        let Some((first, ..)) = pack.items.first().copied() else { return Ok(None) };
        let mut raw = Vec::with_capacity(pack.columns.len() + pack.items.len() * 4);
        write_table(pack.items.iter().copied(), &mut raw);
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
