//! The file in which a reader keeps how far it is, so that it goes on there after a restart.
use super::state::Position;
use crate::codec::{ByteReader, read_record, write_record, write_varint};
use crate::disk::folder::Folder;
use std::io;
use std::path::PathBuf;

/// The longest such file.
const MAX_BYTES: u64 = 4096;

/// What the file of a reader says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum KeptPosition {
    /// There is none.
    Absent,
    /// It is damaged.
    Unreadable,
    At(Position),
}

/// The name of the file of the reader `name`.
pub(super) fn file_name(name: &str) -> String {
    format!("reader-{:08x}.position", crc32c::crc32c(name.as_bytes()))
}

fn path(folder: &Folder, name: &str) -> PathBuf {
    folder.path().join(file_name(name))
}

/// Writes where the reader `name` is. If the process is killed meanwhile, the previous position remains.
pub(super) fn write(folder: &Folder, name: &str, position: Position) -> io::Result<()> {
    let mut bytes = Vec::new();
    write_record(&mut bytes, |payload| {
        for number in [position.segment, position.offset, position.samples] {
            write_varint(payload, number);
        }
        payload.extend_from_slice(name.as_bytes());
    });
    let path = path(folder, name);
    let temporary = path.with_extension("position-new");
    folder.fs().create(&temporary)?.write(&bytes)?;
    folder.fs().rename(&temporary, &path)
}

/// Reads where the reader `name` is.
pub(super) fn read(folder: &Folder, name: &str, names: &[String]) -> KeptPosition {
    if !names.contains(&file_name(name)) {
        return KeptPosition::Absent;
    }
    let read = || -> Option<Position> {
        let file = folder.fs().open(&path(folder, name)).ok()?;
        let size = file.size_bytes().ok().filter(|size| *size <= MAX_BYTES)?;
        let mut bytes = vec![0; size as usize];
        file.read_at(0, &mut bytes).ok()?;
        let mut payload = ByteReader(read_record(&bytes)?);
        let position = Position { segment: payload.varint()?, offset: payload.varint()?, samples: payload.varint()? };
        (payload.0 == name.as_bytes()).then_some(position)
    };
    read().map_or(KeptPosition::Unreadable, KeptPosition::At)
}
