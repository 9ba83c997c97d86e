//! Opening a store: its lock, its format, its blocks, its log, and what of them was lost.
use crate::Store;
use crate::block::{Block, Unreadable};
use crate::disk::Files;
use crate::disk::folder::Disk;
use crate::disk::header::{Kind, VERSION};
use crate::store::{Inner, Options};
use crate::wal::replay::{Replayed, replay};
use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// A folder that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("{dir} is in use by another process: stop that one, or give another folder")]
    InUse {
        /// The folder.
        dir: PathBuf,
    },
    /// Another program wrote it.
    #[error(
        "{dir} has format {found}, and this program knows format {VERSION} only: use the program that wrote it, or give another folder"
    )]
    Format {
        /// The folder.
        dir: PathBuf,
        /// Its format.
        found: u32,
    },
    /// The system refuses.
    #[error("cannot use {path}: {source}; check its permissions, or give another folder")]
    Io {
        /// The folder or a file in it.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What was found in a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// Blocks that can be read, at least in part.
    pub blocks: usize,
    /// Samples that came back from the write-ahead log.
    pub replayed: u64,
    /// Bytes at the end of the log that a crash left incomplete.
    pub torn_bytes: u64,
    /// What was damaged, file by file.
    pub losses: Vec<Loss>,
}

/// Damage to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The file's name.
    pub file: String,
    /// What is lost, and what became of the file.
    pub what: String,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.what)
    }
}

impl Store {
    /// Opens the store in `dir`, a new one where there is none. Damage is reported and never keeps it from opening.
    ///
    /// # Errors
    /// When another process has the folder, another version of the format is in it, or it cannot be read and written.
    pub fn open(dir: &Path, options: Options, files: Arc<dyn Files>) -> Result<(Self, OpenReport), OpenError> {
        let failed = |path: &Path, source| OpenError::Io { path: path.to_owned(), source };
        files.create_dir(dir).map_err(|error| failed(dir, error))?;
        let lock_path = dir.join("lock");
        let lock = files.lock(&lock_path).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => OpenError::InUse { dir: dir.to_owned() },
            _ => failed(&lock_path, error),
        })?;
        let names = files.names(dir).map_err(|error| failed(dir, error))?;
        let mut report = OpenReport::default();
        check_format(&*files, dir, &names, &mut report)?;
        let inner = Inner::new(options.limits, Some(Disk::new(dir, options, files, lock)));
        let disk = inner.disk.as_ref();
        if let Some(disk) = disk {
            let mut loading = Loading { inner: &inner, disk, report };
            loading.load(&names);
            report = loading.report;
            // On a full disk the store works all the same, in memory.
            if let Err(error) = inner.begin_segment(disk)
                && is_refused(&error)
            {
                return Err(failed(dir, error));
            }
        }
        inner.counts.damaged.store(report.losses.len() as u64, Relaxed);
        Ok((Self { inner: Arc::new(inner) }, report))
    }
}

/// Whether waiting does not help.
fn is_refused(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

/// Checks the file that names the format of the folder, and writes it where it is missing or damaged.
fn check_format(files: &dyn Files, dir: &Path, names: &[String], report: &mut OpenReport) -> Result<(), OpenError> {
    let path = dir.join(FORMAT_FILE);
    if names.iter().any(|name| name == FORMAT_FILE) {
        match read_format(files, &path) {
            Some(VERSION) => return Ok(()),
            Some(found) => return Err(OpenError::Format { dir: dir.to_owned(), found }),
            None => report.lose(FORMAT_FILE, "damaged, and written anew".to_owned()),
        }
    } else if names.iter().any(|name| file_of(name).is_some()) {
        report.lose(FORMAT_FILE, "gone, and written anew".to_owned());
    }
    let temporary = dir.join(format!("{FORMAT_FILE}.tmp"));
    let write = || {
        let output = files.create(&temporary)?;
        output.write(format_text(VERSION).as_bytes())?;
        output.sync()?;
        files.rename(&temporary, &path)?;
        files.sync_dir(dir)
    };
    match write() {
        Err(source) if is_refused(&source) => Err(OpenError::Io { path, source }),
        // The next opening writes it.
        _ => Ok(()),
    }
}

fn read_format(files: &dyn Files, path: &Path) -> Option<u32> {
    let input = files.open(path).ok()?;
    let mut bytes = vec![0; usize::try_from(input.size_bytes().ok()?).ok().filter(|size| *size < 256)?];
    input.read_at(0, &mut bytes).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let version = text.strip_prefix("inferboard store, format ")?.split_once(' ')?.0.parse().ok()?;
    (text == format_text(version)).then_some(version)
}

fn format_text(version: u32) -> String {
    let text = format!("inferboard store, format {version}");
    format!("{text} (crc32c {:08x})\n", crc32c::crc32c(text.as_bytes()))
}

/// The file that names the format of the folder.
const FORMAT_FILE: &str = "format";

/// The number and kind of a file by its name.
fn file_of(name: &str) -> Option<(u64, Kind)> {
    let (id, extension) = name.split_once('.')?;
    let kind = [Kind::Block, Kind::Log].into_iter().find(|kind| kind.extension() == extension)?;
    Some((u64::from_str_radix(id, 16).ok().filter(|_| id.len() == 16)?, kind))
}

impl OpenReport {
    fn lose(&mut self, file: &str, what: String) {
        self.losses.push(Loss { file: file.to_owned(), what });
    }
}

/// A store that is being opened; nobody else has it yet.
struct Loading<'l> {
    inner: &'l Inner,
    disk: &'l Disk,
    report: OpenReport,
}

