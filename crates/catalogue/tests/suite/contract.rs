//! Whether sources and documents follow the contract.
use catalogue::contract::{AttributionFailure, GpuFault, ScrapeFailure};
use std::fs;
use std::path::{Path, PathBuf};

/// Text with a metric name is allowed only in the contract, tests, comments and generated documents.
#[test]
fn metric_names_are_written_only_in_the_contract() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    for folder in ["src", "server/src", "crates"] {
        collect(&root.join(folder), &mut files);
    }
    assert!(files.len() > 200, "only {} files", files.len());
    let mut found = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a source file");
        // Unit tests stand at the end of a file.
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let lines = code.lines().enumerate().filter(|(_, line)| has_metric_name(line));
        found.extend(lines.map(|(at, line)| format!("{}:{}: {}", file.display(), at + 1, line.trim())));
    }
    assert!(found.is_empty(), "use catalogue::contract::names for:\n{}", found.join("\n"));
}

#[test]
fn documents_explain_every_reason() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let read = |name: &str| fs::read_to_string(docs.join(name)).expect("a document");
    let (troubleshooting, hardware) = (read("troubleshooting.md"), read("hardware.md"));
    let faults = GpuFault::ALL.map(|fault| (&hardware, fault.id()));
    let attribution = AttributionFailure::ALL.map(|failure| (&hardware, failure.id()));
    let scrapes = ScrapeFailure::ALL.map(|failure| (&troubleshooting, failure.id()));
    for (document, id) in faults.into_iter().chain(attribution).chain(scrapes) {
        assert!(document.contains(&format!("`{id}`")), "{id}");
    }
}

/// Whether a line has a metric name outside comments. `inferboard_server` is the name of a crate.
fn has_metric_name(line: &str) -> bool {
    !line.trim_start().starts_with("//") && line.replace("inferboard_server", "").contains("inferboard_")
}

/// The Rust sources below `folder`, except tests, the contract and the text of documents.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() {
            if name != "tests" && name != "contract" && name != "catalogue-export" {
                collect(&path, files);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") && name != "tests.rs" {
            files.push(path);
        }
    }
}
