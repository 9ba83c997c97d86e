//! What is in memory becomes a block, and the log before it goes.
use crate::DAY_MS;
use crate::block::Block;
use crate::disk::folder::{Disk, Work};
use crate::disk::header::Kind;
use crate::head::chunk::Chunk;
use crate::head::rows::Rows;
use crate::index::{Found, PlaceKey};
use crate::select::snapshot::in_order;
use crate::store::Inner;
use hashbrown::HashSet;
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// Finished chunks of each group.
struct Heads(HashMap<*const Rows, (Arc<Rows>, Vec<Arc<Chunk>>)>);

impl Inner {
    /// Writes everything in memory as blocks, one for each day, and makes it last.
    pub(crate) fn flush(&self, disk: &Disk, work: &mut Work) -> io::Result<()> {
        let open = disk.log_files.lock().segment.as_ref().map(|segment| segment.id);
        let keep_from = match work.cut.filter(|cut| open == Some(*cut)) {
            Some(cut) => cut,
            None => self.begin_segment(disk)?,
        };
        work.cut = Some(keep_from);
        // What is missing in the log so far is in memory now; what fails from now on is not made good by this.
        let was_behind = std::mem::take(&mut disk.log_files.lock().is_behind);
        self.write_memory(disk, work).inspect_err(|_| disk.log_files.lock().is_behind |= was_behind)?;
        work.cut = None;
        let mut files = disk.log_files.lock();
        let older = std::mem::take(&mut files.older).into_iter();
        let (gone, kept): (Vec<_>, _) = older.partition(|(id, _)| *id < keep_from);
        files.older = kept;
        disk.count_log_bytes(&files);
        drop(files);
        gone.iter().for_each(|(id, _)| disk.remove(*id, Kind::Log));
        Ok(())
    }

    /// Writes everything in memory as blocks, and lets go of it.
    fn write_memory(&self, disk: &Disk, work: &mut Work) -> io::Result<()> {
        let groups = self.groups.lock().clone();
        let heads =
            Heads(groups.into_iter().map(|rows| (Arc::as_ptr(&rows), (Arc::clone(&rows), rows.seal()))).collect());
        let ids = self.write_days(disk, work, &heads)?;
        self.publish(disk, &ids, &[])?;
        self.let_go(heads);
        Ok(())
    }

    fn write_days(&self, disk: &Disk, work: &mut Work, heads: &Heads) -> io::Result<Vec<u64>> {
        // Asked for after the chunks, so that every series in them is known.
        let series = self.index.read().in_memory();
        let mut ids = Vec::new();
        for day in heads.days() {
            let series: Vec<&Found> = series.iter().filter(|series| heads.has(series, day)).collect();
            if series.is_empty() {
                continue;
            }
            let id = self.write_day(disk, work, heads, &series, day);
            // Without all of them none is needed: everything stays in memory and in the log.
            let id = id.inspect_err(|_| ids.iter().for_each(|id| disk.remove(*id, Kind::Block)))?;
            ids.push(id);
        }
        Ok(ids)
    }

    fn write_day(&self, disk: &Disk, work: &mut Work, heads: &Heads, series: &[&Found], day: i64) -> io::Result<u64> {
        let lines = heads.lines(day);
        let (mut times_ms, mut values, mut keys) = (Vec::new(), Vec::new(), Vec::new());
        disk.write_block(&[], series.iter().map(|series| &series.labels), &mut || self.pulse(disk, work), |assembler| {
            for (ordinal, series) in series.iter().enumerate() {
                times_ms.clear();
                values.clear();
                keys.clear();
                for place in &*series.places {
                    let had = times_ms.len();
                    for chunk in heads.chunks(Arc::as_ptr(&place.rows), day) {
                        chunk.for_each_sample(place.slot, |time_ms, value| {
                            times_ms.push(time_ms);
                            values.push(value);
                        });
                    }
                    if times_ms.len() > had {
                        keys.push(key(Arc::as_ptr(&place.rows)));
                    }
                }
                in_order(&mut times_ms, &mut values);
                let line = |key| lines.get(&key).cloned().unwrap_or_default();
                assembler.add(ordinal as u32, &keys, line, &times_ms, &values)?;
            }
            Ok(())
        })
    }

