//! The files that the other checks read.
use crate::root;
use std::fs;
use std::path::Path;

/// A text file of the repository.
pub(crate) struct Source {
    /// Its path from the root, with `/` between folders.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
}

impl Source {
    /// The path below `folder`; none for files that lie elsewhere.
    pub(crate) fn below(&self, folder: &str) -> Option<&str> {
        self.path.strip_prefix(folder)?.strip_prefix('/')
    }
}

/// Folders that hold code or documents written here.
const FOLDERS: &[&str] = &[".ci", "benches", "crates", "docs", "public", "scripts", "server", "src", "tests"];

/// Folders whose files are inputs, recorded or generated.
const SKIPPED: &[&str] = &["fixtures", "snapshots", "corpus", "target", "node_modules"];

/// All files whose names end with one of `endings`, the root's own included, in the order of their paths.
pub(crate) fn sources(endings: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    collect(&root(), "", false, endings, &mut found);
    for folder in FOLDERS {
        collect(&root().join(folder), folder, true, endings, &mut found);
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(!found.is_empty(), "no file ends with any of {endings:?}");
    found
}

fn collect(folder: &Path, name: &str, is_deep: bool, endings: &[&str], found: &mut Vec<Source>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries.map(|entry| entry.expect("an entry of a folder")) {
        let file_name = entry.file_name().to_string_lossy().into_owned();
        let path = if name.is_empty() { file_name.clone() } else { format!("{name}/{file_name}") };
        if entry.path().is_dir() {
            if is_deep && !SKIPPED.contains(&file_name.as_str()) {
                collect(&entry.path(), &path, true, endings, found);
            }
        } else if endings.iter().any(|ending| file_name.ends_with(ending)) {
            let text = fs::read_to_string(entry.path()).unwrap_or_else(|error| panic!("{path}: {error}"));
            found.push(Source { path, text });
        }
    }
}
