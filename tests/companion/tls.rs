//! Tests of `tls_config`: private authorities, self-signed certificates, client certificates, and files that change.
use crate::certificates::{Authority, Folder, Pair, TlsServer, Validity, args_with};
use crate::harness::Companion;
use server::config::Settings;
use std::process::Command;

const PAGE: &str = "a 1\n";

/// A companion with one target at `url` that has this `tls_config`.
async fn companion(folder: &Folder, url: &str, tls: &str) -> Companion {
    Companion::start(&args_with(&folder.config(&format!("[[targets]]\nurl = \"{url}\"\ntls_config = {{ {tls} }}\n"))))
        .await
}

#[tokio::test]
async fn a_private_authority_is_trusted_where_the_target_names_it() {
    let (authority, folder) = (Authority::new("Acme"), Folder::new());
    folder.write("ca.pem", &authority.pem);
    let server = TlsServer::start(&authority.sign("localhost", Validity::Now), None, PAGE).await;
    let known = companion(&folder, &server.url("localhost"), "ca_file = \"$DIR/ca.pem\"").await;
    known.wait_for("a", &[], &["1"]).await;
    // The connection stays open: its files do not change.
    known.wait_for("sum_over_time(up{job=\"targets\"}[1m]) > bool 3", &[], &["1"]).await;
    assert_eq!(server.handshakes().len(), 1);
    let unknown = companion(&folder, &server.url("localhost"), "").await;
    unknown.wait_for("inferboard_scrape_failed", &["reason"], &["tls_authority 1"]).await;
    known.stop().await;
    unknown.stop().await;
}

#[tokio::test]
async fn a_certificate_is_for_a_name_and_a_time() {
    let (authority, folder) = (Authority::new("Acme"), Folder::new());
    folder.write("ca.pem", &authority.pem);
    let server = TlsServer::start(&authority.sign("gpu-7.acme.example", Validity::Now), None, PAGE).await;
    let ca = "ca_file = \"$DIR/ca.pem\"";
    let other = companion(&folder, &server.url("localhost"), ca).await;
    other.wait_for("inferboard_scrape_failed", &["reason"], &["tls_name 1"]).await;
    other.stop().await;
    let named = format!("{ca}, server_name = \"gpu-7.acme.example\"");
    let named = companion(&folder, &server.url("localhost"), &named).await;
    named.wait_for("a", &[], &["1"]).await;
    named.stop().await;
    let expired = TlsServer::start(&authority.sign("localhost", Validity::Past), None, PAGE).await;
    let late = companion(&folder, &expired.url("localhost"), ca).await;
    late.wait_for("inferboard_scrape_failed", &["reason"], &["tls_expired 1"]).await;
    late.stop().await;
}

#[tokio::test]
async fn a_self_signed_certificate_is_trusted_by_itself() {
    for is_authority in [true, false] {
        let folder = Folder::new();
        let (pair, stranger) =
            (Pair::self_signed("localhost", is_authority), Pair::self_signed("localhost", is_authority));
        let server = TlsServer::start(&pair, None, PAGE).await;
        folder.write("ca.pem", &pair.certificate);
        let trusting = companion(&folder, &server.url("localhost"), "ca_file = \"$DIR/ca.pem\"").await;
        trusting.wait_for("a", &[], &["1"]).await;
        // The name counts for it too.
        let wrong = companion(&folder, &server.url("127.0.0.1"), "ca_file = \"$DIR/ca.pem\"").await;
        wrong.wait_for("inferboard_scrape_failed", &["reason"], &["tls_name 1"]).await;
        folder.write("other.pem", &stranger.certificate);
        let other = companion(&folder, &server.url("localhost"), "ca_file = \"$DIR/other.pem\"").await;
        other.wait_for("inferboard_scrape_failed", &["reason"], &["tls_authority 1"]).await;
        let any = companion(&folder, &server.url("127.0.0.1"), "insecure_skip_verify = true").await;
        any.wait_for("a", &[], &["1"]).await;
        for companion in [trusting, wrong, other, any] {
            companion.stop().await;
        }
    }
}

