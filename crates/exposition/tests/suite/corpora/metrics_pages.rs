//! Pages of real servers, and hostile ones.
use crate::place;
use flate2::read::GzDecoder;
use std::{fs, io::Read as _, path::Path};

/// Name and text of every page captured from a server.
pub(crate) fn captured() -> Option<Vec<(String, String)>> {
    let pages = below(&place::captures()?);
    assert!(!pages.is_empty(), "no captures");
    Some(pages)
}

/// Name and text of a page of node_exporter, with families of every sort.
pub(crate) fn node_exporter() -> Option<(String, String)> {
    let folder = place::folder("NODE_EXPORTER_DIR", "corpora/data/node_exporter")?;
    let page = fs::read_to_string(folder.join("collector/fixtures/e2e-output.txt")).expect("text");
    Some((String::from("node_exporter"), page))
}

/// Name and text of every page made to do harm.
pub(crate) fn hostile() -> Option<Vec<(String, String)>> {
    let pages = below(&place::derived()?);
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
