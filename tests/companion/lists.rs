//! Tests of `http_sd`: lists of targets at URLs, which change, fail and come back.
use crate::certificates::{Authority, Folder, TlsServer, Validity, args_with};
use crate::harness::{Behaviour, Companion, FakeTarget, answer, hang, status};
use server::config::Settings;

fn list(text: &str) -> Behaviour {
    answer("Content-Type: application/json\r\n", text.as_bytes())
}

/// A companion with a list at `url` that is requested each second, and these keys.
async fn companion(folder: &Folder, url: &str, keys: &str) -> Companion {
    let text = format!("[[http_sd]]\nurl = \"{url}/targets\"\nrefresh_interval = \"1s\"\n{keys}\n");
    Companion::start(&args_with(&folder.config(&text))).await
}

#[tokio::test]
async fn targets_come_and_go_with_the_list() {
    let (one, two) = (FakeTarget::serving("a 1\n").await, FakeTarget::serving("a 2\n").await);
    let labelled =
        |target: &FakeTarget| format!(r#"{{"targets":["{}"],"labels":{{"model":"m","team":"t"}}}}"#, target.address);
    let inventory = FakeTarget::start(list(&format!("[{}]", labelled(&one)))).await;
    let companion = companion(&Folder::new(), &inventory.url(), "").await;
    companion.wait_for("a", &["model", "team"], &["m t 1"]).await;
    let head = inventory.requests.lock().expect("a lock")[0].clone();
    assert!(head.starts_with("GET /targets HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("accept: application/json\r\n"), "{head}");
    assert!(head.contains("x-prometheus-refresh-interval-seconds: 1\r\n"), "{head}");
    inventory.set_behaviour(Some(list(&format!("[{},{}]", labelled(&one), labelled(&two)))));
    companion.wait_for("sort(a)", &[], &["1", "2"]).await;
    // The first goes on without a gap: a restarted target would add its series again.
    let added = format!("sum_over_time(scrape_series_added{{instance=\"{}\"}}[1m])", one.instance());
    assert_eq!(companion.values(&added, &[]).await, ["1"]);
    inventory.set_behaviour(Some(list(&format!("[{}]", labelled(&two)))));
    companion.wait_for("a", &[], &["2"]).await;
    inventory.set_behaviour(Some(list("[]")));
    companion.wait_for("a", &[], &[]).await;
    companion.stop().await;
}

#[tokio::test]
async fn a_list_that_fails_keeps_its_targets() {
    let target = FakeTarget::serving("a 1\n").await;
    let good = format!(r#"[{{"targets":["{}"]}}]"#, target.address);
    let inventory = FakeTarget::start(list(&good)).await;
    let companion = companion(&Folder::new(), &inventory.url(), "").await;
    companion.wait_for("a", &[], &["1"]).await;
    let long = format!(r#"[{{"targets":["{}"]}}]"#, "x".repeat(5 << 20));
    for broken in [
        Some(status("503 Service Unavailable")),
        Some(list("{\"targets\": []}")),
        Some(list("[{\"targets\": [\"a b\"]}]")),
        Some(list(&long)),
        Some(hang()),
        None,
    ] {
        let count = inventory.count("GET /targets");
        inventory.set_behaviour(broken);
        inventory.wait_for("GET /targets", count + 2).await;
        let scrapes = target.count("GET /metrics");
        target.wait_for("GET /metrics", scrapes + 2).await;
    }
    assert_eq!(companion.values("min_over_time(up{job=\"targets\"}[1m])", &[]).await, ["1"]);
    // After it is back it counts again.
    inventory.set_behaviour(Some(list("[]")));
    companion.wait_for("a", &[], &[]).await;
    companion.stop().await;
}

#[tokio::test]
async fn a_list_and_its_targets_are_requested_in_their_own_ways() {
    let (authority, folder) = (Authority::new("Acme"), Folder::new());
    folder.write("ca.pem", &authority.pem);
    folder.write("token", "t_CANARY\n");
    let server = TlsServer::start(&authority.sign("localhost", Validity::Now), None, "a 1\na 2\nb 1\n").await;
    let text = format!(r#"[{{"targets":["localhost:{}"],"labels":{{"__scheme__":"https"}}}}]"#, server.address.port());
    let inventory = FakeTarget::start(list(&text)).await;
    let keys = "authorization = { credentials_file = \"$DIR/token\" }\n\
        scrape = { tls_config = { ca_file = \"$DIR/ca.pem\" }, sample_limit = 3 }\n";
    let first = companion(&folder, &inventory.url(), keys).await;
    first.wait_for("b", &[], &["1"]).await;
    let heads = inventory.requests.lock().expect("a lock").concat();
    assert!(heads.contains("authorization: Bearer t_CANARY\r\n"), "{heads}");
    first.stop().await;
    let tight = companion(&folder, &inventory.url(), &keys.replace("sample_limit = 3", "sample_limit = 2")).await;
    tight.wait_for("inferboard_scrape_failed", &["reason"], &["sample_limit 1"]).await;
    // A reload replaces how the targets are scraped.
    let text = format!("[[http_sd]]\nurl = \"{}/targets\"\nrefresh_interval = \"1s\"\n{keys}", inventory.url());
    let settings = Settings::load(&args_with(&folder.config(&text))).expect("settings");
    tight.reloads.send(settings.targets).await.expect("a companion");
    tight.wait_for("b", &[], &["1"]).await;
    tight.stop().await;
}

#[tokio::test]
async fn the_targets_of_a_file_have_the_keys_of_its_table() {
    let (folder, target) = (Folder::new(), FakeTarget::start(answer("", b"a 1\n")).await);
    folder.write("plain.json", "[]");
    folder.write("odd.json", &format!(r#"[{{"targets":["{}"]}}]"#, target.address));
    let text = "[[file_sd]]\nfiles = [\"$DIR/odd*.json\"]\n\
        scrape = { fallback_scrape_protocol = \"PrometheusText0.0.4\" }\n";
    let odd = Companion::start(&args_with(&folder.config(text))).await;
    odd.wait_for("a", &[], &["1"]).await;
    odd.stop().await;
    let mixed = "file_sd = [\"$DIR/plain.json\", { files = [\"$DIR/odd.json\"] }]\n";
    let mixed = Companion::start(&args_with(&folder.config(mixed))).await;
    mixed.wait_for("inferboard_scrape_failed", &["reason"], &["content_type 1"]).await;
    mixed.stop().await;
}

#[test]
fn lists_that_cannot_be_used_stop_the_start() {
    let folder = Folder::new();
    for (text, expected) in [
        ("[[http_sd]]\n", "http_sd: set url"),
        ("[[http_sd]]\nurl = \"ftp://a\"\n", "http_sd: the URL must begin with http:// or https://"),
        ("[[http_sd]]\nurl = \"http://a\"\nrefresh_interval = \"10ms\"\n", "http_sd a:80: refresh_interval: 10ms"),
        ("[[http_sd]]\nurl = \"http://a\"\nsample_limit = 7\n", "unknown field `sample_limit`"),
        ("[[http_sd]]\nurl = \"http://a\"\nscrape = { sample_limit = 0 }\n", "http_sd a:80: scrape: sample_limit: 0"),
        ("[[http_sd]]\nurl = \"http://a\"\nscrape = { port = 7 }\n", "unknown field `port`"),
        ("[[file_sd]]\nscrape = {}\n", "file_sd: set files"),
        ("[[file_sd]]\nfile = \"a\"\n", "unknown field `file`"),
        ("file_sd = [7]\n", "expected a pattern of paths, or a table with files and scrape"),
    ] {
        let error = Settings::load(&args_with(&folder.config(text))).expect_err(text).to_string();
        assert!(error.contains(expected), "{error}");
    }
    let insecure = "[[http_sd]]\nurl = \"https://a/x?token=CANARY\"\ntls_config = { insecure_skip_verify = true }\n";
    let warnings = Settings::load(&args_with(&folder.config(insecure))).expect("settings").warnings;
    assert!(warnings.iter().any(|text| text.starts_with("a:443/x: tls_config.insecure_skip_verify")), "{warnings:?}");
}
