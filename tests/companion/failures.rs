//! Tests of broken and hostile targets: each fails with its own reason, and stores nothing.
use crate::harness::{
    Behaviour, Companion, FakeTarget, PlaintextServer, answer, args, hang, metrics_page, raw, scratch_file, status,
};

const TEXT: &str = "Content-Type: text/plain; version=0.0.4\r\n";

fn gzip(mut write: impl FnMut(&mut dyn std::io::Write)) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    write(&mut encoder);
    encoder.finish().expect("memory")
}

/// Waits until the companion reports `reason`, and until no `good` sample is stored.
async fn fails_with(behaviour: Behaviour, reason: &str) {
    let target = FakeTarget::start(behaviour).await;
    let companion = Companion::start(&args(&[&target.url()])).await;
    let instance = target.instance();
    let failed = format!("inferboard_scrape_failed{{instance=\"{instance}\"}}");
    companion.wait_for(&failed, &["reason"], &[&format!("{reason} 1")]).await;
    companion.wait_for(&format!("up{{instance=\"{instance}\"}}"), &[], &["0"]).await;
    companion.wait_for("good", &[], &[]).await;
}

#[tokio::test]
async fn answers_that_are_not_metrics_pages_store_nothing() {
    fails_with(status("401 Unauthorized"), "unauthorized").await;
    fails_with(status("204 No Content"), "status").await;
    fails_with(answer("Content-Type: text/html\r\n", b"good 1\n"), "content_type").await;
    fails_with(answer("", b"good 1\n"), "content_type").await;
    fails_with(answer("Content-Type: application/openmetrics-text\r\n", b"good 1\n"), "parse").await;
    fails_with(metrics_page("good 1\nbad{ 1\n"), "parse").await;
    fails_with(raw("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\ngood 1\n"), "broken")
        .await;
    fails_with(raw("no HTTP at all"), "broken").await;
    fails_with(hang(), "timeout").await;
}

#[tokio::test]
async fn metrics_pages_beyond_a_limit_store_nothing() {
    let lines = |count: usize| -> String { (0..count).map(|n| format!("good{{n=\"{n}\"}} 1\n")).collect() };
    fails_with(metrics_page(&lines(50_001)), "sample_limit").await;
    fails_with(metrics_page(&format!("good 1\nlong{{l=\"{}\"}} 1\n", "x".repeat(5000))), "label_limit").await;
    fails_with(metrics_page(&format!("good 1\n# {}\n", "x".repeat(2 << 20))), "line_limit").await;
    let many: Vec<_> = (0..65).map(|n| format!("l{n}=\"\"")).collect();
    fails_with(metrics_page(&format!("good 1\nmany{{{}}} 1\n", many.join(","))), "label_limit").await;
    let line = b"# a line of a page that is far too long to be kept\n";
    let bomb = gzip(|out| (0..1_000_000).for_each(|_| out.write_all(line).expect("memory")));
    fails_with(answer(&format!("{TEXT}Content-Encoding: gzip\r\n"), &bomb), "body_limit").await;
}

#[tokio::test]
async fn metrics_pages_in_other_encodings_store_nothing() {
    let once = gzip(|out| out.write_all(b"good 1\n").expect("memory"));
    let twice = gzip(|out| out.write_all(&once).expect("memory"));
    fails_with(answer(&format!("{TEXT}Content-Encoding: br\r\n"), b"good 1\n"), "encoding").await;
    fails_with(answer(&format!("{TEXT}Content-Encoding: gzip\r\n"), b"good 1\n"), "encoding").await;
    fails_with(answer(&format!("{TEXT}Content-Encoding: gzip\r\n"), &once[..once.len() - 9]), "encoding").await;
    fails_with(answer(&format!("{TEXT}Content-Encoding: gzip\r\n"), &twice), "parse").await;
}

#[tokio::test]
async fn unreachable_targets_fail_with_their_reasons() {
    let plaintext = PlaintextServer::start().await;
    let no_tls = format!("https://{}", plaintext.address);
    let no_name = format!("http://{}.invalid:1", "x".repeat(64));
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let companion = Companion::start(&args(&[&no_tls, &no_name, &format!("http://{closed}")])).await;
    let reasons = ["connect 1", "dns 1", "tls 1"];
    companion.wait_for("sum by (reason) (inferboard_scrape_failed)", &["reason"], &reasons).await;
}

/// Whether the first request for `path`, if any, had the credentials. Requests for other paths may be health probes.
fn had_credentials(target: &FakeTarget, path: &str) -> Option<bool> {
    let requests = target.requests.lock().expect("a lock");
    let head = requests.iter().find(|head| head.starts_with(&format!("GET {path} ")))?;
    Some(head.contains("authorization: Bearer hf_CANARY\r\n"))
}

#[tokio::test]
async fn a_redirect_to_another_origin_is_not_followed_and_gets_no_credentials() {
    let canary = FakeTarget::serving("good 1\n").await;
    let redirect = format!("HTTP/1.1 302 Found\r\nLocation: {}/\r\nContent-Length: 0\r\n\r\n", canary.url());
    let target = FakeTarget::start(raw(redirect)).await;
    let companion = with_credentials(&target).await;
    companion.wait_for("inferboard_scrape_failed", &["reason"], &["redirect 1"]).await;
    assert_eq!(had_credentials(&target, "/metrics"), Some(true));
    assert!(canary.requests.lock().expect("a lock").is_empty());
}

#[tokio::test]
async fn a_redirect_within_the_origin_is_followed_a_few_times() {
    let behaviour: Behaviour = std::sync::Arc::new(|head, stream| {
        let target = match head.split(' ').nth(1) {
            Some("/metrics") => "/moved",
            Some("/moved") => "/moved/again",
            Some("/moved/again") => return metrics_page("good 1\n")(head, stream),
            _ => "/round",
        };
        raw(format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n"))(head, stream)
    });
    let target = FakeTarget::start(behaviour).await;
    let companion = with_credentials(&target).await;
    companion.wait_for("good", &[], &["1"]).await;
    for path in ["/metrics", "/moved", "/moved/again"] {
        assert_eq!(had_credentials(&target, path), Some(true), "{path}");
    }

    let circular = Companion::start(&args(&[&format!("{}/round", target.url())])).await;
    circular.wait_for("inferboard_scrape_failed", &["reason"], &["redirect 1"]).await;
}

#[tokio::test]
async fn a_metrics_page_that_echoes_the_credentials_is_not_stored() {
    let echo: Behaviour = std::sync::Arc::new(|head, stream| {
        let token = head.lines().find_map(|line| line.strip_prefix("authorization: ")).unwrap_or_default().to_owned();
        metrics_page(&format!("good 1\necho{{token=\"{token}\"}} 1\n"))(head, stream)
    });
    let target = FakeTarget::start(echo).await;
    let companion = with_credentials(&target).await;
    companion.wait_for("inferboard_scrape_failed", &["reason"], &["secret_echo 1"]).await;
    let everything = companion.query("{__name__=~\".+\"}").await.to_string();
    assert!(everything.contains("secret_echo") && !everything.contains("CANARY"), "{everything}");
}

/// Starts a companion whose configuration has a token for the target.
async fn with_credentials(target: &FakeTarget) -> Companion {
    let text = format!("[[targets]]\nurl = \"{}\"\nauthorization = {{ credentials = \"hf_CANARY\" }}\n", target.url());
    let file = scratch_file(&text);
    Companion::start(&server::config::serve_args::ServeArgs { config: Some(file.to_path_buf()), ..args(&[]) }).await
}
