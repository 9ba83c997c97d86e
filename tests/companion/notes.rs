//! Tests of notes and shared layouts, and of who may write them.
use crate::harness::{Companion, args, http, scratch_file};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use server::config::serve_args::ServeArgs;
use std::path::Path;

const NOTES: &str = "/api/v1/inferboard/notes";
const LAYOUTS: &str = "/api/v1/inferboard/layouts";
const TOKEN: &str = "a-token-that-nobody-guesses";

/// An answer: its status, headers and JSON, which is null if it has no body.
struct Answer {
    status: u16,
    headers: HeaderMap,
    json: Value,
}

impl Answer {
    fn error(&self) -> &str {
        self.json["error"].as_str().unwrap_or_default()
    }

    fn revision(&self) -> String {
        format!("\"{}\"", self.json["data"]["revision"])
    }
}

async fn send(companion: &Companion, method: Method, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    let mut request = http().request(method, format!("http://{}{path}", companion.address));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if !body.is_null() {
        let has_type = headers.iter().any(|(name, _)| *name == "content-type");
        request = request.body(body.to_string());
        if !has_type {
            request = request.header("content-type", "application/json");
        }
    }
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let json = serde_json::from_slice(&response.bytes().await.expect("a body")).unwrap_or_default();
    Answer { status, headers, json }
}

async fn get(companion: &Companion, path: &str) -> Answer {
    send(companion, Method::GET, path, &[], &Value::Null).await
}

/// The key that the page gets.
async fn key_of(companion: &Companion) -> String {
    let writing = get(companion, "/api/v1/inferboard/writing").await;
    assert_eq!((writing.status, &writing.json["data"]["allowed"]), (200, &json!(true)), "{}", writing.json);
    writing.json["data"]["key"].as_str().expect("a key").to_owned()
}

async fn add(companion: &Companion, note: &Value) -> Answer {
    let key = key_of(companion).await;
    send(companion, Method::POST, NOTES, &[("write-key", &key)], note).await
}

fn on_disk(dir: &Path) -> ServeArgs {
    ServeArgs { in_memory: false, data_dir: Some(dir.to_owned()), ..args(&[]) }
}

fn texts(answer: &Answer) -> Vec<&str> {
    let notes = answer.json["data"]["notes"].as_array().unwrap_or_else(|| panic!("{}", answer.json));
    notes.iter().map(|note| note["text"].as_str().unwrap_or_default()).collect()
}

#[tokio::test]
async fn a_note_is_added_found_changed_and_deleted() {
    let companion = Companion::start(&args(&[])).await;
    let note = json!({
        "start": "2026-11-20T14:00:00Z", "end": 1_795_183_260, "text": "<b>load test</b>", "kind": "incident",
        "link": "https://wiki.example/1", "model": "a/b", "deployment": "v7",
    });
    let added = add(&companion, &note).await;
    assert_eq!(added.status, 201, "{}", added.json);
    let data = &added.json["data"];
    assert_eq!((&data["start"], &data["end"]), (&json!("2026-11-20T14:00:00Z"), &json!("2026-11-20T14:01:00Z")));
    assert!(
        added.json["warnings"][0].as_str().is_some_and(|text| text.contains("no data directory")),
        "{}",
        added.json
    );
    add(&companion, &json!({ "time": 1_795_183_200, "text": "everywhere" })).await;
    add(&companion, &json!({ "time": 1_795_183_200, "text": "another", "model": "c" })).await;
    for (query, expected) in [
        ("?model=a/b&start=1795183230&end=1795183300", &["<b>load test</b>"][..]),
        ("?model=a/b&deployment=v7&start=2026-11-20T13:00:00Z", &["<b>load test</b>", "everywhere"]),
        ("?model=a/b&deployment=v8", &["everywhere"]),
        ("?end=1795183199", &[]),
        ("", &["<b>load test</b>", "everywhere", "another"]),
    ] {
        assert_eq!(texts(&get(&companion, &format!("{NOTES}{query}")).await), expected, "{query}");
    }
    assert_eq!(get(&companion, &format!("{NOTES}?start=soon")).await.status, 400);
    let (key, path) = (key_of(&companion).await, format!("{NOTES}/{}", data["id"].as_str().expect("an id")));
    assert_eq!(get(&companion, &path).await.json["data"], *data);
    let changed = json!({ "start": 1_795_183_200, "text": "changed" });
    let headers = [("write-key", key.as_str()), ("if-match", &added.revision())];
    let put = send(&companion, Method::PUT, &path, &headers, &changed).await;
    assert_eq!((put.status, &put.json["data"]["text"]), (200, &json!("changed")), "{}", put.json);
    assert_eq!(put.headers["etag"].to_str().ok(), Some(put.revision().as_str()));
    let deleted =
        send(&companion, Method::DELETE, &path, &[("write-key", &key), ("if-match", "*")], &Value::Null).await;
    assert_eq!(deleted.status, 200, "{}", deleted.json);
    assert_eq!(get(&companion, &path).await.status, 404);
    // A note without a time is about now.
    let now = add(&companion, &json!({ "text": "now" })).await;
    let start = now.json["data"]["start"].as_str().expect("a time").to_owned();
    assert!(start.starts_with("20") && start.ends_with('Z'), "{start}");
}

