//! A segment: the file of a log that is being written.
use crate::disk::FileWriter;
use crate::disk::folder::Folder;
use crate::disk::header::{FileKind, HEADER_BYTES, header};
use std::io;
use std::sync::Arc;

#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) id: u64,
    pub(crate) size_bytes: u64,
    pub(crate) synced_bytes: u64,
    pub(crate) file: Arc<dyn FileWriter>,
}

impl Segment {
    /// Creates a durable segment of `kind` with no records.
    pub(crate) fn create(folder: &Folder, kind: FileKind) -> io::Result<Self> {
        let id = folder.new_id();
        let create = || {
            let file = folder.fs().create(&folder.file_path(id, kind))?;
            file.write(&header(kind))?;
            file.sync()?;
            folder.sync_names()?;
            Ok(file)
        };
        let file = create().inspect_err(|_: &io::Error| folder.remove(id, kind))?;
        let size_bytes = HEADER_BYTES as u64;
        Ok(Self { id, size_bytes, synced_bytes: size_bytes, file: file.into() })
    }

    pub(crate) fn append(&mut self, records: &[u8]) -> io::Result<()> {
        if !records.is_empty() {
            self.file.write(records)?;
            self.size_bytes += records.len() as u64;
        }
        Ok(())
    }
}
