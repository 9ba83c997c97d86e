//! Opening a store: locking its folder, checking the format, loading blocks and log, and reporting damage.
use crate::block::{Block, OLD_VERSION, convert_block};
use crate::disk::FileSystem;
use crate::disk::folder::{Folder, parse_file_name};
use crate::disk::header::{FileKind, VERSION};
use crate::disk::read_error::ReadError;
use crate::head::chunk_file::ChunkFile;
use crate::head::rows::Rows;
use crate::store::Store;
use crate::store::chunk_loading::load_chunk_file;
use crate::store::format_file;
use crate::store::inner::Inner;
use crate::store::options::Options;
use crate::store::persistence::Persistence;
use crate::time::{FLUSH_PERIOD_MS, TimeBounds, TimeRange};
use crate::wal::replay::{Replayed, replay};
use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// Why a folder cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has locked it.
    #[error("{dir} is in use by another process; stop that process, or use another folder")]
    InUse {
        /// The folder.
        dir: PathBuf,
    },
    /// It has another format version.
    #[error(
        "{dir} has format {found}, and this program supports only format {VERSION}; use the program that wrote it, or another folder"
    )]
    Format {
        /// The folder.
        dir: PathBuf,
        /// Its format version.
        found: u32,
    },
    /// The file system failed.
    #[error("cannot use {path}: {source}; check its permissions, or use another folder")]
    Io {
        /// The folder or a file in it.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// What opening a folder found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// Blocks that are readable, at least in part.
    pub blocks: usize,
    /// Samples recovered from the write-ahead log.
    pub replayed: u64,
    /// Bytes at the end of the log that a crash left incomplete.
    pub torn_bytes: u64,
    /// Damage, file by file.
    pub losses: Vec<Loss>,
}

/// Damage to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The name of the file.
    pub file: String,
    /// What is lost, and what happened to the file.
    pub description: String,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.description)
    }
}

impl OpenReport {
    fn add_loss(&mut self, file: &str, description: String) {
        self.losses.push(Loss { file: file.to_owned(), description });
    }
}

impl Store {
    /// Opens the store in `dir`, or creates one there. Damage is reported but never prevents opening.
    ///
    /// # Errors
    /// If another process has locked the folder, it has another format version, or it cannot be read and written.
    pub fn open(dir: &Path, options: Options, fs: Arc<dyn FileSystem>) -> Result<(Self, OpenReport), OpenError> {
        let failed = |path: &Path, source| OpenError::Io { path: path.to_owned(), source };
        fs.create_dir(dir).map_err(|error| failed(dir, error))?;
        let lock_path = dir.join("lock");
        let lock = fs.lock(&lock_path).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => OpenError::InUse { dir: dir.to_owned() },
            _ => failed(&lock_path, error),
        })?;
        let names = fs.file_names(dir).map_err(|error| failed(dir, error))?;
        let mut report = OpenReport::default();
        let is_old = check_format(&*fs, dir, &names, &mut report)? == FolderFormat::Old;
        let inner = Inner::new(options.limits, Some(Persistence::new(Folder::new(dir, fs, lock), options)));
        if let Some(disk) = &inner.disk {
            let mut loader = Loader { inner: &inner, disk, report };
            loader.load(&names, is_old);
            report = loader.report;
            // On a full disk the store still works, in memory.
            if let Err(error) = disk.wal.begin_segment(&disk.folder)
                && is_permanent(&error)
            {
                return Err(failed(dir, error));
            }
        }
        inner.counters.damaged.store(report.losses.len() as u64, Relaxed);
        Ok((Self { inner: Arc::new(inner) }, report))
    }
}

/// Whether retrying is pointless.
fn is_permanent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

/// The format of a folder that can be opened.
#[derive(PartialEq, Eq)]
enum FolderFormat {
    Present,
    /// Its blocks have to be converted.
    Old,
}

