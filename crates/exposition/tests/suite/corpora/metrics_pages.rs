//! Loads metrics pages of real servers, and hostile ones.
use super::folders;
use flate2::read::GzDecoder;
use std::fs;
use std::io::Read as _;
use std::path::Path;

/// Name and text of every captured page.
pub(crate) fn captured() -> Option<Vec<(String, String)>> {
    let pages = below(&folders::captures()?);
    assert!(!pages.is_empty(), "no captures");
    Some(pages)
}

/// Name and text of a page of node_exporter, which has many kinds of families.
pub(crate) fn node_exporter() -> Option<(String, String)> {
    let folder = folders::folder("NODE_EXPORTER_DIR", "corpora/data/node_exporter")?;
    let page = fs::read_to_string(folder.join("collector/fixtures/e2e-output.txt")).expect("text");
    Some((String::from("node_exporter"), page))
}

/// Name and text of every hostile page.
pub(crate) fn hostile() -> Option<Vec<(String, String)>> {
    let pages = below(&folders::derived()?);
    assert!(!pages.is_empty(), "no hostile pages");
    Some(pages)
}

fn below(folder: &Path) -> Vec<(String, String)> {
    let mut pages = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            pages.extend(below(&path));
        } else if name.ends_with(".prom") {
            pages.push((name, fs::read_to_string(&path).expect("text")));
        } else if name.ends_with(".up.prom.gz") {
            let mut text = String::new();
            GzDecoder::new(fs::File::open(&path).expect("a file")).read_to_string(&mut text).expect("text");
            pages.push((name, text));
        }
    }
    pages.sort();
    pages
}
