//! What every file of the repository keeps to: layers, length, a header, the glossary's words, documents in step.
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod documents;
mod files;
mod layers;
mod sources;
mod words;

use std::path::{Path, PathBuf};

/// The repository's root.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Fails with all offences at once, so that one run shows everything that is to be mended.
fn assert_none(offences: &[String], rule: &str) {
    assert!(offences.is_empty(), "{rule}\n{}", offences.join("\n"));
}
