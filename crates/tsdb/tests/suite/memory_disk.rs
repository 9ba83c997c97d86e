//! A disk in memory that records a history, so that it can crash at any point of it, and that can be full or stuck.
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use test_kit::Rng;
use tsdb::{FileLock, FileReader, FileSystem, FileWriter};

/// Names and contents of files.
pub(crate) type Image = BTreeMap<String, Vec<u8>>;

/// The disk. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct MemoryDisk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    names: BTreeMap<String, usize>,
    contents: Vec<Vec<u8>>,
    history: Vec<Event>,
    is_full: bool,
    /// How many writes succeed before the disk is full.
    writes_left: Option<usize>,
    /// Whether syncs block.
    is_stuck: bool,
    waiting_syncs: usize,
    is_locked: bool,
}

/// An operation on the disk.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    Create(String, usize),
    Write(usize, Vec<u8>),
    SyncFile(usize),
    Rename(String, String),
    Remove(String),
    SyncDir,
    /// The test noted that this many samples are durable.
    Durable(usize),
}

/// What happens in a crash to what has not been synced.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    Kept,
    Lost,
    /// This share, in 1/256, of the unsynced bytes of each file and of the changes of names is kept.
    Torn(u8),
    /// Each write and each change of a name is kept or lost at random. Lost bytes before a kept write are zero.
    Reordered(u64),
}

