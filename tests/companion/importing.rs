//! Tests of `import`: what a dump of a Prometheus says about series that ended.
use crate::harness::{Companion, args, scratch_file};
use inferboard_tests::now_ms;
use server::config::serve_args::ServeArgs;
use std::fmt::Write as _;
use std::process::Command;

/// Imports `dump` and starts a companion on it.
async fn companion_with(dump: &str) -> (Companion, tempfile::TempDir) {
    let dir = tempfile::tempdir().expect("a folder");
    let imported = Command::new(env!("CARGO_BIN_EXE_inferboard-server"))
        .args(["import".as_ref(), scratch_file(dump).as_os_str(), "--data-dir".as_ref(), dir.path().as_os_str()])
        .output()
        .expect("the program");
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    let flags = ServeArgs { in_memory: false, data_dir: Some(dir.path().into()), ..args(&[]) };
    (Companion::start(&flags).await, dir)
}

#[tokio::test]
async fn a_series_ends_where_a_dump_has_a_stale_marker_as_nan() {
    let start_s = now_ms() / 1000 - 1200;
    let mut dump = String::new();
    // One replica ends after five minutes; the other goes on, and once misses a scrape.
    for (replica, scrapes, last) in [("a", 0..60, 60), ("b", 0..240, -1)] {
        let series = format!("running{{replica=\"{replica}\"}}");
        for scrape in scrapes {
            let value = if replica == "b" && scrape == 30 { "NaN" } else { "3" };
            let _ = writeln!(dump, "{series} {value} {}", start_s + scrape * 5);
        }
        if last > 0 {
            let _ = writeln!(dump, "{series} NaN {}", start_s + last * 5);
        }
    }
    // A ratio without a denominator is not a number for a while, and no end of the series.
    for scrape in 0..240 {
        let value = if (60..120).contains(&scrape) { "NaN" } else { "1" };
        let _ = writeln!(dump, "ratio {value} {}", start_s + scrape * 5);
    }
    dump.push_str("# EOF\n");
    let (companion, _dir) = companion_with(&dump).await;
    for (after_s, sum) in [(290, "6"), (301, "3"), (310, "3"), (590, "3"), (151, "3")] {
        let query = format!("sum(running @ {})", start_s + after_s);
        assert_eq!(companion.values(&query, &[]).await, [sum], "after {after_s} s");
    }
    assert_eq!(companion.values(&format!("ratio @ {}", start_s + 400), &[]).await, ["NaN"]);
    companion.stop().await;
}
