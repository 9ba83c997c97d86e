//! Tests of the history on disk: it survives restarts and kills, and belongs to one process.
use crate::harness::{Behaviour, Companion, FakeTarget, args, metrics_page, scratch_file};
use crate::program::Program;
use serde_json::Value;
use server::config::serve_args::ServeArgs;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

fn persistent_args(dir: &Path, target: &str) -> ServeArgs {
    ServeArgs { in_memory: false, data_dir: Some(dir.into()), ..args(&[target]) }
}

#[tokio::test]
async fn a_restart_continues_the_history() {
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().join("new/data");
    let target = FakeTarget::serving("kept 1\n").await;
    let companion = Companion::start(&persistent_args(&data, &target.url())).await;
    companion.wait_for("kept", &[], &["1"]).await;
    companion.stop().await;
    target.set_behaviour(Some(metrics_page("kept 2\n")));
    let companion = Companion::start(&persistent_args(&data, &target.url())).await;
    companion.wait_for("kept", &[], &["2"]).await;
    assert_eq!(companion.values("min_over_time(kept[1m])", &[]).await, ["1"]);
    // The restart starts no second series.
    assert_eq!(companion.values("count(count_over_time(kept[1m]))", &[]).await, ["1"]);
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&data).expect("a folder").permissions());
    assert_eq!(mode & 0o777, 0o700, "only the owner can read the history");

    let second = Command::new(env!("CARGO_BIN_EXE_inferboard-server"))
        .args(["--listen", "127.0.0.1:0", "--data-dir"])
        .arg(&data)
        .output()
        .expect("the program");
    let stderr = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("in use by another process"), "{stderr}");
    companion.stop().await;
}

const TARGETS: usize = 10;

/// The number of kills in `make test`; `make nightly` sets INFERBOARD_KILLS to 200.
const KILLS: u64 = 3;

/// The number of the last stored scrape of each target.
async fn stored(program: &Program) -> Vec<(String, u64)> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let series = program.series("max_over_time(turn[10m])").await;
    series
        .iter()
        .map(|own| (text(&own["metric"]["instance"]), text(&own["value"][1]).parse().expect("a count")))
        .collect()
}

/// Answers with a metrics page that contains the number of scrapes so far. A health probe does not count as a scrape.
fn counting(scrapes: &Arc<AtomicU64>) -> Behaviour {
    let scrapes = Arc::clone(scrapes);
    Arc::new(move |head, stream| {
        let is_scrape = !head.starts_with("GET /health");
        let number = scrapes.fetch_add(u64::from(is_scrape), Ordering::SeqCst) + u64::from(is_scrape);
        let others: String = (0..200).map(|n| format!("load{{n=\"{n}\"}} {number}\n")).collect();
        metrics_page(&format!("turn {number}\n{others}"))(head, stream)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_loses_at_most_one_scrape() {
    let kills = std::env::var("INFERBOARD_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS);
    let dir = tempfile::tempdir().expect("a folder");
    let mut text = format!("listen = \"127.0.0.1:0\"\nscrape_interval = \"2s\"\ndata_dir = {:?}\n", dir.path());
    let counts: Vec<_> = (0..TARGETS).map(|_| Arc::new(AtomicU64::new(0))).collect();
    let mut targets = Vec::new();
    for count in &counts {
        let target = FakeTarget::start(counting(count)).await;
        let _ = write!(text, "[[targets]]\nurl = \"{}\"\n", target.url());
        targets.push(target);
    }
    let config = scratch_file(&text);
    let mut most_lost = 0;
    for kill in 0..kills {
        let running = Program::start(&[], &config).await;
        // Each kill comes at another moment between two scrapes.
        tokio::time::sleep(Duration::from_millis(1500 + kill * 137 % 2000)).await;
        // Only what was queryable before the kill counts: a busy companion may not have read every served scrape yet.
        let before = stored(&running).await;
        drop(running);
        // The targets answer no scrape while the stored samples are queried.
        targets.iter().for_each(|target| target.set_behaviour(None));
        let restarted = Program::start(&[], &config).await;
        let stored = stored(&restarted).await;
        for (instance, before) in before {
            let last = stored.iter().find(|(own, _)| *own == instance).map_or(0, |(_, last)| *last);
            most_lost = most_lost.max(before.saturating_sub(last));
            assert!(last + 1 >= before, "{last} of {before} scrapes are stored after kill {kill}");
        }
        drop(restarted);
        targets.iter().zip(&counts).for_each(|(target, count)| target.set_behaviour(Some(counting(count))));
    }
    println!("{kills} kills lost at most {most_lost} scrapes of a target");
}