#[tokio::test]
async fn a_client_certificate_is_shown_and_renewed_without_a_restart() {
    let (authority, folder) = (Authority::new("Acme"), Folder::new());
    let server = TlsServer::start(&authority.sign("localhost", Validity::Now), Some(&authority), PAGE).await;
    folder.write("ca.pem", &authority.pem);
    let without = companion(&folder, &server.url("localhost"), "ca_file = \"$DIR/ca.pem\"").await;
    without.wait_for("inferboard_scrape_failed", &["reason"], &["tls_client 1"]).await;
    without.stop().await;
    let (first, second) = (authority.sign("one", Validity::Now), authority.sign("two", Validity::Now));
    folder.write("own.pem", &first.certificate);
    folder.write("own-key.pem", &first.key);
    let tls = "ca_file = \"$DIR/ca.pem\", cert_file = \"$DIR/own.pem\", key_file = \"$DIR/own-key.pem\"";
    let companion = companion(&folder, &server.url("localhost"), tls).await;
    companion.wait_for("a", &[], &["1"]).await;
    server.wait_for(&first).await;
    // A certificate without its key is not used yet: the scrapes go on with the old pair.
    folder.write("own.pem", &second.certificate);
    companion.wait_for("sum_over_time(up{job=\"targets\"}[1m]) > bool 5", &[], &["1"]).await;
    assert_eq!(companion.values("min_over_time(up{job=\"targets\"}[1m])", &[]).await, ["1"]);
    folder.write("own-key.pem", &second.key);
    server.wait_for(&second).await;
    assert_eq!(companion.values("min_over_time(up{job=\"targets\"}[1m])", &[]).await, ["1"]);
    companion.stop().await;
}

#[tokio::test]
async fn a_new_authority_is_trusted_without_a_restart() {
    let (old, new, folder) = (Authority::new("Old"), Authority::new("New"), Folder::new());
    folder.write("ca.pem", &old.pem);
    let server = TlsServer::start(&new.sign("localhost", Validity::Now), None, PAGE).await;
    let companion = companion(&folder, &server.url("localhost"), "ca_file = \"$DIR/ca.pem\"").await;
    companion.wait_for("inferboard_scrape_failed", &["reason"], &["tls_authority 1"]).await;
    folder.write("ca.pem", &format!("{}{}", old.pem, new.pem));
    companion.wait_for("a", &[], &["1"]).await;
    // One that is taken out of the file is not trusted any more, on connections that are open either.
    folder.write("ca.pem", &old.pem);
    companion.wait_for("inferboard_scrape_failed", &["reason"], &["tls_authority 1"]).await;
    server.show(&old.sign("localhost", Validity::Now));
    companion.wait_for("a", &[], &["1"]).await;
    companion.stop().await;
}

#[tokio::test]
async fn a_certificate_file_that_hangs_keeps_its_content() {
    let (authority, folder) = (Authority::new("Acme"), Folder::new());
    folder.write("ca.pem", &authority.pem);
    let server = TlsServer::start(&authority.sign("localhost", Validity::Now), None, PAGE).await;
    let companion = companion(&folder, &server.url("localhost"), "ca_file = \"$DIR/ca.pem\"").await;
    companion.wait_for("a", &[], &["1"]).await;
    // Opening a pipe waits for someone who writes to it.
    assert!(Command::new("mkfifo").arg(folder.path("pipe")).status().expect("mkfifo").success());
    std::fs::rename(folder.path("pipe"), folder.path("ca.pem")).expect("a pipe");
    let before = companion.values("sum_over_time(up{job=\"targets\"}[1h])", &[]).await;
    let more = before[0].parse::<f64>().expect("a number") + 4.0;
    companion.wait_for(&format!("sum_over_time(up{{job=\"targets\"}}[1h]) > bool {more}"), &[], &["1"]).await;
    assert_eq!(companion.values("min_over_time(up{job=\"targets\"}[1h])", &[]).await, ["1"]);
    // So that the thread that reads it ends.
    std::fs::write(folder.path("ca.pem"), &authority.pem).expect("a reader");
    companion.stop().await;
}

#[tokio::test]
async fn platforms_have_certificates_of_their_own_too() {
    let (authority, folder) = (Authority::new("Acme"), Folder::new());
    folder.write("ca.pem", &authority.pem);
    let server = TlsServer::start(&authority.sign("localhost", Validity::Now), None, PAGE).await;
    let keys = format!(
        "[[baseten]]\nurl = \"{}/metrics\"\nauthorization = {{ credentials = \"bt_CANARY\" }}\n",
        server.url("localhost")
    );
    for (tls, query) in [
        ("tls_config = { ca_file = \"$DIR/ca.pem\" }", "a"),
        ("", "inferboard_scrape_failed{reason=\"tls_authority\"}"),
    ] {
        let companion = Companion::start(&args_with(&folder.config(&format!("{keys}{tls}\n")))).await;
        companion.wait_for(query, &["job"], &["baseten 1"]).await;
        companion.stop().await;
    }
}

