//! Documents in step with what they are about: links, paths, commands.
use crate::sources::sources;
use crate::{assert_none, root};
use std::fs;
use std::path::Path;

/// The targets of a Markdown text's links: `](target)`.
fn links(text: &str) -> Vec<&str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect()
}

/// What stands between backticks on one line.
fn code_spans(text: &str) -> Vec<&str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn links_lead_to_files_that_exist() {
    let mut offences = Vec::new();
    for file in sources(&[".md"]) {
        let folder = root().join(Path::new(&file.path).parent().expect("a file has a folder"));
        for link in links(&file.text).into_iter().filter(|link| !link.contains("://") && !link.starts_with('#')) {
            let path = link.split('#').next().unwrap_or_default();
            if !path.is_empty() && !folder.join(path).exists() {
                offences.push(format!("{}: {link}", file.path));
            }
        }
    }
    assert_none(&offences, "These links lead nowhere.");
}

#[test]
fn paths_in_documents_exist() {
    let roots = ["src/", "server/", "crates/", "tests/", "benches/", "docs/", "scripts/", "public/"];
    let mut offences = Vec::new();
    for file in sources(&[".md"]).iter().filter(|file| file.path != "CHANGELOG.md") {
        for span in code_spans(&file.text) {
            let is_path =
                roots.iter().any(|root| span.starts_with(root)) && !span.contains([' ', '*', '<', '…', '{', '$']);
            if is_path && !root().join(span.trim_end_matches('/')).exists() {
                offences.push(format!("{}: {span}", file.path));
            }
        }
    }
    assert_none(&offences, "These paths do not exist.");
}

#[test]
fn make_goals_in_documents_exist() {
    let makefile = fs::read_to_string(root().join("Makefile")).expect("Makefile");
    let mut offences = Vec::new();
    for file in sources(&[".md"]) {
        for span in code_spans(&file.text) {
            let goal = span.split(' ').skip_while(|word| *word != "make").nth(1);
            let goal = goal.filter(|goal| goal.chars().all(|c| c.is_ascii_lowercase() || c == '-'));
            if let Some(goal) = goal.filter(|goal| !makefile.contains(&format!("\n{goal}:"))) {
                offences.push(format!("{}: make {goal}", file.path));
            }
        }
    }
    assert_none(&offences, "The Makefile has no such goals.");
}

#[test]
fn every_document_is_reached_from_another() {
    let documents = sources(&[".md"]);
    let mut linked: Vec<String> = vec!["README.md".into(), "CHANGELOG.md".into()];
    for file in &documents {
        let folder = Path::new(&file.path).parent().expect("a file has a folder");
        for link in links(&file.text) {
            let target = folder.join(link.split('#').next().unwrap_or_default());
            linked.push(normalised(&target));
        }
    }
    let offences: Vec<String> = documents
        .iter()
        .filter(|file| file.path.starts_with("docs/") || !file.path.contains('/'))
        .filter(|file| !linked.contains(&file.path))
        .map(|file| file.path.clone())
        .collect();
    assert_none(&offences, "No document links to these.");
}

/// A path without `.` and `..`.
fn normalised(path: &Path) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in path.components().map(|part| part.as_os_str().to_string_lossy().into_owned()) {
        match part.as_str() {
            "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts.join("/")
}
