//! A folder in memory, and a store over it that must open, answer and come back the same, whatever the files are.
use promql::{MatchOp, Matcher, Selector, Storage};
use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tsdb::{FileLock, FileReader, FileSystem, FileWriter, Limits, Options, Store};

type Content = Arc<Mutex<Vec<u8>>>;

/// Names and contents of files.
#[derive(Clone, Debug, Default)]
pub struct Folder(Arc<Mutex<BTreeMap<String, Content>>>);

#[derive(Debug)]
struct File(Content);

#[derive(Debug)]
struct Lock;

fn name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

impl Folder {
    /// Adds a file.
    pub fn add(&self, name: &str, content: Vec<u8>) {
        self.0.lock().expect("no panic").insert(name.to_owned(), Arc::new(Mutex::new(content)));
    }
}

impl FileSystem for Folder {
    fn create_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, _: &Path) -> io::Result<Box<dyn FileLock>> {
        Ok(Box::new(Lock))
    }

    fn file_names(&self, _: &Path) -> io::Result<Vec<String>> {
        Ok(self.0.lock().expect("no panic").keys().cloned().collect())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn FileWriter>> {
        let content = Content::default();
        self.0.lock().expect("no panic").insert(name(path), Arc::clone(&content));
        Ok(Box::new(File(content)))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn FileReader>> {
        let files = self.0.lock().expect("no panic");
        Ok(Arc::new(File(Arc::clone(files.get(&name(path)).ok_or(io::ErrorKind::NotFound)?))))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut files = self.0.lock().expect("no panic");
        let content = files.remove(&name(from)).ok_or(io::ErrorKind::NotFound)?;
        files.insert(name(to), content);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.lock().expect("no panic").remove(&name(path)).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

impl FileWriter for File {
    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

impl FileReader for File {
    fn size_bytes(&self) -> io::Result<u64> {
        Ok(self.0.lock().expect("no panic").len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let content = self.0.lock().expect("no panic");
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let bytes = content.get(from..from.saturating_add(buffer.len())).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }
}

impl FileLock for Lock {}

/// Samples by the text of their labels: time and bits.
type Samples = BTreeMap<String, Vec<(i64, u64)>>;

fn open(folder: &Folder) -> Store {
    let limits = Limits { retention_ms: i64::MAX, ..Options::default().limits };
    let options = Options { limits, sync_every: Duration::ZERO, ..Options::default() };
    Store::open(Path::new("/store"), options, Arc::new(folder.clone())).expect("no file prevents opening").0
}

fn all(store: &Store) -> Samples {
    let everything = Matcher { name: "no such label".into(), op: MatchOp::Equal, value: String::new() };
    let selector = Selector { any_of: vec![vec![everything]] };
    let mut found = Samples::new();
    store
        .select(&selector, i64::MIN, i64::MAX, &mut |labels, samples| {
            assert!(samples.times_ms.is_sorted_by(|a, b| a < b), "times do not increase");
            let bits = samples.values.iter().map(|value| value.to_bits());
            let samples = samples.times_ms.iter().copied().zip(bits).collect();
            assert!(found.insert(labels.to_string(), samples).is_none(), "a series twice");
            ControlFlow::Continue(())
        })
        .expect("a snapshot");
    found
}

/// Opens a store over `folder`, reads it, maintains it, and opens it again.
pub fn check(folder: &Folder) {
    let store = open(folder);
    let found = all(&store);
    let indexed = store.series(&Selector { any_of: vec![Vec::new()] }, i64::MIN..=i64::MAX, usize::MAX);
    assert!(indexed.len() >= found.len(), "the index lacks series");
    // Errors are allowed: nothing can be written about samples that are not there.
    let _ = store.maintain(1_700_000_000_000);
    let _ = store.maintain(1_700_100_000_000);
    let maintained = all(&store);
    store.close().expect("a disk that is well");
    drop(store);
    let again = all(&open(folder));
    assert!(maintained == again, "what was stored changes when it is opened again");
}
