//! Tests of lists that are kept: revisions, limits, files that are damaged, and disks that fail.
use super::*;
use crate::history::watched_files::WatchedFiles;
use crate::kept::entries::Expected;
use crate::kept::note::{NoteFilter, Time};
use serde_json::json;
use std::fs;
use std::os::unix::fs::MetadataExt;

fn note(value: serde_json::Value) -> Result<Note, String> {
    let note: Note = serde_json::from_value(value).map_err(|error| error.to_string())?;
    note.check().map(|()| note)
}

fn at(seconds: i64) -> Note {
    note(json!({ "start": seconds, "text": "t" })).expect("a note")
}

/// The notes in a folder, as a server has them that starts.
fn open(dir: &Path) -> KeptList<Note> {
    let files = WatchedFiles::new(dir);
    files.create_dir(dir).expect("a folder");
    KeptList::open(Some((dir, Arc::new(files))))
}

#[tokio::test]
async fn what_is_kept_is_there_after_a_restart_and_can_be_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = open(folder.path());
    let one = first.apply(Change::Add(at(1_790_000_000)), 5).await.expect("kept").expect("an entry");
    let two = first.apply(Change::Add(at(1_790_000_001)), 5).await.expect("kept").expect("an entry");
    assert!(one.revision < two.revision && one.key != two.key);
    let text = fs::read_to_string(folder.path().join("notes.json")).expect("a file");
    let line = text.lines().nth(1).and_then(|line| line.strip_suffix(',')).unwrap_or_default();
    let expected = json!({ "id": "5", "revision": 5, "start": "2026-09-21T14:13:20Z", "kind": "note", "text": "t" });
    assert_eq!(serde_json::from_str::<serde_json::Value>(line).ok(), Some(expected), "{text}");
    let mode = folder.path().join("notes.json").metadata().expect("a file").mode();
    assert_eq!(mode & 0o077, 0, "it is its owner's only: {mode:o}");
    let again = open(folder.path());
    assert_eq!(again.entries().list, [one.clone(), two]);
    let removed = Change::Remove { key: one.key, expected: Expected::Revision(one.revision) };
    assert_eq!(again.apply(removed, 5).await.expect("kept"), None);
    assert_eq!(open(folder.path()).entries().list.len(), 1);
    assert!(open(folder.path()).entries().revision > one.revision + 1, "revisions never come back");
}

#[tokio::test]
async fn the_second_of_two_writers_is_told_what_is_there() {
    let list = KeptList::<Note>::open(None);
    assert!(list.warning().is_some_and(|warning| warning.contains("no data directory")));
    let first = list.apply(Change::Add(at(1)), 7).await.expect("kept").expect("an entry");
    let put = |expected, seconds| Change::Put { key: first.key.clone(), expected, value: at(seconds) };
    let expected = Expected::Revision(first.revision);
    let second = list.apply(put(expected, 2), 7).await.expect("kept").expect("an entry");
    for expected in [expected, Expected::Absent] {
        let refused = list.apply(put(expected, 3), 7).await.expect_err("an older revision");
        assert!(matches!(&refused, KeptError::Changed(Some(found)) if *found == second), "{refused}");
    }
    let removal = |expected| Change::Remove { key: first.key.clone(), expected };
    let refused = list.apply(removal(expected), 7).await.expect_err("an older revision");
    assert!(matches!(refused, KeptError::Changed(Some(_))));
    list.apply(removal(Expected::Any), 7).await.expect("kept");
    let refused = list.apply(removal(Expected::Any), 7).await.expect_err("none");
    assert!(matches!(refused, KeptError::Absent));
    let refused = list.apply(put(Expected::Revision(second.revision), 4), 7).await.expect_err("none");
    assert!(matches!(refused, KeptError::Changed(None)), "who edits what was removed is told so");
}

#[tokio::test]
async fn writers_at_once_lose_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let list = open(folder.path());
    let kept = futures::future::join_all((0..20).map(|second| list.apply(Change::Add(at(second)), 1))).await;
    assert!(kept.iter().all(Result::is_ok));
    assert_eq!(open(folder.path()).entries().list.len(), 20);
}

