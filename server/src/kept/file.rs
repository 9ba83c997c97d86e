//! The file of a list: JSON with one entry on each line, replaced as a whole.
use crate::kept::Keepable;
use crate::kept::entries::{Entries, Entry, REVISION};
use serde_json::Value;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tsdb::FileSystem;

/// A file longer than this is none that was written here.
const MAX_READ_BYTES: u64 = 64 << 20;

/// The file of one list.
#[derive(Debug)]
pub(crate) struct KeptFile {
    dir: PathBuf,
    path: PathBuf,
    files: Arc<dyn FileSystem>,
}

impl KeptFile {
    /// The file of `list` in `dir`.
    pub(crate) fn new(dir: &Path, list: &str, files: Arc<dyn FileSystem>) -> Self {
        Self { dir: dir.to_owned(), path: dir.join(format!("{list}.json")), files }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The entries in the file; none without a file.
    ///
    /// # Errors
    /// Why the file cannot be used.
    pub(crate) fn read<T: Keepable>(&self) -> Result<Entries<T>, String> {
        match self.path.metadata() {
            Ok(metadata) if metadata.len() > MAX_READ_BYTES => return Err("it is too long".into()),
            _ => {}
        }
        match std::fs::read_to_string(&self.path) {
            Ok(text) => from_text(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Entries::default()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Replaces the content. After a crash the file has the old content or the new one.
    ///
    /// # Errors
    /// If the disk fails. The content is unknown only if the last step did.
    pub(crate) fn write(&self, text: &str) -> io::Result<()> {
        let new = self.path.with_extension("json.new");
        let file = self.files.create(&new)?;
        file.write(text.as_bytes())?;
        file.sync()?;
        self.files.rename(&new, &self.path)?;
        self.files.sync_dir(&self.dir)
    }
}

/// The content of a file.
pub(crate) fn to_text<T: Keepable>(entries: &Entries<T>) -> String {
    let lines: Vec<String> = entries.list.iter().map(|entry| entry.to_json().to_string()).collect();
    format!("{{\"{REVISION}\":{},\"{}\":[\n{}\n]}}\n", entries.revision, T::LIST, lines.join(",\n"))
}

fn from_text<T: Keepable>(text: &str) -> Result<Entries<T>, String> {
    let mut value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let revision = value.get(REVISION).and_then(Value::as_u64).ok_or_else(|| format!("{REVISION} is missing"))?;
    let Some(Value::Array(values)) = value.get_mut(T::LIST).map(Value::take) else {
        return Err(format!("{} is no list", T::LIST));
    };
    let entries = values.into_iter().enumerate();
    let entries =
        entries.map(|(at, value)| Entry::from_json(value).map_err(|error| format!("entry {}: {error}", at + 1)));
    let list: Vec<Entry<T>> = entries.collect::<Result<_, _>>()?;
    if let Some(twice) =
        list.iter().enumerate().find_map(|(at, entry)| list[..at].iter().find(|other| other.key == entry.key))
    {
        return Err(format!("{} {:?} is there twice", T::KEY, twice.key));
    }
    // A person may have written a higher one by hand.
    let revision = list.iter().map(|entry| entry.revision).fold(revision, u64::max);
    Ok(Entries { revision, list })
}