#[tokio::test]
async fn unchanged_notes_are_not_sent_again() {
    let companion = Companion::start(&args(&[])).await;
    for at in 0..40 {
        add(&companion, &json!({ "time": 1_795_183_200 + at, "text": "a note that is long enough to be compressed" }))
            .await;
    }
    let first = get(&companion, NOTES).await;
    let tag = first.headers["etag"].to_str().expect("a tag");
    let again = send(&companion, Method::GET, NOTES, &[("if-none-match", tag)], &Value::Null).await;
    assert_eq!((again.status, &again.json, again.headers["etag"].to_str().ok()), (304, &Value::Null, Some(tag)));
    add(&companion, &json!({ "text": "new" })).await;
    let new = send(&companion, Method::GET, NOTES, &[("if-none-match", tag)], &Value::Null).await;
    assert_eq!((new.status, texts(&new).len()), (200, 41));
    let compressed = send(&companion, Method::GET, NOTES, &[("accept-encoding", "gzip")], &Value::Null).await;
    assert_eq!(compressed.headers["content-encoding"], "gzip");
}

#[tokio::test]
async fn what_is_kept_survives_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let companion = Companion::start(&on_disk(folder.path())).await;
    let added = add(&companion, &json!({ "text": "kept", "kind": "deploy", "version": "v7" })).await;
    assert_eq!((added.status, &added.json["warnings"]), (201, &Value::Null), "{}", added.json);
    let key = key_of(&companion).await;
    let headers = [("write-key", key.as_str()), ("if-none-match", "*")];
    let layout = json!({ "layout": { "version": 1, "hidden": ["volume"] } });
    let put = send(&companion, Method::PUT, &format!("{LAYOUTS}?model=a/b"), &headers, &layout).await;
    assert_eq!(put.status, 200, "{}", put.json);
    companion.stop().await;
    let companion = Companion::start(&on_disk(folder.path())).await;
    assert_eq!(get(&companion, NOTES).await.json["data"]["notes"], json!([added.json["data"]]));
    assert_eq!(get(&companion, &format!("{LAYOUTS}?model=a/b")).await.json["data"], put.json["data"]);
    let none = get(&companion, &format!("{LAYOUTS}?model=c")).await.json["data"].clone();
    assert_eq!(none, json!({ "model": "c", "revision": 0, "layout": null }));
    // The key is of the process before.
    let old = send(&companion, Method::POST, NOTES, &headers[..1], &json!({ "text": "t" })).await;
    assert!(old.status == 403 && old.error().contains("reload the page"), "{}", old.json);
    let text = std::fs::read_to_string(folder.path().join("notes.json")).expect("a file");
    assert!(
        text.lines().any(|line| line.contains("\"text\":\"kept\"") && line.contains("\"version\":\"v7\"")),
        "{text}"
    );
}

