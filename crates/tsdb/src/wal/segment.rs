//! A segment: the file of the log that is being written.
use crate::disk::FileWriter;
use crate::disk::folder::Folder;
use crate::disk::header::{FileKind, HEADER_BYTES, header};
use std::io;
use std::sync::Arc;

#[derive(Debug)]
pub(super) struct Segment {
    pub(super) id: u64,
    pub(super) size_bytes: u64,
    pub(super) synced_bytes: u64,
    pub(super) file: Arc<dyn FileWriter>,
}

impl Segment {
    /// Creates a durable segment with no records.
    pub(super) fn create(folder: &Folder) -> io::Result<Self> {
        let id = folder.new_id();
        let create = || {
            let file = folder.fs().create(&folder.file_path(id, FileKind::Log))?;
            file.write(&header(FileKind::Log))?;
            file.sync()?;
            folder.sync_names()?;
            Ok(file)
        };
        let file = create().inspect_err(|_: &io::Error| folder.remove(id, FileKind::Log))?;
        let size_bytes = HEADER_BYTES as u64;
        Ok(Self { id, size_bytes, synced_bytes: size_bytes, file: file.into() })
    }

    pub(super) fn append(&mut self, records: &[u8]) -> io::Result<()> {
        if !records.is_empty() {
            self.file.write(records)?;
            self.size_bytes += records.len() as u64;
        }
        Ok(())
    }
}
