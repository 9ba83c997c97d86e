//! Tests of how targets are requested and what is accepted of them: basic authentication, headers, pages without a content
//! type, and limits that are raised and lowered.
use crate::certificates::{Folder, args_with};
use crate::harness::{Behaviour, Companion, FakeTarget, answer, metrics_page, status};
use server::config::Settings;
use std::fmt::Write as _;
use std::process::Command;
use std::sync::Arc;

/// Answers `then` to requests with this line in their head, and 401 to others.
fn guarded(line: &'static str, then: Behaviour) -> Behaviour {
    let refusal = status("401 Unauthorized");
    Arc::new(move |head: String, stream| {
        let is_allowed = head.lines().any(|own| own.eq_ignore_ascii_case(line));
        if is_allowed { then(head, stream) } else { refusal(head, stream) }
    })
}

async fn companion(folder: &Folder, target: &FakeTarget, keys: &str) -> Companion {
    let text = format!("[[targets]]\nurl = \"{}\"\n{keys}\n", target.url());
    Companion::start(&args_with(&folder.config(&text))).await
}

/// The exit code of `check` for a URL and what it prints.
async fn check(url: String, args: &[&str]) -> (Option<i32>, String) {
    check_with(url, args, &[]).await
}

/// As [`check`], with these environment variables.
pub(crate) async fn check_with(url: String, args: &[&str], variables: &[(&str, String)]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_inferboard-server"));
    command.arg("check").arg(url).args(args).envs(variables.iter().cloned());
    let run = move || {
        let output = command.output().expect("the command");
        (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).expect("text"))
    };
    tokio::task::spawn_blocking(run).await.expect("no panic")
}

/// A page of so many samples, each of its own series.
fn page_of(samples: usize) -> String {
    let mut page = String::from("# TYPE many gauge\n");
    for number in 0..samples {
        writeln!(page, "many{{number=\"{number}\"}} {number}").expect("memory");
    }
    page
}

#[tokio::test]
async fn a_password_in_a_file_is_sent_and_read_again() {
    let folder = Folder::new();
    folder.write("password", "wrong_CANARY\n");
    // The example of RFC 7617.
    let line = "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
    let target = FakeTarget::start(guarded(line, metrics_page("a 1\n"))).await;
    let keys = "basic_auth = { username = \"Aladdin\", password_file = \"$DIR/password\" }";
    let companion = companion(&folder, &target, keys).await;
    companion.wait_for("inferboard_scrape_failed", &["reason"], &["unauthorized 1"]).await;
    folder.write("password", "open sesame\n");
    companion.wait_for("a", &[], &["1"]).await;
    // A page that repeats the password, or what it is sent as, is refused.
    for echo in ["open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="] {
        target.set_behaviour(Some(metrics_page(&format!("a{{echo=\"{echo}\"}} 1\n"))));
        companion.wait_for("inferboard_scrape_failed", &["reason"], &["secret_echo 1"]).await;
    }
    companion.stop().await;
}

#[tokio::test]
async fn headers_come_from_values_and_files() {
    let folder = Folder::new();
    folder.write("key", "k_CANARY_1\n");
    let target = FakeTarget::start(guarded("x-api-key: k_CANARY_2", metrics_page("a 1\n"))).await;
    let keys = "http_headers = { X-Scope-OrgID = { values = [\"team-a\"] }, X-Api-Key = { files = [\"$DIR/key\"] } }";
    let companion = companion(&folder, &target, keys).await;
    companion.wait_for("inferboard_scrape_failed", &["reason"], &["unauthorized 1"]).await;
    folder.write("key", "k_CANARY_2\n");
    companion.wait_for("a", &[], &["1"]).await;
    let heads = target.requests.lock().expect("a lock").clone();
    let of =
        |path: &str| heads.iter().filter(move |head| head.starts_with(&format!("GET {path} "))).collect::<Vec<_>>();
    assert!(of("/metrics").iter().all(|head| head.contains("x-scope-orgid: team-a\r\n")), "{heads:?}");
    // An unknown server's health is asked for without secrets.
    assert!(of("/health").iter().all(|head| !head.contains("CANARY")), "{heads:?}");
    target.set_behaviour(Some(metrics_page("a{echo=\"k_CANARY_2\"} 1\n")));
    companion.wait_for("inferboard_scrape_failed", &["reason"], &["secret_echo 1"]).await;
    companion.stop().await;
}

