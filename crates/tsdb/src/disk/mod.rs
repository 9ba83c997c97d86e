//! Files: the trait through which every access to the file system goes, the folder of a store, and scans of records.
pub(crate) mod folder;
pub(crate) mod header;
mod local;
pub(crate) mod read_error;
pub(crate) mod record_scanner;

pub use local::LocalFileSystem;

use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// The file system operations of a store. Tests replace them to inject faults.
pub trait FileSystem: Debug + Send + Sync {
    /// Creates `dir` and its parents, accessible by the owner only. Succeeds if `dir` exists.
    ///
    /// # Errors
    /// If the file system fails.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;

    /// Locks the file `path` until the result is dropped.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if another process holds the lock, or if the file system fails.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn FileLock>>;

    /// Lists the names of the files in `dir`.
    ///
    /// # Errors
    /// If the file system fails.
    fn file_names(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// Creates an empty file, replacing an existing one.
    ///
    /// # Errors
    /// If the file system fails.
    fn create(&self, path: &Path) -> io::Result<Box<dyn FileWriter>>;

    /// Opens a file for reading.
    ///
    /// # Errors
    /// If the file system fails.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn FileReader>>;

    /// Renames a file, replacing an existing one. Durable after the next [`FileSystem::sync_dir`].
    ///
    /// # Errors
    /// If the file system fails.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// If the file system fails.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in `dir` durable: of created, renamed and removed files.
    ///
    /// # Errors
    /// If the file system fails.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
}

/// A file that is written from start to end. Writes may go on during a sync.
pub trait FileWriter: Debug + Send + Sync {
    /// Appends `bytes`. After an error some of them may have been written.
    ///
    /// # Errors
    /// If the file system fails.
    fn write(&self, bytes: &[u8]) -> io::Result<()>;

    /// Makes everything written before the call durable.
    ///
    /// # Errors
    /// If the file system fails; which of the writes are durable is unknown then.
    fn sync(&self) -> io::Result<()>;
}

/// A file that is read in any order, even after it has been removed.
pub trait FileReader: Debug + Send + Sync {
    /// Returns the current size.
    ///
    /// # Errors
    /// If the file system fails.
    fn size_bytes(&self) -> io::Result<u64>;

    /// Fills `buffer` with the bytes from `offset` on.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] if the file is too short, or if the file system fails.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Advises the system that `length` bytes from `offset` on will be read soon.
    fn advise_read(&self, _offset: u64, _length: usize) {}
}

/// A lock that is released when dropped.
pub trait FileLock: Debug + Send + Sync {}
