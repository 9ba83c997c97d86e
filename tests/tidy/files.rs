//! Each file opens with a sentence on what lives there, and reads in one sitting.
use crate::assert_none;
use crate::sources::sources;

/// Lines of a file that are read in one sitting.
const MAX_LINES: usize = 400;

#[test]
fn every_file_opens_with_a_sentence() {
    let mut offences = Vec::new();
    for file in sources(&[".rs", ".mjs"]) {
        let header: Vec<&str> = file.text.lines().take_while(|line| line.starts_with("//!")).collect();
        let text = header.iter().map(|line| line.trim_start_matches("//!").trim()).collect::<Vec<_>>().join(" ");
        // A header may go on in further paragraphs; the first one counts.
        let first = text.split("  ").next().unwrap_or_default().trim();
        if !first.contains(|c: char| c.is_alphabetic()) || !first.ends_with(['.', ':', '`', ')']) {
            offences.push(format!("{}: no header sentence (`//! …`) in its first line", file.path));
        }
    }
    assert_none(&offences, "Every file opens with one sentence on what lives there.");
}

#[test]
fn files_read_in_one_sitting() {
    let offences: Vec<String> = sources(&[".rs", ".mjs", ".css"])
        .iter()
        .filter(|file| file.text.lines().count() > MAX_LINES)
        .map(|file| format!("{}: {} lines", file.path, file.text.lines().count()))
        .collect();
    assert_none(&offences, &format!("Files have at most {MAX_LINES} lines; split these."));
}

#[test]
fn modules_with_children_are_mod_rs() {
    let files = sources(&[".rs"]);
    let offences: Vec<String> = files
        .iter()
        .filter_map(|file| Some((file, file.path.strip_suffix(".rs")?)))
        .filter(|(_, stem)| files.iter().any(|other| other.below(stem).is_some()))
        .map(|(file, stem)| format!("{}: belongs at {stem}/mod.rs", file.path))
        .collect();
    assert_none(&offences, "A module with children is `folder/mod.rs`, everywhere.");
}

#[test]
fn modules_lie_where_their_names_say() {
    let offences: Vec<String> = sources(&[".rs"])
        .iter()
        .filter(|file| file.path != "tests/tidy/files.rs" && file.text.contains("#[path ="))
        .map(|file| file.path.clone())
        .collect();
    assert_none(&offences, "No module is brought in from elsewhere by `#[path]`.");
}

#[test]
fn an_import_names_one_module() {
    let mut offences = Vec::new();
    for file in sources(&[".rs"]) {
        for part in file.text.split(";\n") {
            let statement = part.rsplit("\n\n").next().unwrap_or_default().trim_start();
            let Some(import) = statement.lines().position(is_import) else { continue };
            let import = statement.lines().skip(import).collect::<Vec<_>>().join(" ");
            let list = import.split_once('{').map_or("", |(_, list)| list);
            if list.contains("::") {
                offences.push(format!("{}: {import};", file.path));
            }
        }
    }
    assert_none(&offences, "An import has the form `use module::{A, B};`, one module each.");
}

fn is_import(line: &str) -> bool {
    let code = line.trim_start();
    let starts = ["use ", "pub use ", "pub(crate) use "];
    let path = starts.iter().find_map(|start| code.strip_prefix(start)).map(|rest| rest.split(['{', ';']).next());
    path.flatten().is_some_and(|path| !path.is_empty() && !path.trim_end().contains(' '))
}
