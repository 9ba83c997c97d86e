//! The folders of the test inputs.
use std::env;
use std::path::PathBuf;

/// The folder named by the environment variable `variable`, or `default` in the folder beside the workspace. Prints a
/// message and returns none if it does not exist.
pub(crate) fn folder(variable: &str, default: &str) -> Option<PathBuf> {
    let beside_workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(default);
    let folder = env::var_os(variable).map_or(beside_workspace, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: {} is absent; set {variable} to use another folder", folder.display());
    None
}

/// The folder of corpora derived from the tests of other projects.
pub(crate) fn derived() -> Option<PathBuf> {
    folder("CORPORA_DERIVED_DIR", "corpora/derived")
}

/// The folder of metrics pages captured from real servers.
pub(crate) fn captures() -> Option<PathBuf> {
    folder("CAPTURES_DIR", "captures")
}
