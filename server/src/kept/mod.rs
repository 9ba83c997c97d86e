//! What people keep on the server beside the history: notes and shared layouts. Each kind is a list of entries in one file
//! of the data directory that a person can read.
pub(crate) mod entries;
pub(crate) mod file;
pub(crate) mod layout;
pub(crate) mod note;

use crate::kept::entries::{Change, Entries, Entry, KeptError};
use crate::kept::file::KeptFile;
use crate::kept::layout::SharedLayout;
use crate::kept::note::Note;
use crate::threads::Threads;
use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tracing::error;
use tsdb::FileSystem;

/// How long a change waits for the disk.
const MAX_WRITE_TIME: Duration = Duration::from_secs(5);

/// The maximum number of changes that wait for the disk.
const MAX_WAITING: usize = 32;

/// A kind of thing that is kept.
pub(crate) trait Keepable: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What the list is called: in its file, which is named after it, and in answers.
    const LIST: &'static str;
    /// The field that tells one from the others.
    const KEY: &'static str;
    /// The maximum number, and the maximum size of the file in bytes.
    const MAX_COUNT: usize;
    const MAX_FILE_BYTES: usize;

    /// What is wrong with it, and what would be right.
    fn check(&self) -> Result<(), String>;
}

/// The notes and the layouts.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) notes: Arc<KeptList<Note>>,
    pub(crate) layouts: Arc<KeptList<SharedLayout>>,
}

impl Kept {
    /// Reads what is kept in `dir`, with the `files` of the history; without them, all is kept in memory.
    pub(crate) fn open(dir: Option<&Path>, files: Option<Arc<dyn FileSystem>>) -> Self {
        let place = dir.zip(files);
        Self { notes: Arc::new(KeptList::open(place.clone())), layouts: Arc::new(KeptList::open(place)) }
    }
}

/// The entries of one kind. Changes happen one after the other, and each is on disk before it is answered.
#[derive(Debug)]
pub(crate) struct KeptList<T> {
    current: Arc<Mutex<Arc<Entries<T>>>>,
    place: Place,
    writing: Threads,
    waiting: Arc<Semaphore>,
}

/// Where entries are kept.
#[derive(Clone, Debug)]
enum Place {
    Memory,
    File(Arc<KeptFile>),
    /// In a file that this version cannot use, and so must not overwrite. The text says why.
    Unusable(Arc<str>),
}

impl<T: Keepable> KeptList<T> {
    fn open(place: Option<(&Path, Arc<dyn FileSystem>)>) -> Self {
        let (mut entries, mut kept_in) = (Entries::default(), Place::Memory);
        if let Some((dir, files)) = place {
            let file = KeptFile::new(dir, T::LIST, files);
            match file.read::<T>() {
                Ok(read) => (entries, kept_in) = (read, Place::File(Arc::new(file))),
                Err(problem) => {
                    error!(file = ?file.path(), "{} cannot be used: {problem}", T::LIST);
                    let problem = format!(
                        "{} cannot be used ({problem}); mend it or move it away, and restart the server",
                        file.path().display()
                    );
                    kept_in = Place::Unusable(problem.into());
                }
            }
        }
        Self {
            current: Arc::new(Mutex::new(Arc::new(entries))),
            place: kept_in,
            writing: Threads::new("kept", 1),
            waiting: Arc::new(Semaphore::new(MAX_WAITING)),
        }
    }

    /// All entries as they are now.
    pub(crate) fn entries(&self) -> Arc<Entries<T>> {
        Arc::clone(&self.current.lock())
    }

    /// What whoever keeps something should know; nothing if all is as it should be.
    pub(crate) fn warning(&self) -> Option<String> {
        match &self.place {
            Place::File(_) => None,
            Place::Memory => Some(format!("{} are lost when the server ends: it has no data directory", T::LIST)),
            Place::Unusable(problem) => Some(problem.to_string()),
        }
    }

    /// Makes a change, and writes it to disk. Returns the entry as it is then; none if it is removed.
    ///
    /// # Errors
    /// As [`KeptError`] says. After [`KeptError::Slow`] the change may happen nevertheless.
    pub(crate) async fn apply(&self, change: Change<T>, now_ms: i64) -> Result<Option<Entry<T>>, KeptError<T>> {
        let file = match &self.place {
            Place::Unusable(problem) => return Err(KeptError::Unusable(problem.to_string())),
            Place::Memory => None,
            Place::File(file) => Some(Arc::clone(file)),
        };
        let permit = Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| KeptError::Slow)?;
        let current = Arc::clone(&self.current);
        let work = self.writing.run(move || {
            let _permit = permit;
            let old = Arc::clone(&current.lock());
            let (new, entry) = old.changed(change, now_ms)?;
            let text = file::to_text(&new);
            if text.len() > T::MAX_FILE_BYTES {
                return Err(KeptError::TooManyBytes);
            }
            if let Some(file) = file {
                file.write(&text).map_err(|source| KeptError::Write(source.to_string()))?;
            }
            *current.lock() = Arc::new(new);
            Ok(entry)
        });
        match tokio::time::timeout(MAX_WRITE_TIME, work).await {
            Ok(Ok(result)) => result,
            Ok(Err(lost)) => Err(KeptError::Write(lost.to_string())),
            Err(_) => Err(KeptError::Slow),
        }
    }
}

#[cfg(test)]
mod tests;