#[tokio::test]
async fn the_second_of_two_writers_gets_what_the_first_has_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let companion = Companion::start(&on_disk(folder.path())).await;
    let key = key_of(&companion).await;
    let added = add(&companion, &json!({ "time": 1, "text": "old" })).await;
    let note_path = format!("{NOTES}/{}", added.json["data"]["id"].as_str().expect("an id"));
    let layout_path = format!("{LAYOUTS}?model=m");
    let layout = |order: &str| json!({ "layout": { "version": 1, "order": [order] } });
    let note = |text: &str| json!({ "time": 1, "text": text });
    let first_layout = [("write-key", key.as_str()), ("if-none-match", "*")];
    let (edited, shared) = (added.revision(), get(&companion, &layout_path).await.revision());
    assert_eq!(shared, "\"0\"");
    let edits = [("write-key", key.as_str()), ("if-match", &edited)];
    for (path, headers, [one, other]) in [
        (&note_path, &edits, [note("one"), note("other")]),
        (&layout_path, &first_layout, [layout("one"), layout("other")]),
    ] {
        let writers = [&one, &other].map(|body| send(&companion, Method::PUT, path, headers, body));
        let [first, second] = futures::future::join_all(writers).await.try_into().ok().expect("two");
        let (kept, refused) = if first.status == 200 { (first, second) } else { (second, first) };
        assert_eq!((kept.status, refused.status), (200, 409), "{}", refused.json);
        assert_eq!((&refused.json["data"], &refused.json["errorType"]), (&kept.json["data"], &json!("conflict")));
        // Who has seen it can replace it.
        let seen = [("write-key", key.as_str()), ("if-match", &refused.revision())];
        assert_eq!(send(&companion, Method::PUT, path, &seen, &other).await.status, 200);
        // Without saying which revision, nothing is replaced.
        let blind = send(&companion, Method::PUT, path, &seen[..1], &one).await;
        assert!(blind.status == 428 && blind.error().contains("If-Match"), "{}", blind.json);
        let deleted = send(&companion, Method::DELETE, path, &seen, &Value::Null).await;
        assert_eq!(deleted.status, 409, "it was replaced again: {}", deleted.json);
    }
}

#[tokio::test]
async fn writing_is_refused_without_the_right_and_the_answer_says_why() {
    let companion = Companion::start(&args(&[])).await;
    let key = key_of(&companion).await;
    let own = format!("http://{}", companion.address);
    let note = json!({ "text": "t" });
    for (headers, status, reason) in [
        (&[][..], 401, "Write-Key"),
        (&[("write-key", "0123456789abcdef0123456789abcdef")], 403, "not the key"),
        (&[("authorization", "Bearer x")], 403, "write_token_file"),
        (&[("write-key", &key), ("x-forwarded-for", "10.0.0.1")], 401, "write_token_file"),
        (&[("write-key", &key), ("origin", "http://evil.example")], 403, "origin"),
        (&[("write-key", &key), ("origin", "http://localhost:1")], 403, "origin"),
        (&[("write-key", &key), ("content-type", "text/plain")], 415, "application/json"),
        (&[("write-key", &key), ("content-type", "application/x-www-form-urlencoded")], 415, "application/json"),
    ] {
        let refused = send(&companion, Method::POST, NOTES, headers, &note).await;
        assert!(refused.status == status && refused.error().contains(reason), "{headers:?}: {}", refused.json);
        assert_eq!(refused.json["status"], "error");
    }
    for site in ["cross-site", "same-site"] {
        for (method, path) in
            [(Method::POST, NOTES), (Method::DELETE, LAYOUTS), (Method::GET, "/api/v1/inferboard/writing")]
        {
            let refused = send(&companion, method, path, &[("write-key", &key), ("sec-fetch-site", site)], &note).await;
            assert_eq!(refused.status, 403, "{path}");
        }
    }
    assert_eq!(texts(&get(&companion, NOTES).await).len(), 0);
    let headers = [("write-key", key.as_str()), ("origin", &own), ("sec-fetch-site", "same-origin")];
    let added = send(&companion, Method::POST, NOTES, &headers, &note).await;
    assert_eq!(added.status, 201, "{}", added.json);
}

#[tokio::test]
async fn listed_origins_may_read_notes_and_never_write() {
    let config = scratch_file("cors_origins = [\"https://dash.example\"]");
    let companion = Companion::start(&ServeArgs { config: Some(config.to_path_buf()), ..args(&[]) }).await;
    let key = key_of(&companion).await;
    let foreign = [("origin", "https://dash.example"), ("sec-fetch-site", "cross-site")];
    let read = send(&companion, Method::GET, NOTES, &foreign, &Value::Null).await;
    assert_eq!(
        (read.status, &read.headers["access-control-allow-origin"]),
        (200, &foreign[0].1.parse().expect("a value"))
    );
    let writing = send(&companion, Method::GET, "/api/v1/inferboard/writing", &foreign, &Value::Null).await;
    assert_eq!(writing.json["data"]["allowed"], false);
    assert!(!writing.json.to_string().contains(&key));
    let headers = [foreign[0], foreign[1], ("write-key", &key)];
    let refused = send(&companion, Method::POST, NOTES, &headers, &json!({ "text": "t" })).await;
    assert!(refused.status == 403 && refused.error().contains("another origin"), "{}", refused.json);
    let preflight =
        [foreign[0], ("access-control-request-method", "PUT"), ("access-control-request-headers", "write-key")];
    let preflight = send(&companion, Method::OPTIONS, NOTES, &preflight, &Value::Null).await;
    assert_eq!(preflight.headers["access-control-allow-methods"], "GET, POST");
    assert!(!preflight.headers["access-control-allow-headers"].to_str().expect("text").contains("write-key"));
}

