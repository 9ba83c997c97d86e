//! The folder of a store: file names and ids.
use super::header::FileKind;
use super::{FileLock, FileReader, FileSystem};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// A folder that this process has locked.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    fs: Arc<dyn FileSystem>,
    next_id: AtomicU64,
    _lock: Box<dyn FileLock>,
}

impl Folder {
    pub(crate) fn new(path: &Path, fs: Arc<dyn FileSystem>, lock: Box<dyn FileLock>) -> Self {
        Self { path: path.to_owned(), fs, next_id: AtomicU64::new(1), _lock: lock }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn fs(&self) -> &dyn FileSystem {
        &*self.fs
    }

    /// Returns an id that no file has or had.
    pub(crate) fn new_id(&self) -> u64 {
        self.next_id.fetch_add(1, Relaxed)
    }

    /// Ensures that new ids are above those in `names`, files that were set aside included.
    pub(crate) fn skip_used_ids(&self, names: &[String]) {
        let used = names.iter().filter_map(|name| u64::from_str_radix(name.split('.').next()?, 16).ok()).max();
        self.next_id.store(used.map_or(1, |id| id.saturating_add(1)), Relaxed);
    }

    pub(crate) fn file_path(&self, id: u64, kind: FileKind) -> PathBuf {
        self.path.join(kind.file_name(id))
    }

    /// The path of a file while it is being written.
    pub(crate) fn temporary_path(&self, id: u64) -> PathBuf {
        self.path.join(format!("{id:016x}.tmp"))
    }

    pub(crate) fn open(&self, id: u64, kind: FileKind) -> io::Result<Arc<dyn FileReader>> {
        self.fs.open(&self.file_path(id, kind))
    }

    /// Makes created, renamed and removed names durable.
    pub(crate) fn sync_names(&self) -> io::Result<()> {
        self.fs.sync_dir(&self.path)
    }

    /// Removes a file that is no longer needed. If that fails, the file is harmless, or removed at the next opening.
    pub(crate) fn remove(&self, id: u64, kind: FileKind) {
        let _ = self.fs.remove(&self.file_path(id, kind));
    }

    /// [`Folder::remove`] for several files.
    pub(crate) fn remove_all(&self, ids: &[u64], kind: FileKind) {
        ids.iter().for_each(|id| self.remove(*id, kind));
    }

    /// Renames an unreadable file, so that it is kept but ignored.
    pub(crate) fn set_aside(&self, id: u64, kind: FileKind) {
        let path = self.file_path(id, kind);
        let _ = self.fs.rename(&path, &path.with_extension("damaged"));
    }

    /// Removes the files among `names` that were not finished when the process ended.
    pub(crate) fn remove_temporary(&self, names: &[String]) {
        for name in names.iter().filter(|name| name.ends_with(".tmp")) {
            let _ = self.fs.remove(&self.path.join(name));
        }
    }
}

/// The id and kind of a file; `None` for other names.
pub(crate) fn parse_file_name(name: &str) -> Option<(u64, FileKind)> {
    let (id, extension) = name.split_once('.')?;
    let kinds = [FileKind::Block, FileKind::Log, FileKind::Chunks, FileKind::Queue];
    let kind = kinds.into_iter().find(|kind| kind.extension() == extension)?;
    Some((u64::from_str_radix(id, 16).ok().filter(|_| id.len() == 16)?, kind))
}
