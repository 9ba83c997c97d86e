//! Where the inputs are, if anywhere.
use std::{env, path::PathBuf};

/// The folder named by the environment variable `variable`, or `default` within the folder beside the workspace. Says
/// so and gives none where there is no such folder.
pub(crate) fn folder(variable: &str, default: &str) -> Option<PathBuf> {
    let beside_workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(default);
    let folder = env::var_os(variable).map_or(beside_workspace, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: {} is absent; {variable} names another place", folder.display());
    None
}

/// The folder of corpora derived from others' tests.
pub(crate) fn derived() -> Option<PathBuf> {
    folder("CORPORA_DERIVED_DIR", "corpora/derived")
}

/// The folder of pages captured from real servers.
pub(crate) fn captures() -> Option<PathBuf> {
    folder("CAPTURES_DIR", "captures")
}
