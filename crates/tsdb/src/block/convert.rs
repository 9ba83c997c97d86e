//! Converting a block of format version 2, which had all label sets in two records, to the present format.
use super::block_index::read_records;
use super::open::{decompress, find_back_record};
use super::writer::BlockWriter;
use super::{BACK, RecordsBySlice};
use crate::codec::{ByteReader, LabelReader, read_record, unzigzag};
use crate::disk::folder::Folder;
use crate::disk::header::{FileKind, HEADER_BYTES, read_version};
use crate::time::TimeBounds;
use promql::Labels;
use std::io;

/// The version that can be converted.
pub(crate) const OLD_VERSION: u32 = 2;

/// What the back record of an old block says.
#[derive(Default)]
struct OldIndex {
    replaces: Vec<u64>,
    labels: Vec<Labels>,
    samples: u64,
    times: RecordsBySlice,
    times_copies: RecordsBySlice,
    values: RecordsBySlice,
    /// The ordinals of the series that have samples, and the bounds of these.
    series: Vec<(u32, TimeBounds)>,
}

/// Converts a block if it has the old version and is readable; returns whether it was converted. Its samples are copied
/// as they are.
pub(crate) fn convert_block(folder: &Folder, id: u64) -> io::Result<bool> {
    let file = folder.open(id, FileKind::Block)?;
    let size_bytes = file.size_bytes()?;
    let mut header = [0; HEADER_BYTES];
    if size_bytes >= HEADER_BYTES as u64 {
        file.read_at(0, &mut header)?;
    }
    if read_version(FileKind::Block, &header) != Some(OLD_VERSION) {
        return Ok(false);
    }
    let Some((offset, length)) = find_back_record(&*file, size_bytes)? else { return Ok(false) };
    let mut record = vec![0; length as usize];
    file.read_at(offset, &mut record)?;
    let raw = read_record(&record).and_then(|payload| decompress(payload, BACK));
    let Some(old) = raw.and_then(|raw| OldIndex::read(&raw)) else { return Ok(false) };
    let temporary = folder.temporary_path(id);
    let mut on_progress = || Ok(());
    let write = || {
        let mut writer = BlockWriter::new(folder.fs().create(&temporary)?, &old.replaces, &mut on_progress);
        writer.copy_records(&*file, offset)?;
        writer.set_columns(old.times, old.times_copies, old.values, old.samples);
        for (ordinal, bounds) in old.series {
            let Some(labels) = old.labels.get(ordinal as usize) else { continue };
            writer.skip_to(ordinal)?;
            writer.add_labels(labels, bounds)?;
        }
        writer.finish_index()?;
        folder.fs().rename(&temporary, &folder.file_path(id, FileKind::Block))
    };
    write().inspect_err(|_| {
        let _ = folder.fs().remove(&temporary);
    })?;
    Ok(true)
}

impl OldIndex {
    fn read(raw: &[u8]) -> Option<Self> {
        let mut bytes = ByteReader(raw);
        let mut front = ByteReader(bytes.length_prefixed()?);
        let replaces = (0..front.varint_usize()?).map(|_| front.varint()).collect::<Option<_>>()?;
        let mut old = Self { replaces, ..Self::default() };
        let mut labels = LabelReader::default();
        for _ in 0..front.varint_usize()? {
            old.labels.push(Labels::from_pairs(labels.next(&mut front)?.iter().copied()));
        }
        let first_ms = unzigzag(bytes.varint()?);
        let last_ms = first_ms.checked_add_unsigned(bytes.varint()?)?;
        old.samples = bytes.varint()?;
        for records in [&mut old.times, &mut old.times_copies, &mut old.values].into_iter().flatten() {
            *records = read_records(&mut bytes)?;
        }
        let mut ordinal = 0_u32;
        for _ in 0..bytes.varint_usize()? {
            ordinal = ordinal.checked_add(u32::try_from(bytes.varint()?).ok()?)?;
            let first_ms = first_ms.checked_add_unsigned(bytes.varint()?)?;
            let last_ms = last_ms.checked_sub_unsigned(bytes.varint()?)?;
            old.series.push((ordinal, TimeBounds { first_ms, last_ms }));
        }
        Some(old)
    }
}