/// Checks the format file of the folder, and writes it if it is missing or damaged.
fn check_format(
    fs: &dyn FileSystem,
    dir: &Path,
    names: &[String],
    report: &mut OpenReport,
) -> Result<FolderFormat, OpenError> {
    let path = dir.join(format_file::NAME);
    if names.iter().any(|name| name == format_file::NAME) {
        match format_file::read(fs, &path) {
            Some(VERSION) => return Ok(FolderFormat::Present),
            Some(OLD_VERSION) => return Ok(FolderFormat::Old),
            Some(found) => return Err(OpenError::Format { dir: dir.to_owned(), found }),
            None => report.add_loss(format_file::NAME, "damaged; written again".to_owned()),
        }
    } else if names.iter().any(|name| parse_file_name(name).is_some()) {
        report.add_loss(format_file::NAME, "missing; written again".to_owned());
    }
    match format_file::write(fs, dir) {
        Err(source) if is_permanent(&source) => Err(OpenError::Io { path, source }),
        // Other failures may pass: the next opening writes the file.
        _ => Ok(FolderFormat::Present),
    }
}

/// Loads blocks and log into a store that no other thread can see yet.
struct Loader<'l> {
    inner: &'l Inner,
    disk: &'l Persistence,
    report: OpenReport,
}

