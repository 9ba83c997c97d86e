//! A disk in memory that fails as real ones do: writes that are short, syncs that lose data, power that ends.
use crate::faults::Fault;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use test_kit::Rng;

/// Names and contents of files.
pub(crate) type Image = BTreeMap<String, Vec<u8>>;

/// How often operations fail at present, each of 0 to 1.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Trouble {
    pub(crate) writes: f64,
    pub(crate) syncs: f64,
    pub(crate) names: f64,
    pub(crate) reads: f64,
}

/// What is left of unsynced data when a run ends without closing its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// All: the process was killed, and the system writes the rest.
    Kept,
    Lost,
    /// A random part of each file, from its start.
    Torn,
    /// Each write and each name at random; lost bytes before kept ones are zero.
    Reordered,
}

/// The disk. Clones are the same disk.
#[derive(Clone, Debug)]
pub(crate) struct SimulatedDisk(Arc<Mutex<State>>);

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) rng: Rng,
    pub(crate) trouble: Trouble,
    pub(crate) names: BTreeMap<String, usize>,
    pub(crate) durable_names: BTreeMap<String, usize>,
    pub(crate) pending: Vec<NameChange>,
    pub(crate) files: Vec<File>,
    pub(crate) operations: u64,
    /// The number of operations after which the run ends.
    pub(crate) ends_after: Option<u64>,
    pub(crate) has_ended: bool,
    pub(crate) is_locked: bool,
    pub(crate) injected: Vec<Fault>,
    pub(crate) last: Operation,
    pub(crate) has_read_block: bool,
}

/// What a disk was last asked to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) file: String,
    /// Whether a block was read since the end of the run was planned.
    pub(crate) has_read_block: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) content: Vec<u8>,
    pub(crate) writes: Vec<(usize, Durability)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    Unsynced,
    Synced,
    /// A failed sync dropped it: no later sync makes it durable.
    Dropped,
}

#[derive(Clone, Debug)]
pub(crate) enum NameChange {
    Create(String, usize),
    Rename(String, String),
    Remove(String),
}

