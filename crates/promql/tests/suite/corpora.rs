//! The location of the test inputs of other projects.
use std::fs;
use std::path::PathBuf;

/// The folder that the environment variable names, or its default location beside the workspace. If it does not exist,
/// prints a message and returns `None`.
pub(crate) fn folder(variable: &str, default: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora")).join(default);
    let folder = std::env::var_os(variable).map_or_else(beside, PathBuf::from);
    if folder.exists() {
        return Some(folder);
    }
    println!("skipped: the folder {default} does not exist beside the workspace, and {variable} is not set");
    None
}

/// The folder of the cases extracted from other projects and recorded from Prometheus.
pub(crate) fn derived() -> Option<PathBuf> {
    folder("CORPORA_DERIVED_DIR", "derived")
}

pub(crate) fn json(path: &PathBuf) -> serde_json::Value {
    let text = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
