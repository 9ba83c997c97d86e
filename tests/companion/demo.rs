//! The demo as a user starts it: history at once, live data afterwards, nothing of this machine, nothing left behind.
use crate::harness::http;
use crate::program::{PROGRAM, Program};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

#[tokio::test]
async fn the_demo_has_history_goes_on_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(PROGRAM);
    command.args(["demo", "--listen", "127.0.0.1:0", "--days", "1", "--seed", "3", "--scenario", "long-prompts"]);
    command.env("TMPDIR", folder.path());
    let demo = Program::start_command(&mut command).await;
    let config = http().get(format!("http://{}/config.json", demo.address())).send().await.expect("an answer");
    let config: Value = serde_json::from_slice(&config.bytes().await.expect("a body")).expect("json");
    assert_eq!(config["demo"], true);
    let models = r#"count by (model) (count by (model, job) ({model!=""}))"#;
    assert_eq!(demo.series(models).await.len(), 4, "the simulated models and no other");
    assert_eq!(demo.values(r#"count(up{job=~"host|inferboard"})"#).await, Vec::<String>::new());
    // A scrape each 15 seconds for a day.
    let count = "max(count_over_time(up[23h]))";
    let before: f64 = demo.values(count).await[0].parse().expect("a number");
    assert!((5_500.0..5_521.0).contains(&before), "{before}");
    let full = r#"max_over_time(max(vllm:kv_cache_usage_perc{model="llama-chat"})[2h:1m])"#;
    let fullest: f64 = demo.values(full).await[0].parse().expect("a number");
    assert!(fullest > 0.95, "the scenario's KV cache: {fullest}");
    let newest = "max(timestamp(up))";
    let last = demo.values(newest).await;
    let later = async {
        while demo.values(newest).await == last {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(inferboard_tests::PATIENCE, later).await.expect("another scrape");
    demo.stop().await;
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "its folder is removed");
}

#[test]
fn a_demo_that_is_ended_early_leaves_nothing_either() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(PROGRAM);
    command.args(["demo", "--listen", "127.0.0.1:0", "--days", "30"]).env("TMPDIR", folder.path());
    let mut demo = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program");
    let mut line = String::new();
    BufReader::new(demo.stderr.take().expect("stderr")).read_line(&mut line).expect("a line");
    assert_eq!(line, "simulating 30 days of a fleet\n");
    let pid = rustix::process::Pid::from_child(&demo);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("a process");
    assert_eq!(demo.wait().expect("an exit status").code(), Some(0));
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

#[test]
fn an_address_that_is_taken_is_noticed_before_the_simulation() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let listen = taken.local_addr().expect("an address").to_string();
    let output =
        Command::new(PROGRAM).args(["demo", "--days", "30", "--listen", &listen]).output().expect("the program");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("cannot listen") && stderr.contains("--listen"), "{stderr}");
}