impl Loading<'_> {
    fn load(&mut self, names: &[String]) {
        for unfinished in names.iter().filter(|name| name.ends_with(".tmp")) {
            let _ = self.disk.files.remove(&self.disk.dir.join(unfinished));
        }
        let mut files: Vec<(u64, Kind)> = names.iter().filter_map(|name| file_of(name)).collect();
        files.sort_unstable_by_key(|(id, _)| *id);
        // No number is used twice, not even that of a file which was moved aside.
        let used = names.iter().filter_map(|name| u64::from_str_radix(name.split('.').next()?, 16).ok()).max();
        self.disk.next_id.store(used.map_or(1, |id| id.saturating_add(1)), Relaxed);
        let blocks = files.iter().filter(|(_, kind)| *kind == Kind::Block).filter_map(|(id, _)| self.block(*id));
        let blocks: Vec<Arc<Block>> = blocks.collect();
        let replaced: BTreeSet<u64> = blocks.iter().flat_map(|block| block.replaces.iter().copied()).collect();
        self.inner.replace_blocks(blocks, &[]);
        let replaced: Vec<u64> = replaced.into_iter().filter(|id| files.contains(&(*id, Kind::Block))).collect();
        self.inner.replace_blocks(Vec::new(), &replaced);
        replaced.iter().for_each(|id| self.disk.remove(*id, Kind::Block));
        self.report.blocks = self.inner.blocks().len();
        for (id, _) in files.iter().filter(|(_, kind)| *kind == Kind::Log) {
            self.segment(*id);
        }
    }

    fn block(&mut self, id: u64) -> Option<Arc<Block>> {
        let path = self.disk.path(id, Kind::Block);
        let name = format!("{id:016x}.block");
        let opened = self.disk.files.open(&path).map_err(Unreadable::Io).and_then(|input| {
            let mut index = self.inner.index.write();
            // What was in the store has room in it, whatever the limit is now.
            Block::open(id, input, &mut |pairs| index.intern(pairs, usize::MAX))
        });
        match opened {
            Ok(block) => {
                self.inner.index.write().count_block(block.entries.iter().map(|entry| entry.number));
                if let Some(loss) = block.loss {
                    let what = format!(
                        "its end is damaged; {} series and {} bytes are lost, the rest was found again",
                        loss.series, loss.bytes
                    );
                    self.report.lose(&name, what);
                }
                return Some(Arc::new(block));
            }
            Err(Unreadable::Damaged { .. }) => {
                let aside = path.with_extension("damaged");
                let _ = self.disk.files.rename(&path, &aside);
                self.report.lose(&name, "cannot be read at all, and was moved aside".to_owned());
            }
            Err(error @ (Unreadable::Version(_) | Unreadable::Io(_))) => {
                self.report.lose(&name, format!("left alone, as it cannot be read: {error}"));
            }
        }
        None
    }

    fn segment(&mut self, id: u64) {
        let name = format!("{id:016x}.wal");
        let input = self.disk.files.open(&self.disk.path(id, Kind::Log));
        let replayed = input.and_then(|input| {
            let size = input.size_bytes()?;
            Ok((replay(&*input, &mut self.inner.index.write())?, size))
        });
        let (replayed, size) = match replayed {
            Ok(replayed) => replayed,
            Err(error) => return self.report.lose(&name, format!("left alone, as it cannot be read: {error}")),
        };
        let Replayed { groups, samples, lost_samples, damaged_bytes, torn_bytes, version } = replayed;
        if let Some(version) = version {
            return self.report.lose(&name, format!("left alone, as it is of format version {version}"));
        }
        self.inner.groups.lock().extend(groups);
        self.disk.log_files.lock().older.push((id, size));
        self.report.replayed += samples;
        self.report.torn_bytes += torn_bytes;
        if damaged_bytes > 0 || lost_samples > 0 {
            self.inner.counts.lost_samples.fetch_add(lost_samples, Relaxed);
            let what = format!("{damaged_bytes} bytes are damaged and lost, and {lost_samples} samples with them");
            self.report.lose(&name, what);
        }
    }
}