impl MemoryDisk {
    /// Creates a disk with these files, all of them durable.
    pub(crate) fn with(image: Image) -> Self {
        let mut state = State::default();
        for (name, content) in image {
            state.names.insert(name, state.contents.len());
            state.contents.push(content);
        }
        Self(Arc::new(Mutex::new(state)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes writes fail from now on, or succeed again.
    pub(crate) fn set_full(&self, is_full: bool) {
        self.state().is_full = is_full;
    }

    /// Makes all but the next `count` writes fail, or all succeed again.
    pub(crate) fn set_writes_left(&self, count: Option<usize>) {
        self.state().writes_left = count;
    }

    /// Makes syncs block from now on, or go on.
    pub(crate) fn set_stuck(&self, is_stuck: bool) {
        self.state().is_stuck = is_stuck;
    }

    /// The number of blocked syncs.
    pub(crate) fn waiting_syncs(&self) -> usize {
        self.state().waiting_syncs
    }

    /// Notes in the history that the first `count` samples are durable.
    pub(crate) fn note_durable(&self, count: usize) {
        self.state().history.push(Event::Durable(count));
    }

    /// Changes the content of a file, which may be open.
    pub(crate) fn change(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state();
        let id = state.names[name];
        change(&mut state.contents[id]);
    }

    /// The current files.
    pub(crate) fn image(&self) -> Image {
        let state = self.state();
        state.names.iter().map(|(name, id)| (name.clone(), state.contents[*id].clone())).collect()
    }

    pub(crate) fn history(&self) -> Vec<Event> {
        self.state().history.clone()
    }

    fn act(&self, path: &Path, act: impl FnOnce(&mut State, String) -> io::Result<()>) -> io::Result<()> {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        act(&mut self.state(), name)
    }
}

/// The files on the disk after a crash that follows these events, and how many samples were noted as durable.
pub(crate) fn crash(history: &[Event], fate: Fate) -> (Image, usize) {
    let mut rng = Rng::new(match fate {
        Fate::Reordered(seed) => seed,
        _ => 0,
    });
    let mut contents: BTreeMap<usize, (Vec<u8>, Vec<&[u8]>)> = BTreeMap::new();
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    let mut unsynced_changes = Vec::new();
    let mut durable = 0;
    for event in history {
        match event {
            Event::Write(id, bytes) => contents.entry(*id).or_default().1.push(bytes),
            Event::SyncFile(id) => {
                let (synced, unsynced) = contents.entry(*id).or_default();
                synced.extend(unsynced.drain(..).flatten());
            }
            Event::SyncDir => unsynced_changes.drain(..).for_each(|change| change_names(&mut names, change)),
            Event::Durable(count) => durable = *count,
            change => {
                if let Event::Create(_, id) = change {
                    contents.entry(*id).or_default();
                }
                unsynced_changes.push(change);
            }
        }
    }
    let changes = unsynced_changes.len();
    for (at, change) in unsynced_changes.into_iter().enumerate() {
        let is_kept = match fate {
            Fate::Kept => true,
            Fate::Lost => false,
            Fate::Torn(share) => at * 256 < changes * usize::from(share),
            Fate::Reordered(_) => rng.below(2) == 0,
        };
        if is_kept {
            change_names(&mut names, change);
        }
    }
    let mut survive = |id: usize| {
        let (mut synced, unsynced) = contents.get(&id).cloned().unwrap_or_default();
        match fate {
            Fate::Kept => synced.extend(unsynced.concat()),
            Fate::Lost => {}
            Fate::Torn(share) => {
                let unsynced = unsynced.concat();
                synced.extend(&unsynced[..unsynced.len() * usize::from(share) / 256]);
            }
            Fate::Reordered(_) => {
                let mut at = synced.len();
                for bytes in unsynced {
                    at += bytes.len();
                    if rng.below(2) == 0 {
                        synced.resize(at - bytes.len(), 0);
                        synced.extend(bytes);
                    }
                }
            }
        }
        synced
    };
    (names.into_iter().map(|(name, id)| (name, survive(id))).collect(), durable)
}

fn change_names(names: &mut BTreeMap<String, usize>, change: &Event) {
    match change {
        Event::Create(name, id) => {
            names.insert(name.clone(), *id);
        }
        Event::Rename(from, to) => {
            if let Some(id) = names.remove(from) {
                names.insert(to.clone(), id);
            }
        }
        Event::Remove(name) => {
            names.remove(name);
        }
        _ => {}
    }
}

impl FileSystem for MemoryDisk {
    fn create_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, _: &Path) -> io::Result<Box<dyn FileLock>> {
        let mut state = self.state();
        if std::mem::replace(&mut state.is_locked, true) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(MemoryLock(self.clone())))
    }

    fn file_names(&self, _: &Path) -> io::Result<Vec<String>> {
        Ok(self.state().names.keys().cloned().collect())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn FileWriter>> {
        let mut created = 0;
        self.act(path, |state, name| {
            created = state.contents.len();
            state.contents.push(Vec::new());
            state.history.push(Event::Create(name.clone(), created));
            state.names.insert(name, created);
            Ok(())
        })?;
        Ok(Box::new(MemoryFile(self.clone(), created)))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn FileReader>> {
        let mut found = None;
        self.act(path, |state, name| {
            found = state.names.get(&name).copied();
            Ok(())
        })?;
        Ok(Arc::new(MemoryFile(self.clone(), found.ok_or(io::ErrorKind::NotFound)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let to = to.file_name().expect("a name").to_string_lossy().into_owned();
        self.act(from, |state, from| {
            let change = Event::Rename(from, to);
            change_names(&mut state.names, &change);
            state.history.push(change);
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.act(path, |state, name| {
            let change = Event::Remove(name);
            change_names(&mut state.names, &change);
            state.history.push(change);
            Ok(())
        })
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        self.state().history.push(Event::SyncDir);
        Ok(())
    }
}

#[derive(Debug)]
struct MemoryFile(MemoryDisk, usize);

impl FileWriter for MemoryFile {
    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.0.state();
        let is_full = state.is_full || state.writes_left == Some(0);
        state.writes_left = state.writes_left.map(|count| count.saturating_sub(1));
        // A full disk writes a part.
        let written = if is_full { &bytes[..bytes.len() / 2] } else { bytes };
        state.contents[self.1].extend_from_slice(written);
        state.history.push(Event::Write(self.1, written.to_vec()));
        if is_full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync(&self) -> io::Result<()> {
        self.0.state().waiting_syncs += 1;
        while self.0.state().is_stuck {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.0.state().waiting_syncs -= 1;
        self.0.state().history.push(Event::SyncFile(self.1));
        Ok(())
    }
}

impl FileReader for MemoryFile {
    fn size_bytes(&self) -> io::Result<u64> {
        Ok(self.0.state().contents[self.1].len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let state = self.0.state();
        let from = offset as usize;
        let bytes = state.contents[self.1].get(from..from + buffer.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }
}

#[derive(Debug)]
struct MemoryLock(MemoryDisk);

impl FileLock for MemoryLock {}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        self.0.state().is_locked = false;
    }
}
