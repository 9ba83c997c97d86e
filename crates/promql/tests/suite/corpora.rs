//! Where the test inputs of other projects are.
use std::fs;
use std::path::PathBuf;

/// The folder named by the environment variable, or its place beside the workspace; none, with a line that says so,
/// where it is absent.
pub(crate) fn folder(variable: &str, default: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora")).join(default);
    let folder = std::env::var_os(variable).map_or_else(beside, PathBuf::from);
    if folder.exists() {
        return Some(folder);
    }
    println!("skipped: no folder {default} beside the workspace, and {variable} is not set to one");
    None
}

/// The extracted and recorded cases.
pub(crate) fn derived() -> Option<PathBuf> {
    folder("CORPORA_DERIVED_DIR", "derived")
}

pub(crate) fn json(path: &PathBuf) -> serde_json::Value {
    let text = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
