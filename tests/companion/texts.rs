//! Tests of what others write: names of the companion's own metrics, encoded secrets, and texts that act on a terminal.
use crate::harness::{Behaviour, Companion, FakeTarget, answer, args, metrics_page, scratch_file};
use crate::program::{PROGRAM, Program};
use inferboard_tests::PATIENCE;
use rustix::process::Signal;
use server::config::serve_args::ServeArgs;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Instant;

const TOKEN: &str = "hf_CANARY0123456789";

async fn wait_for_log(log: &Path, words: &str) {
    let began = Instant::now();
    while !fs::read_to_string(log).expect("a log").contains(words) {
        assert!(began.elapsed() < PATIENCE, "no {words:?} in {}", fs::read_to_string(log).expect("a log"));
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_page_cannot_say_what_the_companion_reports_about_its_target() {
    let page = "up 0\nscrape_samples_scraped 9\ninferboard_scrape_failed{reason=\"<b>x\"} 1\n\
        inferboard_replica_state{state=\"evil\"} 1\ninferboard_replica_restarts_total 999\n\
        inferboard_target_role{role=\"gateway\"} 1\ninferboard_requests_total 7\ngood 1\n";
    let target = FakeTarget::serving(page).await;
    let companion = Companion::start(&args(&[&target.url()])).await;
    companion.wait_for("good", &[], &["1"]).await;
    companion.wait_for("inferboard_replica_state == 1", &["state"], &["running 1"]).await;
    for (query, expected) in [
        ("up{job!~\"host|inferboard\"}", &["1"][..]),
        ("inferboard_scrape_failed", &[]),
        ("inferboard_replica_state{state=\"evil\"}", &[]),
        ("inferboard_replica_restarts_total > 5", &[]),
        ("inferboard_target_role", &[]),
        ("inferboard_requests_total", &["7"]),
        ("exported_up", &["0"]),
        ("exported_inferboard_replica_state", &["1"]),
        ("exported_inferboard_replica_restarts_total", &["999"]),
    ] {
        assert_eq!(companion.values(query, &[]).await, expected, "{query}");
    }
}

/// Answers with a page, or with a header, that repeats the credentials as `encode` writes them.
fn echo(in_header: bool, encode: fn(&str) -> String) -> Behaviour {
    Arc::new(move |head, stream| {
        let token = head.split("Bearer ").nth(1).and_then(|rest| rest.split("\r\n").next()).unwrap_or_default();
        let echoed = encode(token);
        let behaviour = match in_header {
            true => answer(&format!("Content-Type: text/plain\r\nX-Request: {echoed}\r\n"), b"good 1\n"),
            false => metrics_page(&format!("good 1\necho{{token=\"x{echoed}\"}} 1\n")),
        };
        behaviour(head, stream)
    })
}

/// The base64 of `x` and the token, made by another program than the one under test.
fn base64(text: &str) -> String {
    let command = format!("printf 'ab%s' '{text}' | base64 -w0");
    let output = Command::new("sh").args(["-c", &command]).output().expect("base64");
    String::from_utf8(output.stdout).expect("text")
}

#[tokio::test]
async fn credentials_are_recognised_in_headers_and_encoded() {
    let encodings: [fn(&str) -> String; 4] = [
        str::to_owned,
        base64,
        |text| text.bytes().map(|byte| format!("{byte:02x}")).collect(),
        |text| text.bytes().map(|byte| format!("%{byte:02X}")).collect(),
    ];
    for in_header in [false, true] {
        for encode in encodings {
            let target = FakeTarget::start(echo(in_header, encode)).await;
            let text =
                format!("[[targets]]\nurl = \"{}\"\nauthorization = {{ credentials = \"{TOKEN}\" }}\n", target.url());
            let config = scratch_file(&text);
            let flags = ServeArgs { config: Some(config.to_path_buf()), ..args(&[]) };
            let companion = Companion::start(&flags).await;
            companion.wait_for("inferboard_scrape_failed", &["reason"], &["secret_echo 1"]).await;
            assert_eq!(companion.values("good", &[]).await, [""; 0], "{in_header} {}", encode("a"));
        }
    }
}

/// Runs `query` on a server that answers with `body`.
async fn query(body: &'static str, flags: &'static [&'static str]) -> Output {
    let server = FakeTarget::start(answer("Content-Type: application/json\r\n", body.as_bytes())).await;
    let url = server.url();
    let run = move || Command::new(PROGRAM).args(["query", "--server", &url, "up"]).args(flags).output();
    tokio::task::spawn_blocking(run).await.expect("a thread").expect("the command")
}

#[tokio::test]
async fn nothing_that_a_server_says_acts_on_the_terminal() {
    for body in [
        r#"{"status":"error","errorType":"execution","error":"\u001b]0;owned\u0007\u001b[2Jbad \u009b31m \u202eabc"}"#,
        r#"{"status":"success","data":{"resultType":"string","result":[1,"\u001b[31mred"]}}"#,
        r#"{"status":"success","data":{"resultType":"vector","result":[]},"warnings":["\u001b[31mwarn\nerror: forged"]}"#,
        "{\"status\":\"success\",\"data\":{\"resultType\":\"string\",\"result\":[1,\"\u{9b}31m\u{202e}\"]}}",
        r#"{"status":"success","data":{"resultType":"vector","result":[
            {"metric":{"__name__":"esc\u001b[31m","lab\u001b]0;x\u0007el":"v\u001b"},"value":[1,"1"]}]}}"#,
    ] {
        for flags in [&[][..], &["--json"]] {
            let output = query(body, flags).await;
            let printed = [output.stdout, output.stderr].concat();
            let text = String::from_utf8(printed).expect("text");
            let is_bad = |c: char| c != '\n' && c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
            assert!(!text.is_empty() && !text.contains(is_bad), "{text:?}");
            assert!(!text.lines().any(|line| line == "error: forged"), "{text}");
        }
    }
}

#[tokio::test]
async fn a_reload_says_what_it_could_not_change_and_who_can_read_the_credentials() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
    let [config, log, data] = ["inferboard.toml", "log", "data"].map(|name| folder.path().join(name));
    fs::create_dir(&data).expect("a folder");
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).expect("a mode");
    let target = "[[targets]]\nurl = \"http://127.0.0.1:1\"\nauthorization = { credentials = \"hf_CANARY\" }\n";
    let head = "listen = \"127.0.0.1:0\"\ndiscovery = false\ngpus = false\n";
    fs::write(&config, format!("{head}{target}")).expect("a file");
    fs::set_permissions(&config, fs::Permissions::from_mode(0o644)).expect("a mode");
    let program = Program::start_logged(&["--data-dir", &data.display().to_string()], &config, &log).await;
    wait_for_log(&log, "every user of this machine can read the credentials").await;
    wait_for_log(&log, "others than its owner can enter the folder").await;
    fs::write(&config, format!("{head}cors_origins = [\"https://a.example\"]\nretention = \"1d\"\n")).expect("a file");
    program.signal(Signal::HUP);
    wait_for_log(&log, "cors_origins, retention").await;
    wait_for_log(&log, "it has no targets").await;
    assert!(!fs::read_to_string(&log).expect("a log").contains("CANARY"));
}

#[tokio::test]
async fn a_hangup_without_a_configuration_ends_the_program_in_order() {
    let mut command = Command::new(PROGRAM);
    command.args(["--listen", "127.0.0.1:0", "--no-discovery", "--no-gpus", "--in-memory"]);
    let program = Program::start_command(&mut command).await;
    program.signal(Signal::HUP);
    assert_eq!(program.wait().await, Some(0));
}
