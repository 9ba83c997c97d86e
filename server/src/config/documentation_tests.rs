//! Compares `docs/configuration.md` with the keys and flags that the program accepts, and parses every example.
use crate::cli::args::Cli;
use crate::config::target_list::{ListRules, ScrapeEntry};
use crate::config::*;
use clap::CommandFactory;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Headings in the document, each with a file. An unknown key at its end makes the parser list the keys of that table.
const TABLES: [(&str, &str); 16] = [
    ("Top-level keys", ""),
    ("`[[targets]]`", "[[targets]]"),
    ("`scope_labels` and `pod_labels`", "[[targets]]\n[targets.scope_labels]"),
    ("`scope_labels` and `pod_labels`", "[[kubernetes]]\n[kubernetes.pod_labels]"),
    ("`authorization`", "[[targets]]\n[targets.authorization]"),
    ("`basic_auth`", "[[targets]]\n[targets.basic_auth]"),
    ("`tls_config`", "[[targets]]\n[targets.tls_config]"),
    ("`http_headers`", "[[targets]]\n[targets.http_headers.X-Key]"),
    ("`[[kubernetes]]`", "[[kubernetes]]"),
    ("`[[http_sd]]`", "[[http_sd]]"),
    ("`[[backends]]`", "[[backends]]"),
    ("`[[remote_write]]`", "[[remote_write]]"),
    ("`queue_config`", "[[remote_write]]\n[remote_write.queue_config]"),
    ("`[[huggingface]]`", "[[huggingface]]"),
    ("`[[baseten]]`", "[[baseten]]"),
    ("`[[metrics]]`", "[[metrics]]"),
];

/// The keys of a request, which a list at a URL, a backend and a receiver have too.
const OF_REQUESTS: [&str; 8] = [
    "authorization",
    "basic_auth",
    "http_headers",
    "tls_config",
    "proxy_url",
    "proxy_basic_auth",
    "no_proxy",
    "proxy_from_environment",
];

/// The heading of the keys that several tables have, and those tables.
const SHARED: &str = "Requests and limits";
const WITH_SHARED: [&str; 4] = ["`[[targets]]`", "`[[kubernetes]]`", "`[[huggingface]]`", "`[[baseten]]`"];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn reference() -> String {
    fs::read_to_string(repository().join("docs/configuration.md")).expect("the reference")
}

/// The names in the first column of each table whose first column is titled `column`, by the heading above the table.
/// Headings below `max_level` do not count.
fn documented(text: &str, column: &str, max_level: usize) -> BTreeMap<String, BTreeSet<String>> {
    let (mut heading, mut is_in_table) = ("", false);
    let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in text.lines() {
        let level = line.bytes().take_while(|byte| *byte == b'#').count();
        if level > 0 && level <= max_level {
            heading = line[level..].trim();
        }
        is_in_table = line.starts_with(&format!("| {column} |")) || is_in_table && line.starts_with('|');
        if let Some(name) = line.strip_prefix("| `").filter(|_| is_in_table).and_then(|rest| rest.split('`').next()) {
            let name = name.split(' ').next().unwrap_or(name);
            assert!(names.entry(heading.to_owned()).or_default().insert(name.to_owned()), "{name} is documented twice");
        }
    }
    names
}

/// The keys that the parser accepts at the end of `file`, from its message about an unknown one.
fn accepted(file: &str) -> BTreeSet<String> {
    let error = parse(&format!("{file}\nno_such_key = 0"), Path::new("f")).expect_err("an unknown key").to_string();
    let (_, list) = error.split_once("unknown field `no_such_key`, expected one of ").expect(&error);
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The code blocks of `language`.
fn examples<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let begin = format!("```{language}\n");
    text.split(&begin).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn every_key_is_documented_and_every_documented_key_exists() {
    let documented = documented(&reference(), "Key", 2);
    for (heading, file) in TABLES {
        let mut keys = documented.get(heading).cloned().unwrap_or_default();
        if WITH_SHARED.contains(&heading) {
            keys.extend(documented.get(SHARED).cloned().unwrap_or_default());
        }
        if matches!(heading, "`[[http_sd]]`" | "`[[backends]]`" | "`[[remote_write]]`") {
            keys.extend(OF_REQUESTS.map(str::to_owned));
        }
        assert_eq!(keys, accepted(file), "the keys below \"{heading}\"");
    }
    let headings: BTreeSet<_> = TABLES.iter().map(|(heading, _)| *heading).chain([SHARED]).collect();
    assert_eq!(documented.len(), headings.len(), "{:?}", documented.keys());
}

#[test]
fn every_flag_is_documented_and_every_documented_flag_exists() {
    fn collect(command: &clap::Command, path: &str, flags: &mut BTreeMap<String, BTreeSet<String>>) {
        let path = format!("{path} {}", command.get_name());
        let own = command.get_arguments().filter_map(|argument| argument.get_long());
        let own: BTreeSet<_> = own.filter(|name| *name != "help").map(|name| format!("--{name}")).collect();
        if !own.is_empty() {
            flags.insert(format!("`{path}`"), own);
        }
        let visible =
            command.get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "help");
        visible.for_each(|command| collect(command, &path, flags));
    }
    let mut flags = BTreeMap::new();
    let program = Cli::command();
    let visible = program.get_subcommands().filter(|command| !command.is_hide_set());
    visible.for_each(|command| collect(command, program.get_name(), &mut flags));
    assert_eq!(documented(&reference(), "Flag", 3), flags);
}

#[test]
fn the_documented_defaults_are_the_defaults() {
    let reference = reference();
    let text = examples(&reference, "toml")[0];
    let args = ServeArgs { data_dir: Some("/history".into()), ..ServeArgs::default() };
    let settings = |text| format!("{:?}", Settings::join(&args, parse(text, Path::new("f")).expect(text)).expect(text));
    assert_eq!(settings(text), settings(""));
}

#[test]
fn every_example_is_a_configuration() {
    let documents = fs::read_dir(repository().join("docs")).expect("the documents");
    let documents = documents.map(|entry| entry.expect("a document").path());
    let mut count = 0;
    for path in documents.chain([repository().join("README.md")]).filter(|path| path.extension() == Some("md".as_ref()))
    {
        let text = fs::read_to_string(&path).expect("a document");
        for example in examples(&text, "toml") {
            count += 1;
            let file = parse(example, &path).unwrap_or_else(|error| panic!("{error}\n{example}"));
            let args = ServeArgs { in_memory: true, ..ServeArgs::default() };
            if let Err(error) = Settings::join(&args, file) {
                // Only the credentials of the examples are missing here.
                let error = error.to_string();
                let is_about_credentials = ["/run/secrets/", "/etc/inferboard/"]
                    .iter()
                    .any(|folder| error.starts_with(&format!("cannot read {folder}")))
                    || error.ends_with(" is not set");
                assert!(is_about_credentials, "{}: {error}\n{example}", path.display());
            }
        }
    }
    assert!(count > 10, "{count} examples");
}

#[test]
fn the_example_of_a_target_file_is_valid() {
    let pace = Pace { interval: Duration::from_secs(5), timeout: Duration::from_secs(5) };
    let rules = ListRules::new("file_sd", pace, &ScrapeEntry::default()).expect("rules");
    let reference = reference();
    let [example] = examples(&reference, "json")[..] else { panic!("one example of a target file") };
    let targets = rules.parse("targets.json", example).expect(example);
    assert_eq!(targets.len(), 2);
    assert_eq!(targets[0].pace.interval, Duration::from_secs(15));
}