#[test]
fn keys_that_cannot_be_used_stop_the_start() {
    let folder = Folder::new();
    for (keys, expected) in [
        ("basic_auth = { password = \"CANARY\" }", "target 1: basic_auth: set username, which has no colon"),
        ("basic_auth = { username = \"u\" }", "set exactly one of password, password_file and password_env"),
        ("basic_auth = { username = \"u\", password_env = \"NO_SUCH_NAME\" }", "NO_SUCH_NAME is not set"),
        (
            "basic_auth = { username = \"u\", password = \"CANARY\" }\nauthorization = { credentials = \"CANARY\" }",
            "set either authorization or basic_auth",
        ),
        ("http_headers = { Authorization = { values = [\"CANARY\"] } }", "see authorization and basic_auth"),
        ("http_headers = { \"a b\" = { values = [\"CANARY\"] } }", "this is not the name of a header"),
        ("http_headers = { X-Key = { values = [\"CANARY\\n\"] } }", "a header cannot hold this value"),
        ("http_headers = { X-Key = {} }", "set values, secrets, files or env"),
        ("http_headers = { X-Key = \"CANARY\" }", "expected a table with values, secrets, files or env"),
        ("proxy_url = \"socks5://u:CANARY@proxy:1080\"", "only proxies that are reached by HTTP can be used"),
        ("no_proxy = \"a\"", "proxy_basic_auth and no_proxy need proxy_url"),
        ("proxy_url = \"http://p\"\nno_proxy = \"a b\"", "\"a b\" is neither a host nor a network"),
        ("proxy_url = \"http://p\"\nproxy_from_environment = true", "remove proxy_url"),
        ("fallback_scrape_protocol = \"text\"", "write one of PrometheusText0.0.4, PrometheusText1.0.0, OpenMetrics"),
        ("sample_limit = 0", "sample_limit: 0 is not between 1 and 2000000"),
        ("body_size_limit = \"1GiB\"", "\"1GiB\" is more than 256MiB, the highest limit"),
        ("body_size_limit = \"large\"", "\"large\" is not a size"),
    ] {
        let path = folder.config(&format!("[[targets]]\nurl = \"http://a:1\"\n{keys}\n"));
        let error = Settings::load(&args_with(&path)).expect_err(keys).to_string();
        assert!(error.contains(expected) && !error.contains("CANARY"), "{error}");
    }
}

#[tokio::test]
async fn a_page_without_a_content_type_is_read_in_the_format_that_is_set() {
    let folder = Folder::new();
    let open: &[u8] = b"# TYPE opened counter\nopened_total 2\n# EOF\n";
    for (headers, page, protocol, series) in [
        ("", &b"a 1\n"[..], "PrometheusText0.0.4", "a"),
        ("Content-Type: text/html\r\n", b"a 1\n", "PrometheusText1.0.0", "a"),
        ("Content-Type: nonsense\r\n", open, "OpenMetricsText1.0.0", "opened_total"),
        // What a content type says counts.
        ("Content-Type: application/openmetrics-text\r\n", open, "PrometheusText0.0.4", "opened_total"),
    ] {
        let target = FakeTarget::start(answer(headers, page)).await;
        let keys = format!("fallback_scrape_protocol = \"{protocol}\"");
        let companion = companion(&folder, &target, &keys).await;
        companion.wait_for(&format!("count({series})"), &[], &["1"]).await;
        companion.stop().await;
    }
}

#[tokio::test]
async fn check_says_which_format_to_set_and_reads_pages_in_it() {
    let page = FakeTarget::start(answer("", b"a 1\n")).await;
    let (code, text) = check(page.url(), &[]).await;
    assert!(code == Some(1) && text.contains("(content_type)"), "{text}");
    assert!(text.contains("\n  fallback_scrape_protocol = \"PrometheusText0.0.4\""), "{text}");
    let (code, text) = check(page.url(), &["--format", "text"]).await;
    assert!(code == Some(0) && text.contains("Prometheus text (by --format)"), "{text}");
    let (code, text) = check(page.url(), &["--set", "fallback_scrape_protocol = \"PrometheusText0.0.4\""]).await;
    assert!(code == Some(0) && text.contains("All would be stored"), "{text}");
    // A page that needs more than a format gets all lines.
    let labels: String = (0..80).map(|label| format!("l{label}=\"x\",")).collect();
    let both = FakeTarget::start(answer("", format!("a{{{labels}}} 1\n").as_bytes())).await;
    let (_, text) = check(both.url(), &[]).await;
    assert!(text.contains("\n  fallback_scrape_protocol = ") && text.contains("\n  label_limit = 100\n"), "{text}");
    let login = FakeTarget::start(answer("Content-Type: text/html\r\n", b"<html>sign in</html>")).await;
    let (code, text) = check(login.url(), &[]).await;
    assert!(code == Some(1) && !text.contains("fallback_scrape_protocol = "), "{text}");
}

