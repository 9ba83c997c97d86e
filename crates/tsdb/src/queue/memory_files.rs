//! Files in memory, for a queue without a folder.
use crate::disk::{FileLock, FileReader, FileSystem, FileWriter};
use parking_lot::{Mutex, RwLock};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files by path. They are in no folder.
#[derive(Debug, Default)]
pub(super) struct MemoryFiles(Mutex<HashMap<PathBuf, Arc<MemoryFile>>>);

#[derive(Debug, Default)]
struct MemoryFile(RwLock<Vec<u8>>);

/// A handle of a file, to write to it or to read it.
#[derive(Debug)]
struct Handle(Arc<MemoryFile>);

#[derive(Debug)]
struct NoLock;

impl FileSystem for MemoryFiles {
    fn create_dir(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, _path: &Path) -> io::Result<Box<dyn FileLock>> {
        Ok(Box::new(NoLock))
    }

    fn file_names(&self, _dir: &Path) -> io::Result<Vec<String>> {
        let files = self.0.lock();
        Ok(files.keys().filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn FileWriter>> {
        let file = Arc::<MemoryFile>::default();
        self.0.lock().insert(path.to_owned(), Arc::clone(&file));
        Ok(Box::new(Handle(file)))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn FileReader>> {
        let file = self.0.lock().get(path).cloned().ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(Handle(file)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut files = self.0.lock();
        let file = files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        files.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.lock().remove(path).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }
}

impl FileWriter for Handle {
    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        self.0.0.write().extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

impl FileReader for Handle {
    fn size_bytes(&self) -> io::Result<u64> {
        Ok(self.0.0.read().len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let bytes = self.0.0.read();
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let part = bytes.get(from..from.saturating_add(buffer.len())).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(part);
        Ok(())
    }
}

impl FileLock for NoLock {}
