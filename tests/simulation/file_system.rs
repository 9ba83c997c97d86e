//! The operations of a simulated disk, each of which may fail.
use crate::disk::{Durability, File, NameChange, SimulatedDisk, State};
use crate::faults::Fault;
use std::io;
use std::path::Path;
use std::sync::Arc;
use tsdb::{FileLock, FileReader, FileSystem, FileWriter};

fn io_error() -> io::Error {
    io::Error::other("input/output error")
}

fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

impl FileSystem for SimulatedDisk {
    fn create_dir(&self, _: &Path) -> io::Result<()> {
        self.state().begin("create_dir", "")
    }

    fn lock(&self, _: &Path) -> io::Result<Box<dyn FileLock>> {
        let mut state = self.state();
        state.begin("lock", "")?;
        assert!(!std::mem::replace(&mut state.is_locked, true), "two stores in one folder");
        Ok(Box::new(Lock(self.clone())))
    }

    fn file_names(&self, _: &Path) -> io::Result<Vec<String>> {
        let mut state = self.state();
        state.begin("list", "")?;
        let trouble = state.trouble.names;
        if state.fails(trouble, Fault::FailedList) {
            Err(io_error())
        } else {
            Ok(state.names.keys().cloned().collect())
        }
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn FileWriter>> {
        let (mut state, name) = (self.state(), name_of(path));
        state.begin("create", &name)?;
        let trouble = state.trouble.names;
        if state.fails(trouble, Fault::FailedCreate) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let file = state.files.len();
        state.files.push(File { name: name.clone(), ..File::default() });
        state.change_name(NameChange::Create(name, file));
        Ok(Box::new(Open(self.clone(), file)))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn FileReader>> {
        let (mut state, name) = (self.state(), name_of(path));
        state.begin("open", &name)?;
        let trouble = state.trouble.reads;
        if state.fails(trouble, Fault::FailedOpen) {
            return Err(io_error());
        }
        let file = *state.names.get(&name).ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(Open(self.clone(), file)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (mut state, from, to) = (self.state(), name_of(from), name_of(to));
        state.begin("rename", &to)?;
        let trouble = state.trouble.names;
        if state.fails(trouble, Fault::FailedRename) {
            return Err(io_error());
        }
        if !state.names.contains_key(&from) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.change_name(NameChange::Rename(from, to));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let (mut state, name) = (self.state(), name_of(path));
        state.begin("remove", &name)?;
        let trouble = state.trouble.names;
        if state.fails(trouble, Fault::FailedRemove) {
            return Err(io_error());
        }
        if !state.names.contains_key(&name) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.change_name(NameChange::Remove(name));
        Ok(())
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.begin("sync_dir", "")?;
        let trouble = state.trouble.syncs;
        if state.fails(trouble, Fault::FailedFolderSync) {
            return Err(io_error());
        }
        let State { pending, durable_names, .. } = &mut *state;
        pending.drain(..).for_each(|change| change.apply(durable_names));
        Ok(())
    }
}

/// A file, for reading or writing.
#[derive(Debug)]
struct Open(SimulatedDisk, usize);

impl FileWriter for Open {
    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.0.state();
        let name = state.files[self.1].name.clone();
        if let Err(end) = state.begin("write", &name) {
            // The write in which the run ends may have got some of its bytes to the system.
            if state.ends_after.take().is_some() {
                let part = state.rng.index(bytes.len() + 1);
                state.write(self.1, &bytes[..part]);
            }
            return Err(end);
        }
        let trouble = state.trouble.writes;
        for (fault, kind) in [
            (Fault::ShortWrite, io::ErrorKind::StorageFull),
            (Fault::NoSpace, io::ErrorKind::StorageFull),
            (Fault::WriteError, io::ErrorKind::Other),
        ] {
            if state.fails(trouble / 3.0, fault) {
                if fault == Fault::ShortWrite {
                    let part = state.rng.index(bytes.len() + 1);
                    state.write(self.1, &bytes[..part]);
                }
                return Err(kind.into());
            }
        }
        state.write(self.1, bytes);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.0.state();
        let name = state.files[self.1].name.clone();
        state.begin("sync", &name)?;
        let trouble = state.trouble.syncs;
        if state.fails(trouble, Fault::FailedSync) {
            let drops = state.rng.chance(0.5);
            let mut has_dropped = false;
            for (_, durability) in &mut state.files[self.1].writes {
                if drops && *durability == Durability::Unsynced {
                    *durability = Durability::Dropped;
                    has_dropped = true;
                }
            }
            if has_dropped {
                state.injected.push(Fault::SyncDropsData);
            }
            return Err(io_error());
        }
        for (_, durability) in &mut state.files[self.1].writes {
            if *durability == Durability::Unsynced {
                *durability = Durability::Synced;
            }
        }
        Ok(())
    }
}

impl FileReader for Open {
    fn size_bytes(&self) -> io::Result<u64> {
        let mut state = self.0.state();
        let name = state.files[self.1].name.clone();
        state.begin("size", &name)?;
        Ok(state.files[self.1].content.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let mut state = self.0.state();
        let name = state.files[self.1].name.clone();
        state.begin("read", &name)?;
        let trouble = state.trouble.reads;
        if state.fails(trouble, Fault::FailedRead) {
            return Err(io_error());
        }
        let content = &state.files[self.1].content;
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let until = from.saturating_add(buffer.len());
        buffer.copy_from_slice(content.get(from..until).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

#[derive(Debug)]
struct Lock(SimulatedDisk);

impl FileLock for Lock {}

impl Drop for Lock {
    fn drop(&mut self) {
        self.0.state().is_locked = false;
    }
}
