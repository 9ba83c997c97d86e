//! The files of the history, with a check that their folder is still there: what is written to a folder that was removed
//! is lost without any error.
use parking_lot::Mutex;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tracing::{error, warn};
use tsdb::{FileLock, FileReader, FileSystem, FileWriter, LocalFileSystem};

/// The file that names the format of the folder. The store writes it when it makes the folder.
const FORMAT_FILE: &str = "format";

/// The file that the process locks while it uses the folder.
const LOCK_FILE: &str = "lock";

/// The files of the store in one folder.
#[derive(Clone, Debug)]
pub(crate) struct WatchedFiles(Arc<Folder>);

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    state: Mutex<FolderState>,
}

#[derive(Debug, Default)]
struct FolderState {
    /// The folders that have been at the path and that this process has used.
    used: Vec<FolderId>,
    /// The content of the format file.
    format: Vec<u8>,
    /// The locks of folders that were made again.
    locks: Vec<Box<dyn FileLock>>,
    is_missing: bool,
}

/// What tells a folder from another one at the same path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct FolderId {
    device: u64,
    inode: u64,
}

impl From<Metadata> for FolderId {
    fn from(metadata: Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

impl WatchedFiles {
    /// The files in the folder at `path`.
    pub(crate) fn new(path: &Path) -> Self {
        Self(Arc::new(Folder { path: path.to_owned(), state: Mutex::default() }))
    }

    /// Says in the log if the folder is gone, once.
    pub(crate) fn check(&self) {
        let is_missing = self.0.current().is_none_or(|id| !self.0.state.lock().used.contains(&id));
        let was_missing = std::mem::replace(&mut self.0.state.lock().is_missing, is_missing);
        if is_missing && !was_missing {
            error!(dir = ?self.0.path, "the folder of the history was removed; it is made again with what is in memory");
        }
    }
}

impl Folder {
    fn current(&self) -> Option<FolderId> {
        self.path.metadata().ok().map(FolderId::from)
    }

    /// Makes the folder again if it is gone.
    ///
    /// # Errors
    /// If another folder with files is in its place, whose files could be overwritten.
    fn ensure(&self) -> io::Result<FolderId> {
        let mut state = self.state.lock();
        if let Some(id) = self.current() {
            if state.used.contains(&id) {
                return Ok(id);
            }
            if std::fs::read_dir(&self.path)?.next().is_some() {
                return Err(io::Error::other("another folder is in its place; restart to use that one"));
            }
        }
        LocalFileSystem.create_dir(&self.path)?;
        let lock = LocalFileSystem.lock(&self.path.join(LOCK_FILE))?;
        if !state.format.is_empty() {
            let file = LocalFileSystem.create(&self.path.join(FORMAT_FILE))?;
            file.write(&state.format).and_then(|()| file.sync())?;
        }
        let id = FolderId::from(self.path.metadata()?);
        state.locks.push(lock);
        state.used.push(id);
        warn!(dir = ?self.path, "the folder of the history was made again; older history is there until a restart");
        Ok(id)
    }
}

impl FileSystem for WatchedFiles {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        LocalFileSystem.create_dir(dir)?;
        let id = FolderId::from(dir.metadata()?);
        self.0.state.lock().used.push(id);
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn FileLock>> {
        LocalFileSystem.lock(path)
    }

    fn file_names(&self, dir: &Path) -> io::Result<Vec<String>> {
        LocalFileSystem.file_names(dir)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn FileWriter>> {
        let id = self.0.ensure()?;
        // Kept for a folder that has to be made again.
        if let Ok(format) = std::fs::read(self.0.path.join(FORMAT_FILE)) {
            self.0.state.lock().format = format;
        }
        Ok(Box::new(WatchedFile { file: LocalFileSystem.create(path)?, folder: Arc::clone(&self.0), id }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn FileReader>> {
        LocalFileSystem.open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        LocalFileSystem.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        LocalFileSystem.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        LocalFileSystem.sync_dir(dir)
    }
}

/// A file that can be written as long as its folder is there.
#[derive(Debug)]
struct WatchedFile {
    file: Box<dyn FileWriter>,
    folder: Arc<Folder>,
    id: FolderId,
}

impl WatchedFile {
    fn check(&self) -> io::Result<()> {
        match self.folder.current() {
            Some(id) if id == self.id => Ok(()),
            _ => Err(io::Error::new(io::ErrorKind::NotFound, "the folder was removed")),
        }
    }
}

impl FileWriter for WatchedFile {
    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        self.check()?;
        self.file.write(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.check()?;
        self.file.sync()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use promql::Labels;
    use std::fs;
    use tsdb::{Options, Store};

    fn open(folder: &Path) -> (Store, WatchedFiles) {
        let files = WatchedFiles::new(folder);
        let (store, report) = Store::open(folder, Options::default(), Arc::new(files.clone())).expect("a store");
        assert_eq!(report.losses, []);
        (store, files)
    }

    fn append(store: &Store, times_ms: std::ops::Range<i64>) {
        let mut group = store.group();
        let series = group.register(&Labels::from_pairs([("__name__", "a")])).expect("room");
        for time_ms in times_ms {
            group.append(time_ms, [(series, 1.0)]).expect("order");
        }
    }

    #[test]
    fn a_folder_that_was_removed_is_made_again_with_what_is_in_memory() {
        let parent = tempfile::tempdir().expect("a folder");
        let folder = parent.path().join("data");
        let (store, files) = open(&folder);
        append(&store, 0..100);
        store.write();
        fs::remove_dir_all(&folder).expect("a folder");
        files.check();
        append(&store, 100..200);
        store.write();
        store.maintain(200).expect("a folder");
        append(&store, 200..300);
        store.write();
        // Another process cannot use it meanwhile.
        assert!(Store::open(&folder, Options::default(), Arc::new(LocalFileSystem)).is_err());
        // As a process finds it that starts after this one was killed.
        let copy = tempfile::tempdir().expect("a folder");
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("a file").path();
            fs::copy(&path, copy.path().join(path.file_name().expect("a name"))).expect("a copy");
        }
        let (again, report) = Store::open(copy.path(), Options::default(), Arc::new(LocalFileSystem)).expect("a store");
        assert_eq!((again.stats().block_samples + report.replayed, report.losses), (300, Vec::new()));
    }

    #[test]
    fn another_folder_in_its_place_is_left_alone() {
        let parent = tempfile::tempdir().expect("a folder");
        let folder = parent.path().join("data");
        let (store, _) = open(&folder);
        append(&store, 0..100);
        fs::remove_dir_all(&folder).expect("a folder");
        fs::create_dir(&folder).expect("a folder");
        fs::write(folder.join("precious"), "x").expect("a file");
        store.write();
        assert!(store.maintain(200).is_err());
        let names: Vec<_> =
            fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("a file").file_name()).collect();
        assert_eq!(names, ["precious"]);
    }
}