impl Loader<'_> {
    fn load(&mut self, names: &[String], is_old: bool) {
        self.disk.folder.remove_temporary(names);
        let mut files: Vec<(u64, FileKind)> = names.iter().filter_map(|name| parse_file_name(name)).collect();
        files.sort_unstable_by_key(|(id, _)| *id);
        self.disk.folder.skip_used_ids(names);
        if is_old && let Err(error) = self.convert(&files) {
            self.report.add_loss(format_file::NAME, format!("not all blocks of format 2 could be converted: {error}"));
        }
        let blocks = files.iter().filter(|(_, kind)| *kind == FileKind::Block);
        let blocks: Vec<Arc<Block>> = blocks.filter_map(|(id, _)| self.load_block(*id)).collect();
        let replaced: BTreeSet<u64> = blocks.iter().flat_map(|block| block.replaces.iter().copied()).collect();
        self.inner.blocks.replace(blocks, &[]);
        let replaced: Vec<u64> = replaced.into_iter().filter(|id| files.contains(&(*id, FileKind::Block))).collect();
        self.inner.blocks.replace(Vec::new(), &replaced);
        self.disk.folder.remove_all(&replaced, FileKind::Block);
        self.report.blocks = self.inner.blocks.list().len();
        // Before the log, which has later samples.
        for (id, _) in files.iter().filter(|(_, kind)| *kind == FileKind::Chunks) {
            self.load_chunks(*id);
        }
        for (id, _) in files.iter().filter(|(_, kind)| *kind == FileKind::Log) {
            self.load_segment(*id);
        }
    }

    /// Remembers that samples around those of `groups` are lost, which were all written between two flushes.
    fn add_loss_of(&self, groups: &[Arc<Rows>]) {
        let left = groups.iter().filter_map(|rows| rows.time_bounds()).reduce(TimeBounds::union);
        let around = left.map(|TimeBounds { first_ms, last_ms }| TimeBounds {
            first_ms: first_ms.saturating_sub(FLUSH_PERIOD_MS),
            last_ms: last_ms.saturating_add(FLUSH_PERIOD_MS),
        });
        // Whatever time it was, if nothing is left.
        self.inner.counters.add_loss(around.unwrap_or(TimeRange::ALL.into()));
    }

    fn load_chunks(&mut self, id: u64) {
        let name = FileKind::Chunks.file_name(id);
        let file = self.disk.folder.open(id, FileKind::Chunks);
        let loaded = file.and_then(|reader| {
            let size_bytes = reader.size_bytes()?;
            Ok((load_chunk_file(ChunkFile { id, reader }, &mut self.inner.index.write())?, size_bytes))
        });
        let (loaded, size_bytes) = match loaded {
            Ok(loaded) => loaded,
            Err(error) => {
                return self.report.add_loss(&name, format!("left alone because it cannot be read: {error}"));
            }
        };
        if let Some(version) = loaded.other_version {
            return self.report.add_loss(&name, format!("left alone because it has format version {version}"));
        }
        if loaded.damaged_bytes > 0 {
            self.add_loss_of(&loaded.groups);
        }
        self.inner.head.add_groups(loaded.groups);
        self.disk.maintenance.lock().chunk_file_ids.push(id);
        self.disk.chunk_bytes.fetch_add(size_bytes, Relaxed);
        self.report.torn_bytes += loaded.torn_bytes;
        if loaded.damaged_bytes > 0 {
            self.report.add_loss(&name, format!("{} bytes are damaged and lost", loaded.damaged_bytes));
        }
    }

    /// Converts the blocks of the old version. One that cannot be converted is reported when it is loaded.
    fn convert(&self, files: &[(u64, FileKind)]) -> io::Result<()> {
        for (id, _) in files.iter().filter(|(_, kind)| *kind == FileKind::Block) {
            convert_block(&self.disk.folder, *id)?;
        }
        self.disk.folder.sync_names()?;
        format_file::write(self.disk.folder.fs(), self.disk.folder.path())
    }

    fn load_block(&mut self, id: u64) -> Option<Arc<Block>> {
        let name = FileKind::Block.file_name(id);
        let file = self.disk.folder.open(id, FileKind::Block);
        let opened = file.map_err(ReadError::Io).and_then(|file| Block::open(id, file));
        match opened {
            Ok(block) => {
                if let Some(loss) = block.loss {
                    self.inner.counters.add_loss(block.bounds);
                    let description = format!(
                        "its end is damaged; {} series and {} bytes are lost, the rest was recovered",
                        loss.series, loss.bytes
                    );
                    self.report.add_loss(&name, description);
                }
                return Some(Arc::new(block));
            }
            Err(ReadError::Damaged { .. }) => {
                self.disk.folder.set_aside(id, FileKind::Block);
                self.inner.counters.add_loss(TimeRange::ALL.into());
                self.report.add_loss(&name, "completely unreadable; moved aside".to_owned());
            }
            Err(error @ (ReadError::Version(_) | ReadError::Io(_))) => {
                self.report.add_loss(&name, format!("left alone because it cannot be read: {error}"));
            }
        }
        None
    }

    fn load_segment(&mut self, id: u64) {
        let name = FileKind::Log.file_name(id);
        let file = self.disk.folder.open(id, FileKind::Log);
        let replayed = file.and_then(|file| {
            let size = file.size_bytes()?;
            Ok((replay(&*file, &mut self.inner.index.write())?, size))
        });
        let (replayed, size) = match replayed {
            Ok(replayed) => replayed,
            Err(error) => {
                return self.report.add_loss(&name, format!("left alone because it cannot be read: {error}"));
            }
        };
        let Replayed { groups, samples, lost_samples, damaged_bytes, torn_bytes, other_version } = replayed;
        if let Some(version) = other_version {
            return self.report.add_loss(&name, format!("left alone because it has format version {version}"));
        }
        if damaged_bytes > 0 || lost_samples > 0 {
            self.add_loss_of(&groups);
        }
        self.inner.head.add_groups(groups);
        self.disk.wal.add_replayed_segment(id, size);
        self.report.replayed += samples;
        self.report.torn_bytes += torn_bytes;
        if damaged_bytes > 0 || lost_samples > 0 {
            self.inner.counters.lost_samples.fetch_add(lost_samples, Relaxed);
            let description = format!("{damaged_bytes} bytes are damaged; they and {lost_samples} samples are lost");
            self.report.add_loss(&name, description);
        }
    }
}