    /// While a block is written the log goes on, and a store that is to be closed need not wait.
    pub(crate) fn pulse(&self, disk: &Disk, work: &mut Work) -> io::Result<()> {
        if disk.is_closing.load(Relaxed) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if work.last_sync.elapsed() >= disk.options.sync_every && disk.log_files.lock().segment.is_some() {
            self.sync_log(disk, work)?;
        }
        Ok(())
    }

    /// Opens new blocks, and lets queries see them in place of those they stand for.
    pub(crate) fn publish(&self, disk: &Disk, ids: &[u64], replaced: &[u64]) -> io::Result<()> {
        let open = |id: &u64| {
            let input = disk.files.open(&disk.path(*id, Kind::Block))?;
            let index = self.index.read();
            Block::open(*id, input, &mut |pairs| index.find(pairs)).map_err(io::Error::other)
        };
        let opened = ids.iter().map(|id| open(id).map(Arc::new)).collect::<io::Result<Vec<_>>>();
        let opened = opened.inspect_err(|_| ids.iter().for_each(|id| disk.remove(*id, Kind::Block)))?;
        for block in &opened {
            self.index.write().count_block(block.entries.iter().map(|entry| entry.number));
        }
        self.replace_blocks(opened, replaced);
        replaced.iter().for_each(|id| disk.remove(*id, Kind::Block));
        Ok(())
    }

    /// Adds blocks to those that queries see, and takes others away.
    pub(crate) fn replace_blocks(&self, added: Vec<Arc<Block>>, removed: &[u64]) {
        let mut published = self.blocks.write();
        let (gone, mut stay): (Vec<_>, Vec<_>) =
            published.iter().cloned().partition(|block| removed.contains(&block.id));
        stay.extend(added);
        // In order of time, and of blocks of the same time the older one first.
        stay.sort_by_key(|block| (block.span_ms.0.div_euclid(DAY_MS), block.id));
        *published = Arc::new(stay);
        drop(published);
        for block in gone {
            self.index.write().discount_block(block.entries.iter().map(|entry| entry.number));
        }
    }

    /// Drops from memory what is in blocks now.
    fn let_go(&self, heads: Heads) {
        let mut gone: HashSet<PlaceKey> = HashSet::new();
        for (key, (rows, chunks)) in heads.0 {
            gone.extend(rows.drop_front(chunks.len()).into_iter().map(|slot| (key, slot)));
        }
        self.index.write().remove(&gone);
        self.drop_empty_groups();
    }

    /// Forgets groups that nobody can append to and that have nothing.
    pub(crate) fn drop_empty_groups(&self) {
        // A group that only this list still knows can get no more samples.
        self.groups.lock().retain(|rows| Arc::strong_count(rows) > 1 || !rows.is_empty());
    }
}

impl Heads {
    fn days(&self) -> BTreeSet<i64> {
        self.0.values().flat_map(|(_, chunks)| chunks).filter_map(|chunk| day_of(chunk)).collect()
    }

    fn chunks(&self, rows: *const Rows, day: i64) -> impl Iterator<Item = &Arc<Chunk>> {
        let chunks = self.0.get(&rows).map_or(&[][..], |(_, chunks)| chunks);
        chunks.iter().filter(move |chunk| day_of(chunk) == Some(day))
    }

    fn has(&self, series: &Found, day: i64) -> bool {
        let has = |chunk: &Arc<Chunk>, slot| chunk.has(slot);
        series.places.iter().any(|place| self.chunks(Arc::as_ptr(&place.rows), day).any(|chunk| has(chunk, place.slot)))
    }

    /// The times of each group on a day.
    fn lines(&self, day: i64) -> HashMap<u64, Arc<[i64]>> {
        let line =
            |rows: *const Rows| self.chunks(rows, day).flat_map(|chunk| chunk.times_ms().iter().copied()).collect();
        self.0.keys().map(|rows| (key(*rows), line(*rows))).collect()
    }
}

/// Chunks do not cross days.
fn day_of(chunk: &Chunk) -> Option<i64> {
    chunk.span_ms().map(|(first_ms, _)| first_ms.div_euclid(DAY_MS))
}

fn key(rows: *const Rows) -> u64 {
    rows as usize as u64
}
