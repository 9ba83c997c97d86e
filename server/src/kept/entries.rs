//! Entries with revisions: a change names the revision that it was made to, so that two people do not overwrite each other.
use crate::kept::Keepable;
use serde_json::{Map, Value};
use std::sync::Arc;

/// The field that holds the revision.
pub(crate) const REVISION: &str = "revision";

/// One entry. Its revision is another one after each change, and never one that it or another had before.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry<T> {
    pub(crate) key: String,
    pub(crate) revision: u64,
    pub(crate) value: Arc<T>,
}

impl<T: Keepable> Entry<T> {
    /// The entry as one JSON object: key, revision and the fields of the value.
    pub(crate) fn to_json(&self) -> Value {
        let mut object = Map::new();
        object.insert(T::KEY.to_owned(), self.key.as_str().into());
        object.insert(REVISION.to_owned(), self.revision.into());
        // What is kept has text keys only, so it always serialises.
        if let Ok(Value::Object(fields)) = serde_json::to_value(&*self.value) {
            object.extend(fields);
        }
        Value::Object(object)
    }

    /// The entry of a JSON object.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn from_json(value: Value) -> Result<Self, String> {
        let Value::Object(mut object) = value else { return Err("it is no object".into()) };
        let key = object.remove(T::KEY).and_then(|key| Some(key.as_str()?.to_owned()));
        let revision = object.remove(REVISION).and_then(|revision| revision.as_u64());
        let key = key.ok_or_else(|| format!("{} is missing", T::KEY))?;
        let revision = revision.ok_or_else(|| format!("{REVISION} is missing"))?;
        let value: T = serde_json::from_value(Value::Object(object)).map_err(|error| error.to_string())?;
        value.check()?;
        Ok(Self { key, revision, value: Arc::new(value) })
    }
}

/// All entries of one kind.
#[derive(Clone, Debug)]
pub(crate) struct Entries<T> {
    /// The newest revision of any entry, removed ones included.
    pub(crate) revision: u64,
    pub(crate) list: Vec<Entry<T>>,
}

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self { revision: 0, list: Vec::new() }
    }
}

/// What a change expects to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Something, whatever it is.
    Any,
    /// Nothing.
    Absent,
    /// This revision.
    Revision(u64),
}

/// A change of one entry.
#[derive(Debug)]
pub(crate) enum Change<T> {
    /// Adds an entry under a new key.
    Add(T),
    /// Puts a value under a key.
    Put {
        key: String,
        expected: Expected,
        value: T,
    },
    Remove {
        key: String,
        expected: Expected,
    },
}

/// Why something is not kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeptError<T> {
    /// There are too many.
    #[error("there are {0} already, which is the limit; delete some first")]
    TooMany(usize),
    /// The file would be too long.
    #[error("all together would be longer than the file may be; delete some first")]
    TooManyBytes,
    /// Someone else has changed it since it was read. This is what is there now; nothing if it was removed.
    #[error("it was changed meanwhile; look at what is there now, and send its revision in If-Match to replace it")]
    Changed(Option<Entry<T>>),
    /// There is no such entry.
    #[error("there is none of this name")]
    Absent,
    /// The file cannot be used, so nothing may be written.
    #[error("{0}")]
    Unusable(String),
    /// It cannot be written.
    #[error("it cannot be written to the data directory: {0}")]
    Write(String),
    /// The disk does not answer.
    #[error("the disk did not answer in time; it may be kept nevertheless")]
    Slow,
}

impl<T: Keepable> Entries<T> {
    /// The entry of `key`.
    pub(crate) fn get(&self, key: &str) -> Option<&Entry<T>> {
        self.list.iter().find(|entry| entry.key == key)
    }

    /// The entries after a change, and the entry that it made.
    ///
    /// # Errors
    /// If the change expects something else than what is there, or there are too many.
    pub(crate) fn changed(&self, change: Change<T>, now_ms: i64) -> Result<(Self, Option<Entry<T>>), KeptError<T>> {
        // Times as revisions are new ones even if the file was lost, or there is none.
        let revision = (self.revision + 1).max(u64::try_from(now_ms).unwrap_or(0));
        let (key, expected, value) = match change {
            Change::Add(value) => (revision.to_string(), Expected::Absent, Some(value)),
            Change::Put { key, expected, value } => (key, expected, Some(value)),
            Change::Remove { key, expected } => (key, expected, None),
        };
        let at = self.list.iter().position(|entry| entry.key == key);
        let found = at.and_then(|at| self.list.get(at));
        match (expected, found) {
            (Expected::Any, None) => return Err(KeptError::Absent),
            (Expected::Revision(_), None) if value.is_none() => return Err(KeptError::Absent),
            (Expected::Any, Some(_)) | (Expected::Absent, None) => {}
            (Expected::Revision(revision), Some(found)) if revision == found.revision => {}
            (Expected::Absent | Expected::Revision(_), found) => return Err(KeptError::Changed(found.cloned())),
        }
        let mut list = self.list.clone();
        let entry = value.map(|value| Entry { key, revision, value: Arc::new(value) });
        match (at, &entry) {
            (Some(at), Some(entry)) => list[at] = entry.clone(),
            (Some(at), None) => drop(list.remove(at)),
            (None, Some(_)) if list.len() >= T::MAX_COUNT => return Err(KeptError::TooMany(T::MAX_COUNT)),
            (None, Some(entry)) => list.push(entry.clone()),
            (None, None) => {}
        }
        Ok((Self { revision, list }, entry))
    }
}