#[test]
fn files_that_do_not_hold_what_they_should_stop_the_start() {
    let (authority, folder) = (Authority::new("Acme"), Folder::new());
    let (one, two) = (authority.sign("one", Validity::Now), authority.sign("two", Validity::Now));
    folder.write("ca.pem", &authority.pem);
    folder.write("empty.pem", "no certificate");
    folder.write("one.pem", &one.certificate);
    folder.write("one-key.pem", &one.key);
    folder.write("two-key.pem", &two.key);
    for (tls, expected) in [
        ("ca_file = \"$DIR/none.pem\"", "cannot read"),
        ("ca_file = \"$DIR/empty.pem\"", "target 1: tls_config: ca_file holds no certificate in PEM form"),
        ("ca_file = \"$DIR/one-key.pem\"", "target 1: tls_config: ca_file holds no certificate in PEM form"),
        ("cert_file = \"$DIR/one.pem\"", "set both cert_file and key_file, or neither"),
        ("cert_file = \"$DIR/one.pem\", key_file = \"$DIR/ca.pem\"", "key_file holds no private key in PEM form"),
        ("cert_file = \"$DIR/one.pem\", key_file = \"$DIR/two-key.pem\"", "the key of another certificate"),
        ("server_name = \"a b\"", "server_name: \"a b\" is neither a host name nor an address"),
        ("ca_file = \"$DIR/ca.pem\", insecure_skip_verify = true", "ca_file has no effect with insecure_skip_verify"),
        ("verify = false", "unknown field `verify`"),
    ] {
        let path = folder.config(&format!("[[targets]]\nurl = \"https://a:1\"\ntls_config = {{ {tls} }}\n"));
        let error = Settings::load(&args_with(&path)).expect_err(tls).to_string();
        assert!(error.contains(expected), "{error}");
    }
    let path = folder.config("[[targets]]\nurl = \"http://a:1\"\ntls_config = { insecure_skip_verify = true }\n");
    let error = Settings::load(&args_with(&path)).expect_err("plain HTTP").to_string();
    assert!(error.contains("it has no effect on a URL that begins with http://"), "{error}");
    let path = folder.config("[[targets]]\nurl = \"https://a:1\"\ntls_config = { insecure_skip_verify = true }\n");
    let warnings = Settings::load(&args_with(&path)).expect("settings").warnings;
    assert!(
        warnings.iter().any(|text| text.starts_with("a:1/metrics: tls_config.insecure_skip_verify")),
        "{warnings:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn check_says_which_key_to_write() {
    let (authority, folder) = (Authority::new("Acme"), Folder::new());
    let ca = folder.write("ca.pem", &authority.pem);
    let server = TlsServer::start(&authority.sign("gpu-7.acme.example", Validity::Now), None, PAGE).await;
    let url = server.url("localhost");
    let check_at = |url: &str, args: Vec<String>| {
        let output = Command::new(env!("CARGO_BIN_EXE_inferboard-server")).arg("check").arg(url).args(args).output();
        let output = output.expect("the command");
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).expect("text"))
    };
    let check = |args: Vec<String>| check_at(&url, args);
    let set = |line: String| ["--set".to_owned(), line];
    let (code, text) = check_at(&url.replace("https", "http"), Vec::new());
    assert!(code == Some(1) && text.contains(&format!("\n  url = \"{url}/metrics\"\n")), "{text}");
    let (code, text) = check(Vec::new());
    assert!(
        code == Some(1) && text.contains("(tls_authority)") && text.contains("\n  tls_config = { ca_file = "),
        "{text}"
    );
    let ca = set(format!("tls_config.ca_file = {ca:?}"));
    let (code, text) = check(ca.to_vec());
    assert!(
        code == Some(1)
            && text.contains("(tls_name)")
            && text.contains("\n  tls_config = { server_name = \"gpu-7.acme.example\" }\n"),
        "{text}"
    );
    let name = set("tls_config.server_name = \"gpu-7.acme.example\"".into());
    let (code, text) = check([ca, name].concat());
    assert!(code == Some(0) && text.contains("All would be stored") && !text.contains("Warning"), "{text}");
    let (code, text) = check(set("tls_config.insecure_skip_verify = true".into()).to_vec());
    assert!(code == Some(0) && text.contains("Warning: tls_config.insecure_skip_verify is set"), "{text}");
}
