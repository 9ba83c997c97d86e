//! The imported history beside the same time scraped: both must be the same series with the same samples.
use crate::demo::history::write_history;
use crate::demo::live::LiveFleet;
use crate::demo::{DemoFleet, INTERVAL_MS};
use fleet_simulation::{Fleet, scenario};
use promql::{Labels, Selector, Storage, is_stale};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tsdb::{Limits, LocalFileSystem, Options, Store};

/// 1 December 2026, 12:00 UTC.
const NOW_MS: i64 = 1_796_126_400_000;

type Series = BTreeMap<String, Vec<(i64, String)>>;

fn series(store: &Store) -> Series {
    let mut found = BTreeMap::new();
    let selector = Selector { any_of: vec![Vec::new()] };
    let mut visit = |labels: &Labels, column: promql::Samples<'_>| {
        let written = |value: f64| if is_stale(value) { "stale".to_owned() } else { value.to_string() };
        let samples = column.times_ms.iter().zip(column.values).map(|(time_ms, value)| (*time_ms, written(*value)));
        found.insert(format!("{labels:?}"), samples.collect::<Vec<_>>());
        ControlFlow::Continue(())
    };
    store.select(&selector, i64::MIN, i64::MAX, &mut visit).expect("a snapshot");
    // How long a scrape takes is made up.
    found.retain(|labels, _| !labels.contains("scrape_duration_seconds"));
    found
}

fn fleet(name: &str, start_ms: i64) -> Fleet {
    Fleet::new(1, start_ms, &scenario(name, NOW_MS as f64 / 1000.0).expect("a scenario"))
}

#[test]
fn history_is_what_scraping_would_have_stored() {
    // Restarts, and a version with other names.
    for scenario in ["out-of-memory", "upgrade", "surge"] {
        let (start_ms, end_ms) = (NOW_MS - 65 * 60_000, NOW_MS - 35 * 60_000);
        let dir = tempfile::tempdir().expect("a folder");
        let (imported, _) =
            Store::open(dir.path(), Options::default(), Arc::new(LocalFileSystem)).expect("an empty folder");
        write_history(&imported, fleet(scenario, start_ms), start_ms..end_ms, &AtomicBool::new(false))
            .expect("a history");
        let scraped = Store::new(Limits::default());
        let demo = DemoFleet { fleet: fleet(scenario, start_ms), time_ms: start_ms };
        let mut live = LiveFleet::new(demo, scraped.clone(), Arc::default(), Arc::default());
        for time_ms in (start_ms..end_ms).step_by(INTERVAL_MS as usize) {
            live.scrape(time_ms, time_ms);
        }
        let (imported, scraped) = (series(&imported), series(&scraped));
        assert!(imported.len() > 3_000, "{}", imported.len());
        let missing = |from: &Series, in_other: &Series| {
            from.keys().filter(|labels| !in_other.contains_key(*labels)).take(5).cloned().collect::<Vec<_>>()
        };
        assert_eq!(missing(&scraped, &imported), Vec::<String>::new(), "{scenario}: not imported");
        assert_eq!(missing(&imported, &scraped), Vec::<String>::new(), "{scenario}: not scraped");
        let mut differences = imported.iter().filter(|(labels, samples)| scraped[*labels] != **samples);
        if let Some((labels, samples)) = differences.next() {
            let wanted = &scraped[labels];
            let at = samples.iter().zip(wanted).position(|(own, other)| own != other);
            let at = at.unwrap_or(samples.len().min(wanted.len()));
            let around = |all: &[(i64, String)]| all[at.saturating_sub(2)..(at + 2).min(all.len())].to_vec();
            panic!("{scenario}: {labels}: imported {:?}, scraped {:?}", around(samples), around(wanted));
        }
    }
}