#[tokio::test]
async fn number_and_bytes_are_limited() {
    let moment = at(1);
    let entry = |at: usize| Entry { key: at.to_string(), revision: at as u64, value: Arc::new(moment.clone()) };
    let full = Entries { revision: 9999, list: (0..Note::MAX_COUNT).map(entry).collect() };
    let refused = full.changed(Change::Add(at(1)), 1).expect_err("too many");
    assert!(refused.to_string().contains("5000 already"), "{refused}");
    let replaced = full.changed(Change::Put { key: "7".into(), expected: Expected::Any, value: at(2) }, 1);
    assert!(replaced.is_ok(), "what is there can be changed");
    let list = KeptList::<SharedLayout>::open(None);
    let long = json!({ "layout": { "version": 1, "order": ["x".repeat(32_000)] } });
    let long: SharedLayout = serde_json::from_value(long).expect("a layout");
    long.check().expect("a layout");
    let of = |at: usize| Entry { key: at.to_string(), revision: 1, value: Arc::new(long.clone()) };
    *list.current.lock() =
        Arc::new(Entries { revision: 1, list: (0..SharedLayout::MAX_FILE_BYTES / 32_100).map(of).collect() });
    let mut kept = 0;
    let refused = loop {
        let put = Change::Put { key: format!("another {kept}"), expected: Expected::Absent, value: long.clone() };
        match list.apply(put, 1).await {
            Ok(_) if kept < 9 => kept += 1,
            result => break result,
        }
    };
    assert!(matches!(refused, Err(KeptError::TooManyBytes)), "{refused:?}");
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_never_overwritten() {
    for damaged in [
        "",
        "{}",
        "{\"revision\":1}",
        "{\"revision\":1,\"notes\":[{\"id\":\"1\",\"revision\":1,\"start\":1}]}",
        "{\"revision\":1,\"notes\":[{\"id\":\"1\",\"revision\":1,\"start\":1,\"text\":\"t\",\"more\":1}]}",
        "{\"revision\":1,\"notes\":[{\"id\":\"1\",\"revision\":1,\"start\":1,\"text\":\"a\"},\n\
            {\"id\":\"1\",\"revision\":2,\"start\":1,\"text\":\"b\"}]}",
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notes.json");
        fs::write(&path, damaged).expect("a file");
        let list = open(folder.path());
        assert_eq!(list.entries().list.len(), 0);
        let refused = list.apply(Change::Add(at(1)), 1).await.expect_err("a refusal").to_string();
        assert!(refused.contains("notes.json") && refused.contains("restart"), "{refused}");
        assert_eq!(fs::read_to_string(&path).expect("a file"), damaged);
    }
}

#[tokio::test]
async fn what_the_disk_does_not_take_is_not_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let list = open(folder.path());
    list.apply(Change::Add(at(1)), 1).await.expect("kept");
    // A folder is in the way of the new file.
    fs::create_dir(folder.path().join("notes.json.new")).expect("a folder");
    let refused = list.apply(Change::Add(at(2)), 1).await.expect_err("a failure").to_string();
    assert!(refused.contains("cannot be written to the data directory"), "{refused}");
    assert_eq!(list.entries().list.len(), 1);
    fs::remove_dir(folder.path().join("notes.json.new")).expect("a folder");
    list.apply(Change::Add(at(2)), 1).await.expect("kept");
    assert_eq!(open(folder.path()).entries().list.len(), 2);
}

#[test]
fn notes_are_checked() {
    let good =
        json!({ "time": "2026-11-20T14:00:00+01:00", "end": 1_795_179_601.5, "text": "a\nb", "kind": "incident" });
    let good = note(good).expect("a note");
    assert_eq!((good.start, good.end), (Some(Time(1_795_179_600_000)), Some(Time(1_795_179_601_500))));
    note(json!({ "start": 1, "kind": "deploy", "version": "v7" })).expect("a deploy needs no text");
    for (bad, expected) in [
        (json!({ "text": "t" }), "start is missing"),
        (json!({ "start": 2, "end": 1, "text": "t" }), "before"),
        (json!({ "start": 1, "text": " \n" }), "text is missing"),
        (json!({ "start": 1, "text": "x".repeat(2001) }), "longer than 2000"),
        (json!({ "start": 1, "text": "\u{1b}[2J" }), "control"),
        (json!({ "start": 1, "text": "t", "model": "a\nb" }), "control"),
        (json!({ "start": 1, "text": "t", "model": "x".repeat(257) }), "longer than 256"),
        (json!({ "start": 1, "text": "t", "version": "v7" }), "deploy"),
        (json!({ "start": 1, "text": "t", "kind": "party" }), "unknown variant"),
        (json!({ "start": 1, "text": "t", "link": "javascript:alert(1)" }), "no address"),
        (json!({ "start": 1, "text": "t", "link": "https://a b" }), "no address"),
        (json!({ "start": "soon", "text": "t" }), "timestamp"),
        (json!({ "start": -1, "text": "t" }), "1970"),
        (json!({ "start": 1e13, "text": "t" }), "9999"),
        (json!({ "start": true, "text": "t" }), "a time is"),
        (json!({ "start": 1, "text": "t", "author": "me" }), "unknown field"),
        (json!([]), "start is missing"),
    ] {
        let problem = note(bad.clone()).expect_err("no note");
        assert!(problem.contains(expected), "{bad}: {problem}");
    }
}

#[test]
fn notes_are_found_by_range_and_scope() {
    let own = json!({ "start": 100, "end": 200, "text": "t", "model": "m", "deployment": "d" });
    let own = note(own).expect("a note");
    let scope = |parts: [Option<&str>; 4]| parts.map(|part| part.map(str::to_owned));
    let [open, model, other, sibling] = [
        [None; 4],
        [Some("m"), Some("production"), None, None],
        [Some("n"), None, None, None],
        [Some("m"), None, Some("e"), None],
    ];
    for (start_ms, end_ms, parts, expected) in [
        (None, None, open, true),
        (Some(150_000), Some(160_000), model, true),
        (Some(200_000), None, model, true),
        (Some(200_001), None, model, false),
        (None, Some(99_999), model, false),
        (None, None, other, false),
        (None, None, sibling, false),
    ] {
        let filter = NoteFilter { start_ms, end_ms, scope: scope(parts) };
        assert_eq!(filter.matches(&own), expected, "{filter:?}");
    }
}