impl SimulatedDisk {
    /// A disk with these files, all of them durable.
    pub(crate) fn new(image: Image, seed: u64) -> Self {
        let mut state = State {
            rng: Rng::new(seed),
            trouble: Trouble::default(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            pending: Vec::new(),
            files: Vec::new(),
            operations: 0,
            ends_after: None,
            has_ended: false,
            is_locked: false,
            injected: Vec::new(),
            last: Operation::default(),
            has_read_block: false,
        };
        for (name, content) in image {
            state.names.insert(name.clone(), state.files.len());
            let writes = vec![(content.len(), Durability::Synced)];
            state.files.push(File { name, content, writes });
        }
        state.durable_names = state.names.clone();
        Self(Arc::new(Mutex::new(state)))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_trouble(&self, trouble: Trouble) {
        self.state().trouble = trouble;
    }

    /// The trouble so far; replaces it.
    pub(crate) fn replace_trouble(&self, trouble: Trouble) -> Trouble {
        std::mem::replace(&mut self.state().trouble, trouble)
    }

    /// Ends the run in the operation after `count` more. All later ones fail and change nothing.
    pub(crate) fn end_after(&self, count: u64) {
        let mut state = self.state();
        state.ends_after = Some(state.operations + count);
        state.has_read_block = false;
    }

    /// Ends the run now, or lets a planned end not happen.
    pub(crate) fn end(&self) {
        self.state().has_ended = true;
    }

    pub(crate) fn cancel_end(&self) {
        self.state().ends_after = None;
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.state().has_ended
    }

    /// The faults injected since the last call.
    pub(crate) fn take_injected(&self) -> Vec<Fault> {
        std::mem::take(&mut self.state().injected)
    }

    /// What was asked last before the run ended.
    pub(crate) fn last_operation(&self) -> Operation {
        self.state().last.clone()
    }

    pub(crate) fn file_names_with(&self, extension: &str) -> Vec<String> {
        self.state().names.keys().filter(|name| name.ends_with(extension)).cloned().collect()
    }

    /// Changes a random bit of a file; returns whether there was one.
    pub(crate) fn flip_bit(&self, name: &str) -> bool {
        let mut state = self.state();
        let Some(file) = state.names.get(name).copied() else { return false };
        let length = state.files[file].content.len();
        if length == 0 {
            return false;
        }
        let (at, bit) = (state.rng.index(length), state.rng.below(8));
        state.files[file].content[at] ^= 1 << bit;
        true
    }

    /// What is on the disk after the run has ended with this fate.
    pub(crate) fn image(&self, fate: Fate) -> Image {
        let mut state = self.state();
        let State { names, durable_names, pending, files, rng, .. } = &mut *state;
        let mut left = if fate == Fate::Kept { names.clone() } else { durable_names.clone() };
        let kept_changes = rng.index(pending.len() + 1);
        for (at, change) in pending.iter().enumerate() {
            let is_kept = match fate {
                Fate::Kept | Fate::Lost => false,
                Fate::Torn => at < kept_changes,
                Fate::Reordered => rng.chance(0.5),
            };
            if is_kept {
                change.apply(&mut left);
            }
        }
        left.into_iter().map(|(name, file)| (name, files[file].survive(fate, rng))).collect()
    }
}

impl File {
    fn survive(&self, fate: Fate, rng: &mut Rng) -> Vec<u8> {
        if fate == Fate::Kept {
            return self.content.clone();
        }
        let synced: usize = self.writes.iter().take_while(|(_, durability)| *durability == Durability::Synced).count();
        let end: usize = self.writes[..synced].iter().map(|(length, _)| length).sum();
        let mut left = self.content[..end].to_vec();
        let rest = self.content.len() - end;
        let torn_at = end + rng.index(rest + 1);
        let mut at = end;
        for (length, durability) in &self.writes[synced..] {
            let range = at..at + length;
            at = range.end;
            let is_kept = match (durability, fate) {
                (Durability::Synced, _) => true,
                (Durability::Dropped, _) | (_, Fate::Lost | Fate::Kept) => false,
                (Durability::Unsynced, Fate::Torn) => range.end <= torn_at,
                (Durability::Unsynced, Fate::Reordered) => rng.chance(0.5),
            };
            if is_kept {
                left.resize(range.start, 0);
                left.extend_from_slice(&self.content[range]);
            } else if fate == Fate::Torn && range.contains(&torn_at) && left.len() == range.start {
                left.extend_from_slice(&self.content[range.start..torn_at]);
            }
        }
        left
    }
}

impl NameChange {
    pub(crate) fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Create(name, file) => {
                names.insert(name.clone(), *file);
            }
            Self::Rename(from, to) => {
                if let Some(file) = names.remove(from) {
                    names.insert(to.clone(), file);
                }
            }
            Self::Remove(name) => {
                names.remove(name);
            }
        }
    }
}

impl State {
    /// Counts an operation; fails if the run has ended, or ends in it.
    pub(crate) fn begin(&mut self, name: &'static str, file: &str) -> io::Result<()> {
        if self.has_ended {
            return Err(ended());
        }
        self.operations += 1;
        self.has_read_block |= name == "read" && file.ends_with(".block");
        self.last = Operation { name, file: file.to_owned(), has_read_block: self.has_read_block };
        if self.ends_after.is_some_and(|after| self.operations > after) {
            self.has_ended = true;
            return Err(ended());
        }
        Ok(())
    }

    pub(crate) fn fails(&mut self, probability: f64, fault: Fault) -> bool {
        let fails = probability > 0.0 && self.rng.chance(probability);
        if fails {
            self.injected.push(fault);
        }
        fails
    }

    pub(crate) fn change_name(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.pending.push(change);
    }

    pub(crate) fn write(&mut self, file: usize, bytes: &[u8]) {
        self.files[file].content.extend_from_slice(bytes);
        self.files[file].writes.push((bytes.len(), Durability::Unsynced));
    }
}

fn ended() -> io::Error {
    io::Error::other("the machine is gone")
}
