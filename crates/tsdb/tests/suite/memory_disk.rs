//! A disk in memory that remembers what was done to it, and so can crash at any moment of the past; and that can be
//! full.
use crate::workload::Rng;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tsdb::{Files, Input, Lock, Output};

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
    full: bool,
    /// Who makes something last waits.
    is_stuck: bool,
    waiting: usize,
    is_locked: bool,
}

/// Something that was done to the disk.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    Create(String, usize),
    Write(usize, Vec<u8>),
    SyncFile(usize),
    Rename(String, String),
    Remove(String),
    SyncDir,
    /// The test was told that so many things are safe.
    Safe(usize),
}

/// What becomes of what had not been made last at a crash.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    Kept,
    Lost,
    /// Of each file this share of the bytes, in 1/256, and names up to that share of their changes.
    Torn(u8),
    /// Every single write and every change of a name is kept or not; what lies before a write that is kept is zero.
    Reordered(u64),
}

impl MemoryDisk {
    /// A disk with these files, all of them safe.
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

    /// From now on no byte more can be written, or there is room again.
    pub(crate) fn set_full(&self, full: bool) {
        self.state().full = full;
    }

    /// From now on who makes something last waits, or goes on.
    pub(crate) fn set_stuck(&self, stuck: bool) {
        self.state().is_stuck = stuck;
    }

    /// How many wait for that.
    pub(crate) fn waiting(&self) -> usize {
        self.state().waiting
    }

    /// Notes that `count` things are said to be safe.
    pub(crate) fn note_safe(&self, count: usize) {
        self.state().history.push(Event::Safe(count));
    }

    /// What is there now.
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

/// What is on the disk after a crash behind these events, and how many things were said to be safe.
pub(crate) fn crash(history: &[Event], fate: Fate) -> (Image, usize) {
    let mut rng = Rng::new(match fate {
        Fate::Reordered(seed) => seed,
        _ => 0,
    });
    let mut contents: BTreeMap<usize, (Vec<u8>, Vec<&[u8]>)> = BTreeMap::new();
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    let mut unsafe_changes = Vec::new();
    let mut safe = 0;
    for event in history {
        match event {
            Event::Write(id, bytes) => contents.entry(*id).or_default().1.push(bytes),
            Event::SyncFile(id) => {
                let (safe, waiting) = contents.entry(*id).or_default();
                safe.extend(waiting.drain(..).flatten());
            }
            Event::SyncDir => unsafe_changes.drain(..).for_each(|change| rename(&mut names, change)),
            Event::Safe(count) => safe = *count,
            change => {
                if let Event::Create(_, id) = change {
                    contents.entry(*id).or_default();
                }
                unsafe_changes.push(change);
            }
        }
    }
    let changes = unsafe_changes.len();
    for (at, change) in unsafe_changes.into_iter().enumerate() {
        let is_kept = match fate {
            Fate::Kept => true,
            Fate::Lost => false,
            Fate::Torn(share) => at * 256 < changes * usize::from(share),
            Fate::Reordered(_) => rng.below(2) == 0,
        };
        if is_kept {
            rename(&mut names, change);
        }
    }
    let mut survive = |id: usize| {
        let (mut safe, waiting) = contents.get(&id).cloned().unwrap_or_default();
        match fate {
            Fate::Kept => safe.extend(waiting.concat()),
            Fate::Lost => {}
            Fate::Torn(share) => {
                let waiting = waiting.concat();
                safe.extend(&waiting[..waiting.len() * usize::from(share) / 256]);
            }
            Fate::Reordered(_) => {
                let mut at = safe.len();
                for bytes in waiting {
                    at += bytes.len();
                    if rng.below(2) == 0 {
                        safe.resize(at - bytes.len(), 0);
                        safe.extend(bytes);
                    }
                }
            }
        }
        safe
    };
    (names.into_iter().map(|(name, id)| (name, survive(id))).collect(), safe)
}

fn rename(names: &mut BTreeMap<String, usize>, change: &Event) {
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

impl Files for MemoryDisk {
    fn create_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, _: &Path) -> io::Result<Box<dyn Lock>> {
        let mut state = self.state();
        if std::mem::replace(&mut state.is_locked, true) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(MemoryLock(self.clone())))
    }

    fn names(&self, _: &Path) -> io::Result<Vec<String>> {
        Ok(self.state().names.keys().cloned().collect())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>> {
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

    fn open(&self, path: &Path) -> io::Result<Arc<dyn Input>> {
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
            rename(&mut state.names, &change);
            state.history.push(change);
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.act(path, |state, name| {
            let change = Event::Remove(name);
            rename(&mut state.names, &change);
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

impl Output for MemoryFile {
    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.0.state();
        // A full disk takes some of it.
        let taken = if state.full { &bytes[..bytes.len() / 2] } else { bytes };
        state.contents[self.1].extend_from_slice(taken);
        state.history.push(Event::Write(self.1, taken.to_vec()));
        if state.full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync(&self) -> io::Result<()> {
        self.0.state().waiting += 1;
        while self.0.state().is_stuck {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.0.state().waiting -= 1;
        self.0.state().history.push(Event::SyncFile(self.1));
        Ok(())
    }
}

impl Input for MemoryFile {
    fn size_bytes(&self) -> io::Result<u64> {
        Ok(self.0.state().contents[self.1].len() as u64)
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        let state = self.0.state();
        let from = offset as usize;
        let bytes = state.contents[self.1].get(from..from + into.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        into.copy_from_slice(bytes);
        Ok(())
    }
}

#[derive(Debug)]
struct MemoryLock(MemoryDisk);

impl Lock for MemoryLock {}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        self.0.state().is_locked = false;
    }
}