#[tokio::test]
async fn check_has_the_credentials_of_the_configuration() {
    let folder = Folder::new();
    let target = FakeTarget::start(guarded("authorization: Bearer t_CANARY", metrics_page("a 1\n"))).await;
    folder.write("token", "t_CANARY\n");
    let keys = "authorization = { credentials_file = \"$DIR/token\" }";
    let config = folder.config(&format!("[[targets]]\nurl = \"{}\"\n{keys}\n", target.url()));
    let config = config.to_str().expect("text");
    let (code, text) = check(target.url(), &[]).await;
    assert!(code == Some(1) && text.contains("\n  basic_auth = { username = "), "{text}");
    let (code, text) = check(target.url(), &["--config", config]).await;
    assert!(code == Some(0) && !text.contains("CANARY"), "{text}");
    let (code, text) = check(target.url(), &["--config", config, "--set", "authorization.type = \"Token\""]).await;
    assert!(code == Some(1) && text.contains("(unauthorized)"), "{text}");
    let other = FakeTarget::serving("a 1\n").await;
    let (code, text) = check(other.url(), &["--config", config]).await;
    assert!(code == Some(0) && text.contains("Warning: ") && text.contains("no target with this URL"), "{text}");
}

#[tokio::test]
async fn secrets_come_from_variables_too() {
    let line = "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
    let target = FakeTarget::start(guarded(line, guarded("x-api-key: k_CANARY", metrics_page("a 1\n")))).await;
    let set = [
        "--set",
        "basic_auth = { username = \"Aladdin\", password_env = \"GPU_PASSWORD\" }",
        "--set",
        "http_headers = { X-Api-Key = { env = [\"GPU_KEY\"] } }",
    ];
    let variables = [("GPU_PASSWORD", "open sesame".to_owned()), ("GPU_KEY", "k_CANARY".to_owned())];
    let (code, text) = check_with(target.url(), &set, &variables).await;
    assert!(code == Some(0) && !text.contains("CANARY"), "{text}");
    let (code, text) = check_with(target.url(), &set, &variables[..1]).await;
    assert!(code == Some(2) && text.contains("the environment variable GPU_KEY is not set"), "{text}");
}

#[tokio::test]
async fn sixty_thousand_samples_are_stored_under_a_raised_limit() {
    let folder = Folder::new();
    let target = FakeTarget::serving(&page_of(60_000)).await;
    let pace = "scrape_interval = \"20s\"\nscrape_timeout = \"20s\"\n";
    let refused = companion(&folder, &target, pace).await;
    refused.wait_for("inferboard_scrape_failed", &["reason"], &["sample_limit 1"]).await;
    refused.stop().await;
    let (code, text) = check(target.url(), &[]).await;
    assert!(code == Some(1) && text.contains("\n  sample_limit = 75000\n"), "{text}");
    let raised = companion(&folder, &target, &format!("{pace}sample_limit = 75000")).await;
    raised.wait_for("count(many)", &[], &["60000"]).await;
    raised.wait_for("scrape_samples_scraped{job=\"targets\"}", &[], &["60000"]).await;
    raised.stop().await;
}

#[tokio::test]
async fn limits_are_lowered_and_raised_and_the_reason_names_the_key() {
    let folder = Folder::new();
    let value = "x".repeat(5000);
    for (page, lowered, reason, advice, raised) in [
        (page_of(100), "sample_limit = 99", "sample_limit", "sample_limit = 130", "sample_limit = 100"),
        (page_of(100), "body_size_limit = \"1kB\"", "body_limit", "body_size_limit = \"1MiB\"", ""),
        ("a{b=\"c\",d=\"e\"} 1\n".into(), "label_limit = 1", "label_limit", "label_limit = 2", "label_limit = 2"),
        ("a{long=\"c\"} 1\n".into(), "label_name_length_limit = 3", "label_limit", "label_name_length_limit = 5", ""),
        (
            format!("a{{b=\"{value}\"}} 1\n"),
            "",
            "label_limit",
            "label_value_length_limit = 6300",
            "label_value_length_limit = 5000",
        ),
    ] {
        let target = FakeTarget::serving(&page).await;
        let refused = companion(&folder, &target, lowered).await;
        refused.wait_for("inferboard_scrape_failed", &["reason"], &[&format!("{reason} 1")]).await;
        refused.stop().await;
        let set: Vec<&str> = if lowered.is_empty() { vec![] } else { vec!["--set", lowered] };
        let (code, text) = check(target.url(), &set).await;
        assert!(code == Some(1) && text.contains(&format!("\n  {advice}\n")), "{text}");
        let accepted = companion(&folder, &target, raised).await;
        accepted.wait_for("up{job=\"targets\"}", &[], &["1"]).await;
        accepted.stop().await;
    }
}
