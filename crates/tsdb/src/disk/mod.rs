//! The only door to the file system, so that a test can stand in it.
pub(crate) mod folder;
pub(crate) mod header;
mod local;

pub use local::DiskFiles;

use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Everything the store does with files. Names it gives are plain, in one folder.
pub trait Files: Debug + Send + Sync {
    /// Makes `dir`, its parents too, readable by nobody else; fine where it is there.
    ///
    /// # Errors
    /// As the system says.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;

    /// Takes the lock named `path` until what is returned is dropped.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] where another process has it, or as the system says.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn Lock>>;

    /// The names of the files in `dir`.
    ///
    /// # Errors
    /// As the system says.
    fn names(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// A new empty file, in place of one that is there.
    ///
    /// # Errors
    /// As the system says.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>>;

    /// A file to read.
    ///
    /// # Errors
    /// As the system says.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn Input>>;

    /// Gives a file another name, in place of a file that has it. Lasts from the next [`Files::sync_dir`] on.
    ///
    /// # Errors
    /// As the system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// As the system says.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes names in `dir` last: of new, renamed and removed files.
    ///
    /// # Errors
    /// As the system says.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
}

/// A file that is written from its beginning to its end. While it is made last, others may go on writing.
pub trait Output: Debug + Send + Sync {
    /// Appends `bytes`; on an error some of them may be there.
    ///
    /// # Errors
    /// As the system says.
    fn write(&self, bytes: &[u8]) -> io::Result<()>;

    /// Makes what was written before the call last.
    ///
    /// # Errors
    /// As the system says; then it is unknown what of it will be there.
    fn sync(&self) -> io::Result<()>;
}

/// A file that is read in any order, also after it was removed.
pub trait Input: Debug + Send + Sync {
    /// Its size now.
    ///
    /// # Errors
    /// As the system says.
    fn size_bytes(&self) -> io::Result<u64>;

    /// Fills `into` with the bytes from `offset` on.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] where there are too few, or as the system says.
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()>;

    /// Says that `length` bytes from `offset` on will be read soon, so that they may be fetched meanwhile.
    fn will_read(&self, _offset: u64, _length: usize) {}
}

/// A lock that is held.
pub trait Lock: Debug + Send + Sync {}
