//! History on disk: it survives restarts and kills, and belongs to one process.
use crate::harness::{Behaviour, Companion, FakeTarget, args, http, page, scratch_file};
use serde_json::Value;
use server::cli::ServeArgs;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};

fn keeping(dir: &Path, target: &str) -> ServeArgs {
    ServeArgs { in_memory: false, data_dir: Some(dir.into()), ..args(&[target]) }
}

#[tokio::test]
async fn a_restart_goes_on_where_it_was() {
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().join("new/data");
    let target = FakeTarget::page("kept 1\n").await;
    let companion = Companion::start(&keeping(&data, &target.url())).await;
    companion.wait_for("kept", &[], &["1"]).await;
    companion.stop().await;
    target.turn(Some(page("kept 2\n")));
    let companion = Companion::start(&keeping(&data, &target.url())).await;
    companion.wait_for("kept", &[], &["2"]).await;
    assert_eq!(companion.values("min_over_time(kept[1m])", &[]).await, ["1"]);
    // That the server was away is no mark that the series was gone.
    assert_eq!(companion.values("count(count_over_time(kept[1m]))", &[]).await, ["1"]);
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&data).expect("a folder").permissions());
    assert_eq!(mode & 0o777, 0o700, "history is nobody else's business");

    let second = Command::new(env!("CARGO_BIN_EXE_inferboard-server"))
        .args(["--listen", "127.0.0.1:0", "--data-dir"])
        .arg(&data)
        .output()
        .expect("the program");
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(1), "{said}");
    assert!(said.contains("in use by another process"), "{said}");
    companion.stop().await;
}

const TARGETS: usize = 10;

/// Kills when nobody says; `make nightly` says 200.
const KILLS: u64 = 5;

struct Killed {
    child: Child,
    address: String,
}

impl Killed {
    async fn start(config: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_inferboard-server"))
            .arg("--config")
            .arg(config)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program");
        let out = tokio::process::ChildStdout::from_std(child.stdout.take().expect("its output")).expect("a pipe");
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).await.expect("its first line");
        let address = line.trim().rsplit("http://").next().unwrap_or_default().trim_end_matches('/').to_owned();
        Self { child, address }
    }

    /// By target the number of scrapes that are stored, and the last of them.
    async fn stored(&self) -> Vec<(String, u64)> {
        let url = format!("http://{}/api/v1/query", self.address);
        let response = http().get(url).query(&[("query", "max_over_time(turn[10m])")]).send().await.expect("an answer");
        let answer: Value = serde_json::from_slice(&response.bytes().await.expect("a body")).expect("json");
        let series = answer["data"]["result"].as_array().unwrap_or_else(|| panic!("{answer}"));
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let mut stored: Vec<_> = series
            .iter()
            .map(|own| (text(&own["metric"]["instance"]), text(&own["value"][1]).parse().expect("a count")))
            .collect();
        stored.sort();
        stored
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        // The kill is the test.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A page that says how often it was asked for, among others.
fn counting(turn: &Arc<AtomicU64>) -> Behaviour {
    let turn = Arc::clone(turn);
    Arc::new(move |head, stream| {
        let turn = turn.fetch_add(1, Ordering::SeqCst) + 1;
        let others: String = (0..200).map(|n| format!("load{{n=\"{n}\"}} {turn}\n")).collect();
        page(&format!("turn {turn}\n{others}"))(head, stream)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_loses_at_most_one_scrape() {
    let kills = std::env::var("INFERBOARD_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS);
    let dir = tempfile::tempdir().expect("a folder");
    let mut text = format!("listen = \"127.0.0.1:0\"\nscrape_interval = \"2s\"\ndata_dir = {:?}\n", dir.path());
    let turns: Vec<_> = (0..TARGETS).map(|_| Arc::new(AtomicU64::new(0))).collect();
    let mut targets = Vec::new();
    for turn in &turns {
        let target = FakeTarget::start(counting(turn)).await;
        let _ = write!(text, "[[targets]]\nurl = \"{}\"\n", target.url());
        targets.push(target);
    }
    let config = scratch_file(&text);
    let mut most_lost = 0;
    for kill in 0..kills {
        let running = Killed::start(&config).await;
        // At another moment between two scrapes each time.
        tokio::time::sleep(Duration::from_millis(1500 + kill * 137 % 2000)).await;
        let asked: Vec<u64> = turns.iter().map(|turn| turn.load(Ordering::SeqCst)).collect();
        drop(running);
        // Nothing is counted while what is stored is looked at.
        targets.iter().for_each(|target| target.turn(None));
        let again = Killed::start(&config).await;
        let stored = again.stored().await;
        for (target, asked) in targets.iter().zip(asked) {
            let last = stored.iter().find(|(instance, _)| *instance == target.instance()).map_or(0, |(_, last)| *last);
            most_lost = most_lost.max(asked.saturating_sub(last));
            assert!(last + 1 >= asked, "{last} of {asked} scrapes are there after kill {kill}");
        }
        drop(again);
        targets.iter().zip(&turns).for_each(|(target, turn)| target.turn(Some(counting(turn))));
    }
    println!("{kills} kills lost at most {most_lost} scrapes of a target");
}
