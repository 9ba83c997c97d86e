//! Compares the API with the answers of Prometheus 2.42: the same status, and the same data.
use crate::harness::{Companion, args, exchange, http};
use serde_json::Value;
use server::config::serve_args::ServeArgs;
use std::path::PathBuf;
use std::process::Command;

/// Intended differences: a part of the case's note, and the reason.
const DIFFERENT: &[(&str, &str)] = &[
    ("deep nesting 600", "a query may be nested 64 levels deep"),
    ("tiny timeout", "a nanosecond is not a duration in Prometheus either, but the case compares the message"),
    ("/api/v1/targets", "targets are series, up and inferboard_scrape_failed"),
    ("/api/v1/status/flags", "the command line is private"),
    ("/api/v1/status/runtimeinfo", "as above"),
    ("/api/v1/status/config", "as above"),
    ("/api/v1/status/tsdb", "figures about the store are series, inferboard_store_*"),
    ("/api/v1/scrape_pools", "there are no scrape pools"),
    ("/api/v1/status/buildinfo", "the version is the companion's"),
    ("/api/v1/metadata", "includes the companion's own families"),
    ("/api/v1/nosuch", "the text differs"),
    ("/-/healthy", "the text differs"),
    ("/-/ready", "the text differs"),
    ("method not allowed", "the text differs"),
    ("DELETE series", "nothing can be deleted: 405"),
    ("admin disabled", "there is no such route"),
    ("lifecycle disabled", "there is no such route"),
    ("reload disabled", "there is no such route"),
    ("CORS", "other origins are refused"),
    ("foreign Host header", "other hosts are refused"),
    ("path traversal", "only exact paths exist"),
    ("double slash", "only exact paths exist"),
];

fn corpus(name: &str) -> Option<PathBuf> {
    let derived = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/corpora/derived");
    let path = std::env::var_os("CORPORA_DERIVED_DIR").map_or_else(|| derived.into(), PathBuf::from).join(name);
    path.exists().then_some(path)
}

#[tokio::test]
async fn answers_match_those_of_prometheus() {
    let (Some(transcript), Some(data)) =
        (corpus("api_transcript_prometheus_2.42.json"), corpus("compliance_demo_data.om.txt.gz"))
    else {
        return println!("skipped: the API transcript is absent");
    };
    let dir = tempfile::tempdir().expect("a folder");
    let imported = Command::new(env!("CARGO_BIN_EXE_inferboard-server"))
        .arg("import")
        .arg(data)
        .arg("--data-dir")
        .arg(dir.path())
        .output()
        .expect("the program");
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    let flags =
        ServeArgs { in_memory: false, data_dir: Some(dir.path().into()), retention: Some("100y".into()), ..args(&[]) };
    let companion = Companion::start(&flags).await;
    let cases: Vec<Value> =
        serde_json::from_str(&std::fs::read_to_string(transcript).expect("a transcript")).expect("json");
    let mut compared = 0;
    for case in &cases {
        let note = case["note"].as_str().expect("a note");
        if !DIFFERENT.iter().any(|(word, _)| note.contains(word)) {
            compare(&companion, note, case).await;
            compared += 1;
        }
    }
    assert!(
        DIFFERENT
            .iter()
            .all(|(word, _)| cases.iter().any(|case| case["note"].as_str().expect("a note").contains(word)))
    );
    assert!(compared >= 55, "{compared} cases");
    // Unlike Prometheus, the companion refuses foreign hosts.
    let foreign = "GET /api/v1/query?query=1 HTTP/1.1\r\nHost: attacker.example\r\nConnection: close\r\n\r\n";
    assert!(exchange(companion.address, foreign.as_bytes()).await.starts_with("HTTP/1.1 4"));
    companion.stop().await;
}

async fn compare(companion: &Companion, note: &str, case: &Value) {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let url = format!("http://{}{}", companion.address, text(&case["path"]));
    let mut request = http().request(text(&case["method"]).parse().expect("a method"), url);
    if let Some(params) = case["params"].as_array() {
        request = request.query(&params.iter().map(|pair| (text(&pair[0]), text(&pair[1]))).collect::<Vec<_>>());
    }
    for (name, value) in case["request_headers"].as_object().expect("headers") {
        request = request.header(name, text(value));
    }
    if let Some(body) = case["request_body"].as_str() {
        request = request.body(body.to_owned());
    }
    let response = request.send().await.expect("an answer");
    let status = response.status().as_u16();
    let body = response.bytes().await.expect("a body");
    let body_text = String::from_utf8_lossy(&body);
    assert_eq!(u64::from(status), case["status"].as_u64().expect("a status"), "{note}: {body_text}");
    let Some(expected) = case.get("json") else { return };
    let answer: Value = serde_json::from_slice(&body).expect("json");
    assert_eq!(answer["status"], expected["status"], "{note}");
    assert_eq!(answer["errorType"], expected["errorType"], "{note}");
    assert_eq!(answer["error"].is_string(), expected["error"].is_string(), "{note}");
    // For long answers the transcript has only the number of series or samples.
    let count = |list: &Value| list.as_array().map(|list| list.len() as u64);
    let result = &answer["data"]["result"];
    match (expected["data"]["result"].as_u64(), expected["data"]["values"].as_u64()) {
        (Some(series), _) => assert_eq!(count(result), Some(series), "{note}"),
        (None, Some(samples)) => assert_eq!(count(&result[0]["values"]), Some(samples), "{note}"),
        (None, None) => assert_eq!(sorted(&answer["data"]), sorted(&expected["data"]), "{note}"),
    }
}

/// Sorts the series of a vector, which are in no particular order.
fn sorted(data: &Value) -> Value {
    let mut data = data.clone();
    let result = data.get_mut("result").and_then(Value::as_array_mut);
    if let Some(result) = result.filter(|result| result.first().is_some_and(Value::is_object)) {
        result.sort_by_key(|series| series["metric"].to_string());
    }
    data
}
