//! `file_sd`: targets from files that other programs write.
use crate::config::target_list::{ListRules, ScrapeEntry};
use crate::config::{ConfigError, setting};
use crate::target::{Pace, Target};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One element of `file_sd`: a pattern, or patterns with how their targets are scraped.
#[derive(Clone, Debug, Default)]
pub(crate) struct FileEntry {
    files: Vec<String>,
    pub(crate) scrape: ScrapeEntry,
}

/// The element as a table.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct FileTable {
    files: Vec<String>,
    scrape: ScrapeEntry,
}

/// The files that name targets.
#[derive(Clone, Debug)]
pub struct FileTargets {
    /// Glob patterns of paths, and how the targets in those files are scraped.
    patterns: Arc<[(String, ListRules)]>,
    /// Files that nobody configured: read if this user or root has written them, as anybody may create them.
    found: Arc<[PathBuf]>,
    /// How their targets are scraped.
    rules_of_found: ListRules,
}

/// A file with targets.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundFile {
    /// Where it is.
    pub path: PathBuf,
    rules: ListRules,
}

impl<'de> Deserialize<'de> for FileEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = FileEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a pattern of paths, or a table with files and scrape")
            }

            fn visit_str<E: Error>(self, pattern: &str) -> Result<FileEntry, E> {
                Ok(FileEntry { files: vec![pattern.to_owned()], scrape: ScrapeEntry::default() })
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<FileEntry, M::Error> {
                let FileTable { files, scrape } = FileTable::deserialize(MapAccessDeserializer::new(map))?;
                Ok(FileEntry { files, scrape })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl FileTargets {
    /// The files of `entries`. `pace` is the default for their targets.
    ///
    /// # Errors
    /// If a pattern or a key is invalid.
    pub(crate) fn new(entries: &[FileEntry], pace: Pace) -> Result<Self, ConfigError> {
        let mut patterns = Vec::new();
        for FileEntry { files, scrape } in entries {
            if files.is_empty() {
                return Err(setting("file_sd", "set files, a list of patterns such as \"/etc/targets/*.json\"".into()));
            }
            let rules = ListRules::new("file_sd", pace, scrape)?;
            for pattern in files {
                glob::Pattern::new(pattern).map_err(|error| setting("file_sd", format!("{pattern:?}: {error}")))?;
                patterns.push((pattern.clone(), rules.clone()));
            }
        }
        let rules_of_found = ListRules { pace, access: Arc::default() };
        Ok(Self { patterns: patterns.into(), found: Arc::default(), rules_of_found })
    }

    /// Also the file at `path`, which nobody configured.
    pub(crate) fn with_found(self, path: PathBuf) -> Self {
        Self { found: Arc::new([path]), ..self }
    }

    /// Whether there are no files to look for.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty() && self.found.is_empty()
    }

    /// Whether the certificates of some targets are not verified.
    pub(crate) fn is_insecure(&self) -> bool {
        self.patterns.iter().any(|(_, rules)| rules.access.is_insecure())
    }

    /// The files that exist now, in order of their names; one that several patterns match belongs to the first. This reads
    /// folders, whose storage may hang.
    pub fn files(&self) -> Vec<FoundFile> {
        let matches = self.patterns.iter().flat_map(|(pattern, rules)| {
            let paths = glob::glob(pattern).into_iter().flatten().filter_map(Result::ok);
            paths.map(|path| FoundFile { path, rules: rules.clone() })
        });
        let found = self.found.iter().filter(|path| is_trusted(path));
        let found = found.map(|path| FoundFile { path: path.clone(), rules: self.rules_of_found.clone() });
        let mut files: Vec<_> = matches.chain(found).collect();
        files.sort_by(|one, other| one.path.cmp(&other.path));
        files.dedup_by(|later, first| later.path == first.path);
        files
    }
}

impl FoundFile {
    /// The targets in `text`, the content of the file.
    ///
    /// # Errors
    /// If the text or a target in it is invalid.
    pub fn parse(&self, text: &str) -> Result<Vec<Target>, ConfigError> {
        self.rules.parse(&self.path.display().to_string(), text)
    }
}

/// Whether a file exists that this user or root has written.
fn is_trusted(path: &Path) -> bool {
    let owner = std::fs::metadata(path).map(|file| file.uid());
    owner.is_ok_and(|owner| owner == 0 || owner == rustix::process::geteuid().as_raw())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_file_that_nobody_configured_must_be_this_users() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("targets.json");
        let pace = Pace { interval: Duration::from_secs(5), timeout: Duration::from_secs(5) };
        let files = FileTargets::new(&[], pace).expect("no pattern").with_found(path.clone());
        assert!(!files.is_empty() && files.files().is_empty());
        std::fs::write(&path, "[]").expect("a file");
        assert_eq!(files.files().iter().map(|file| &file.path).collect::<Vec<_>>(), [&path]);
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&path, Some(65_534), None).expect("another owner");
            assert_eq!(is_trusted(&path), rustix::process::geteuid().as_raw() == 65_534);
            // Root's own files are trusted by everybody.
            std::os::unix::fs::chown(&path, Some(0), None).expect("another owner");
            assert!(is_trusted(&path));
        }
    }
}