#[tokio::test]
async fn a_token_allows_writing_from_elsewhere() {
    let token = scratch_file(&format!("{TOKEN}\n"));
    let config =
        scratch_file(&format!("write_token_file = {:?}\nallowed_hosts = [\"gpubox\"]\n", token.display().to_string()));
    let companion = Companion::start(&ServeArgs { config: Some(config.to_path_buf()), ..args(&[]) }).await;
    let host = ("host", "gpubox");
    let note = json!({ "text": "deployed", "kind": "deploy", "version": "v8" });
    let bearer = format!("Bearer {TOKEN}");
    let added = send(&companion, Method::POST, NOTES, &[host, ("authorization", &bearer)], &note).await;
    assert_eq!(added.status, 201, "{}", added.json);
    let refused = send(&companion, Method::POST, NOTES, &[host], &note).await;
    assert!(refused.status == 401 && refused.error().contains("Authorization: Bearer"), "{}", refused.json);
    assert!(refused.headers["www-authenticate"].to_str().is_ok_and(|text| text.starts_with("Bearer")));
    let writing = |headers: &'static [(&'static str, &'static str)]| {
        send(&companion, Method::GET, "/api/v1/inferboard/writing", headers, &Value::Null)
    };
    let without = writing(&[("host", "gpubox")]).await;
    assert_eq!(without.json["data"]["allowed"], false, "{}", without.json);
    let with = writing(&[("host", "gpubox"), ("authorization", "Bearer a-token-that-nobody-guesses")]).await;
    assert_eq!(with.json["data"], json!({ "allowed": true, "key": null }), "a proxy adds the token for the page");
    let mut statuses = Vec::new();
    for _ in 0..12 {
        let wrong = send(&companion, Method::POST, NOTES, &[host, ("authorization", "Bearer wrong")], &note).await;
        statuses.push(wrong.status);
        assert!(!wrong.json.to_string().contains(TOKEN), "{}", wrong.json);
    }
    assert!(statuses.starts_with(&[403; 10]) && statuses.ends_with(&[429; 2]), "{statuses:?}");
}

#[tokio::test]
async fn writing_on_loopback_can_be_turned_off() {
    let config = scratch_file("write_on_loopback = false");
    let companion = Companion::start(&ServeArgs { config: Some(config.to_path_buf()), ..args(&[]) }).await;
    let writing = get(&companion, "/api/v1/inferboard/writing").await;
    assert_eq!(writing.json["data"]["allowed"], false);
    assert!(writing.json["data"]["reason"].as_str().is_some_and(|text| text.contains("write_on_loopback")));
}

#[tokio::test]
async fn what_is_wrong_or_too_long_is_refused() {
    let companion = Companion::start(&args(&[])).await;
    for (note, status, reason) in [
        (json!({}), 400, "text is missing"),
        (json!({ "text": "t", "colour": "red" }), 400, "unknown field"),
        (json!({ "text": "x".repeat(2001) }), 400, "longer than 2000"),
        (json!({ "text": "x".repeat(300 << 10) }), 413, "256 KiB"),
        (json!({ "text": "t", "link": "javascript:alert(1)" }), 400, "no address"),
    ] {
        let refused = add(&companion, &note).await;
        assert!(refused.status == status && refused.error().contains(reason), "{}", refused.json);
    }
    let key = key_of(&companion).await;
    let headers = [("write-key", key.as_str()), ("if-none-match", "*")];
    for (query, layout, reason) in [
        ("?model=m", json!({ "layout": {} }), "no version"),
        ("?model=m", json!({ "layout": { "version": 1, "order": ["x".repeat(40_000)] } }), "longer than 32768"),
        ("?model=a%00b", json!({ "layout": { "version": 1 } }), "control"),
    ] {
        let refused = send(&companion, Method::PUT, &format!("{LAYOUTS}{query}"), &headers, &layout).await;
        assert!(refused.status == 400 && refused.error().contains(reason), "{}", refused.json);
    }
    let missing = [("write-key", key.as_str()), ("if-match", "*")];
    assert_eq!(send(&companion, Method::DELETE, &format!("{NOTES}/7"), &missing, &Value::Null).await.status, 404);
}
