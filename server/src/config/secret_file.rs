//! Files that hold credentials. They are read again and again, on threads of their own: storage may hang.
use crate::target::secret::Secret;
use crate::target::secret_source::SecretFile;
use crate::threads::Threads;
use crate::threads::exclusive::Exclusive;
use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Weak};
use std::time::Duration;
use tracing::{info, warn};

/// How long a scrape waits for a file. What is read later is used by the next one.
const MAX_WAIT: Duration = Duration::from_millis(250);

/// The longest file: a bundle with the certificates of all authorities that a system trusts takes a quarter of it.
const MAX_BYTES: u64 = 1 << 20;

/// The threads that read. With more files that hang than this, all keep the content that they had.
static THREADS: LazyLock<Threads> = LazyLock::new(|| Threads::new("credentials", 32));

/// The files in use, so that each is read once at a time whoever needs it.
static FILES: LazyLock<Mutex<HashMap<PathBuf, Weak<WatchedFile>>>> = LazyLock::new(Mutex::default);

/// A file and its last content.
#[derive(Debug)]
struct WatchedFile {
    path: PathBuf,
    content: Arc<Mutex<Secret>>,
    reading: Exclusive<()>,
    /// Whether the last attempt did not end in time.
    is_late: AtomicBool,
}

/// The file at `path`, whose content is read now.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn open(path: &Path) -> io::Result<Arc<dyn SecretFile>> {
    let content = read(path)?;
    let mut files = FILES.lock();
    if let Some(file) = files.get(path).and_then(Weak::upgrade) {
        *file.content.lock() = content;
        return Ok(file);
    }
    files.retain(|_, file| file.strong_count() > 0);
    let file = Arc::new(WatchedFile {
        path: path.to_owned(),
        content: Arc::new(Mutex::new(content)),
        reading: Exclusive::default(),
        is_late: AtomicBool::new(false),
    });
    files.insert(path.to_owned(), Arc::downgrade(&file));
    Ok(file)
}

fn read(path: &Path) -> io::Result<Secret> {
    let mut text = String::new();
    let length = std::fs::File::open(path)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if length as u64 > MAX_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is longer than 1 MiB; is it the right file?"));
    }
    Ok(Secret::new(text.trim()))
}

impl WatchedFile {
    /// Reads the file unless it is being read, and waits a moment for that. A file that has not answered before is not
    /// waited for.
    async fn refresh(&self) {
        let is_hanging = self.reading.is_under_way() && self.is_late.load(Ordering::Relaxed);
        if is_hanging {
            return;
        }
        let (path, content) = (self.path.clone(), Arc::clone(&self.content));
        let done = self.reading.run(&THREADS, MAX_WAIT, move || {
            if let Ok(read) = read(&path) {
                *content.lock() = read;
            }
        });
        let is_late = done.await.is_none();
        match (self.is_late.swap(is_late, Ordering::Relaxed), is_late) {
            (false, true) => warn!(file = ?self.path, "the file does not answer; its previous content is used"),
            (true, false) => info!(file = ?self.path, "the file answers again"),
            _ => {}
        }
    }
}

impl SecretFile for WatchedFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn read(&self) -> BoxFuture<'_, Secret> {
        async {
            self.refresh().await;
            self.last_read()
        }
        .boxed()
    }

    fn last_read(&self) -> Secret {
        self.content.lock().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[tokio::test]
    async fn a_file_that_hangs_keeps_its_content_and_costs_one_thread() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("token");
        std::fs::write(&path, "first\n").expect("a file");
        let file = open(&path).expect("a file");
        std::fs::write(&path, "second").expect("a file");
        assert_eq!(file.read().await.expose(), "second");
        // Opening a pipe blocks until something writes to it, as does storage that went away.
        std::fs::remove_file(&path).expect("a file");
        let made = std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo");
        assert!(made.success());
        let began = Instant::now();
        for _ in 0..20 {
            assert_eq!(file.read().await.expose(), "second");
        }
        assert!(began.elapsed() < MAX_WAIT * 10, "{:?}", began.elapsed());
        // Whoever writes at last is read.
        std::fs::write(&path, "third").expect("a reader");
        let began = Instant::now();
        while file.last_read().expose() != "third" {
            assert!(began.elapsed() < Duration::from_secs(60));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[test]
    fn a_long_file_is_read_whole_or_not_at_all() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ca.pem");
        for (length, is_read) in [(300 << 10, true), (MAX_BYTES as usize, true), (MAX_BYTES as usize + 1, false)] {
            std::fs::write(&path, "x".repeat(length)).expect("a file");
            let read = open(&path).map(|file| file.last_read().expose().len());
            assert_eq!(read.ok(), is_read.then_some(length));
        }
    }

    #[test]
    fn a_file_is_shared_by_all_who_use_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("token");
        std::fs::write(&path, "one").expect("a file");
        let first = open(&path).expect("a file");
        std::fs::write(&path, "two").expect("a file");
        let _second = open(&path).expect("a file");
        assert_eq!(first.last_read().expose(), "two");
        assert!(open(&folder.path().join("none")).is_err());
    }
}
