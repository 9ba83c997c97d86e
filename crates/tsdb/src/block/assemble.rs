//! Series from several sources become columns over shared times.
use super::writer::BlockWriter;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;

/// Rows of timelines that are remembered; beyond, a timeline may be written twice.
const MOST_ROWS: usize = 4 << 20;

/// Finds the timeline for each series of a block: that of its sources, joined.
pub(crate) struct Assembler<'p> {
    writer: BlockWriter<'p>,
    /// By the keys of the sources.
    lines: HashMap<Vec<u64>, (u32, Arc<[i64]>)>,
    rows: usize,
}

impl<'p> Assembler<'p> {
    pub(crate) fn new(writer: BlockWriter<'p>) -> Self {
        Self { writer, lines: HashMap::new(), rows: 0 }
    }

    /// Adds a series of which there are samples at `times_ms`. They come from sources with these keys, whose times
    /// `line` gives; a key stands for the same times throughout.
    pub(crate) fn add(
        &mut self,
        ordinal: u32,
        keys: &[u64],
        line: impl Fn(u64) -> Arc<[i64]>,
        times_ms: &[i64],
        values: &[f64],
    ) -> io::Result<()> {
        if times_ms.is_empty() {
            return Ok(());
        }
        if !self.lines.contains_key(keys) {
            if self.rows > MOST_ROWS {
                self.lines.clear();
                self.rows = 0;
            }
            let joined = join(keys.iter().map(|key| line(*key)));
            self.rows += joined.len();
            self.lines.insert(keys.to_vec(), (self.writer.timeline(&joined)?, joined));
        }
        let Some((number, line)) = self.lines.get(keys) else { return Ok(()) };
        self.writer.series(ordinal, (*number, line), times_ms, values)
    }

    pub(crate) fn finish(self) -> io::Result<()> {
        self.writer.finish()
    }
}

/// All times, each once, in order.
fn join(mut lines: impl Iterator<Item = Arc<[i64]>>) -> Arc<[i64]> {
    let first = lines.next().unwrap_or_default();
    let Some(second) = lines.next() else { return first };
    let mut all: Vec<i64> = [first, second].into_iter().chain(lines).flat_map(|line| line.to_vec()).collect();
    all.sort();
    all.dedup();
    all.into()
}
