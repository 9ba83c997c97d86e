//! Who may import whom: folders form layers, and pure crates touch nothing outside.
use crate::assert_none;
use crate::sources::{Source, sources};
use std::collections::{BTreeMap, BTreeSet};

/// Crates that compute only: no files, no network, no clock, no framework.
const PURE_CRATES: &[&str] = &[
    "catalogue",
    "catalogue-export",
    "exposition",
    "findings",
    "fleet-simulation",
    "plot",
    "prometheus-api",
    "promql",
];

/// What a pure crate never calls.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net::Tcp",
    "std::net::Udp",
    "ToSocketAddrs",
    "std::env::",
    "std::process",
    "SystemTime::now",
    "Instant::now",
    "Utc::now",
    "Local::now",
    "tokio::",
    "axum::",
    "leptos::",
    "web_sys::",
    "reqwest::",
];

/// Folders of the page, and what they must not import.
const PAGE_LAYERS: &[(&str, &[&str])] = &[
    ("src/state", &["data", "embed", "ui"]),
    ("src/data", &["embed", "ui"]),
    ("src/embed", &["ui"]),
    ("src/wasm_size", &["data", "embed", "state", "ui"]),
];

/// A file without its unit tests, which may build whatever they need.
fn code(file: &Source) -> &str {
    file.text.split("#[cfg(test)]\nmod ").next().unwrap_or_default()
}

fn is_test(path: &str) -> bool {
    path.ends_with("tests.rs") || path.contains("/tests/") || path.contains("/benches/") || path.contains("/fuzz/")
}

/// What stands after `crate::` in a text, from imports and paths alike: `use crate::a::{B, C};` gives `a`.
fn crate_paths(text: &str) -> BTreeSet<Vec<&str>> {
    let mut paths = BTreeSet::new();
    for rest in text.split("crate::").skip(1) {
        let roots = match rest.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap_or_default().split(',').collect(),
            None => vec![rest],
        };
        for root in roots.into_iter().map(str::trim_start) {
            let end = root.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(root.len());
            let path: Vec<&str> = root[..end].split("::").filter(|part| !part.is_empty()).collect();
            if !path.is_empty() {
                paths.insert(path);
            }
        }
    }
    paths
}

#[test]
fn paths_are_found_in_imports_and_code() {
    let text = "use crate::{a::X, b};\nuse crate::c::{D, E};\nlet f = crate::g::h();";
    let paths: Vec<String> = crate_paths(text).iter().map(|path| path.join("::")).collect();
    assert_eq!(paths, ["a::X", "b", "c", "g::h"]);
}

#[test]
fn pure_crates_touch_nothing_outside() {
    let mut offences = Vec::new();
    for file in sources(&[".rs"]) {
        let is_pure = PURE_CRATES.iter().any(|name| file.below(&format!("crates/{name}/src")).is_some());
        if !is_pure || is_test(&file.path) {
            continue;
        }
        for call in IMPURE.iter().filter(|call| code(&file).contains(*call)) {
            offences.push(format!("{}: {call}", file.path));
        }
    }
    assert_none(&offences, "Pure crates do no I/O, read no clock and know no framework.");
}

#[test]
fn the_page_is_layered() {
    let mut offences = Vec::new();
    for file in sources(&[".rs"]) {
        for (folder, forbidden) in PAGE_LAYERS {
            if file.below(folder).is_none() {
                continue;
            }
            for path in crate_paths(code(&file)).iter().filter(|path| forbidden.contains(&path[0])) {
                offences.push(format!("{}: crate::{}", file.path, path.join("::")));
            }
        }
    }
    assert_none(&offences, "These imports go up a layer.");
}

#[test]
fn targets_know_nothing_of_the_server() {
    let mut offences = Vec::new();
    for file in sources(&[".rs"]).iter().filter(|file| file.below("server/src/target").is_some()) {
        for path in crate_paths(code(file)).iter().filter(|path| path[0] != "target") {
            offences.push(format!("{}: crate::{}", file.path, path.join("::")));
        }
    }
    assert_none(&offences, "server/src/target imports nothing of the server.");
}

/// A folder whose children must not import each other in a circle: where it lies, and its path in the crate.
struct Room {
    folder: String,
    module: Vec<&'static str>,
}

/// Every crate's own folder, and the larger folders of the page and of the companion.
fn rooms() -> Vec<Room> {
    let crates = sources(&["Cargo.toml"]);
    let folders = crates.iter().filter_map(|file| file.path.strip_suffix("Cargo.toml"));
    let mut rooms: Vec<Room> =
        folders.map(|folder| Room { folder: format!("{folder}src"), module: Vec::new() }).collect();
    for (folder, module) in [("src/ui", "ui"), ("src/data", "data")] {
        rooms.push(Room { folder: folder.to_owned(), module: vec![module] });
    }
    rooms
}

/// Which child of a folder imports which, with an example for each pair.
fn imports(room: &Room) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut graph: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let depth = room.module.len();
    for file in sources(&[".rs"]) {
        let Some(below) = file.below(&room.folder) else { continue };
        let from = below.split('/').next().unwrap_or_default().trim_end_matches(".rs").to_owned();
        if matches!(from.as_str(), "lib" | "main" | "mod") || is_test(&file.path) {
            continue;
        }
        for path in crate_paths(code(&file)) {
            let child = path.get(depth).filter(|child| path.starts_with(&room.module) && **child != from);
            if let Some(child) = child {
                let example = format!("{} → crate::{}", file.path, path.join("::"));
                graph.entry(from.clone()).or_default().insert((*child).to_owned(), example);
            }
        }
    }
    graph
}

/// One circle of a graph; none where there is none.
fn circle(graph: &BTreeMap<String, BTreeMap<String, String>>) -> Option<Vec<String>> {
    fn walk<'a>(
        graph: &'a BTreeMap<String, BTreeMap<String, String>>,
        node: &'a str,
        path: &mut Vec<&'a str>,
        done: &mut BTreeSet<&'a str>,
    ) -> Option<Vec<String>> {
        if let Some(start) = path.iter().position(|other| *other == node) {
            let ring = path[start..].iter().chain([&node]).copied().collect::<Vec<_>>();
            return Some(ring.windows(2).map(|pair| graph[pair[0]][pair[1]].clone()).collect());
        }
        if !done.insert(node) {
            return None;
        }
        path.push(node);
        let found = graph.get(node).and_then(|nodes| nodes.keys().find_map(|next| walk(graph, next, path, done)));
        path.pop();
        found
    }
    graph.keys().find_map(|node| walk(graph, node, &mut Vec::new(), &mut BTreeSet::new()))
}

#[test]
fn no_import_circle_crosses_a_folder() {
    for room in rooms() {
        let circle = circle(&imports(&room)).unwrap_or_default();
        assert_none(&circle, &format!("Children of {} import each other in a circle.", room.folder));
    }
}

#[test]
fn circles_are_found() {
    let mut graph = BTreeMap::new();
    for (from, to) in [("a", "b"), ("b", "c"), ("c", "b"), ("d", "a")] {
        graph.entry(from.to_owned()).or_insert_with(BTreeMap::new).insert(to.to_owned(), format!("{from} → {to}"));
    }
    assert_eq!(circle(&graph), Some(vec!["b → c".to_owned(), "c → b".to_owned()]));
    graph.remove("c");
    assert_eq!(circle(&graph), None);
}
