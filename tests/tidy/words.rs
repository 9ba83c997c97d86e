//! One word for each thing: what `docs/glossary.md` lists in code font as "Not called" names nothing.
use crate::sources::{Source, sources};
use crate::{assert_none, root};
use std::collections::BTreeSet;
use std::fs;

/// Texts that stand for work left undone.
const UNDONE: &[&str] = &["TODO", "FIXME", "XXX", "HACK"];

/// The words in code font of the glossary's last column.
fn forbidden_words() -> BTreeSet<String> {
    let glossary = fs::read_to_string(root().join("docs/glossary.md")).expect("docs/glossary.md");
    let cells = glossary.lines().filter_map(|line| line.strip_prefix('|')?.strip_suffix('|')?.split('|').nth(2));
    let words = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>());
    words.collect()
}

/// Names that a line of Rust gives to something: types, functions, constants, modules.
fn defined_names(line: &str) -> Vec<&str> {
    let code = line.trim_start();
    if code.starts_with("//") || code.starts_with('"') {
        return Vec::new();
    }
    let keywords = ["struct", "enum", "trait", "type", "fn", "mod", "const", "static"];
    let words: Vec<&str> = code.split_whitespace().collect();
    let pairs = words.windows(2).filter(|pair| keywords.contains(&pair[0]));
    pairs.filter_map(|pair| pair[1].split(|c: char| !(c.is_alphanumeric() || c == '_')).next()).collect()
}

/// `ReplicaTracker`, `replica_tracker` and `REPLICA_TRACKER` as one form: lower case, words apart.
fn words_of(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        if c == '_' || (c.is_uppercase() && was_lower) {
            words.push(String::new());
        }
        was_lower = c.is_lowercase();
        if c != '_' {
            words.last_mut().expect("never empty").extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn code_files() -> Vec<Source> {
    sources(&[".rs"]).into_iter().filter(|file| !file.path.starts_with("tests/tidy/")).collect()
}

#[test]
fn nothing_is_named_by_a_word_that_the_glossary_forbids() {
    let forbidden = forbidden_words();
    assert!(forbidden.len() >= 15, "the glossary's table was not read: {forbidden:?}");
    let mut offences = Vec::new();
    for file in code_files() {
        for (number, line) in file.text.lines().enumerate() {
            for name in defined_names(line) {
                // A test's name is a sentence, in which a word may have its everyday meaning.
                let words = words_of(name);
                let is_sentence = words.len() > 4;
                for word in words.iter().filter(|word| !is_sentence && forbidden.contains(*word)) {
                    offences.push(format!("{}:{}: `{name}` has the word `{word}`", file.path, number + 1));
                }
            }
        }
        let stem = file.path.trim_end_matches(".rs").trim_end_matches("/mod").rsplit('/').next().unwrap_or_default();
        for word in words_of(stem).iter().filter(|word| forbidden.contains(*word)) {
            offences.push(format!("{}: its name has the word `{word}`", file.path));
        }
    }
    assert_none(&offences, "docs/glossary.md has another word for these.");
}

#[test]
fn limits_are_called_max_or_min() {
    let mut offences = Vec::new();
    for file in code_files() {
        for (number, line) in file.text.lines().enumerate() {
            let constants = defined_names(line).into_iter().filter(|name| name.chars().all(|c| !c.is_lowercase()));
            for name in constants.filter(|name| {
                let first = name.split('_').next().unwrap_or_default();
                matches!(first, "MOST" | "LONGEST" | "SHORTEST" | "LEAST" | "LARGEST" | "SMALLEST" | "FEWEST")
            }) {
                offences.push(format!("{}:{}: {name}", file.path, number + 1));
            }
        }
    }
    assert_none(&offences, "A limit is called MAX_… or MIN_… and says of what.");
}

#[test]
fn nothing_is_left_undone() {
    let mut offences = Vec::new();
    for file in sources(&[".rs", ".mjs", ".css", ".md", ".toml", ".sh"]) {
        if file.path.starts_with("tests/tidy/") {
            continue;
        }
        for (number, line) in file.text.lines().enumerate() {
            let mut words = line.split(|c: char| !c.is_alphanumeric());
            if words.any(|word| UNDONE.contains(&word)) {
                offences.push(format!("{}:{}: {}", file.path, number + 1, line.trim()));
            }
        }
    }
    assert_none(&offences, "Work left undone is an issue, not a comment.");
}

#[test]
fn names_are_taken_apart_into_words() {
    assert_eq!(words_of("ReplicaTracker"), ["replica", "tracker"]);
    assert_eq!(words_of("MAX_OPEN_FILES"), ["max", "open", "files"]);
    assert_eq!(defined_names("pub(crate) struct Gate {"), ["Gate"]);
    assert!(defined_names("    // a struct Gate").is_empty());
    assert!(defined_names("json.dump(struct.pack(x))").is_empty());
}
