//! The behaviour of a store in memory: appends, selectors, limits and retention.
use crate::fixtures::{all, append, labels, select, select_while_writing};
use promql::{Selector, Storage, stale_marker};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use tsdb::{Limits, Rejected, Store, StoreError};

type Samples = Vec<(i64, f64)>;

#[test]
fn queries_return_the_appended_samples() {
    let store = Store::new(Limits::default());
    let mut group = store.group();
    let series: Vec<_> = (0..3).map(|n| group.register(&labels(&format!("__name__=m,n={n}"))).expect("room")).collect();
    for row in 0..1000_i64 {
        // The second series begins late, and the third is in every other row.
        let values = series.iter().enumerate().filter_map(|(n, series)| match n {
            1 if row < 500 => None,
            2 if row % 2 == 1 => None,
            n => Some((*series, row as f64 * 0.1 + n as f64)),
        });
        group.append(row * 10, values).expect("in order");
    }
    let expected = |n: usize| -> Samples {
        (0..1000_i64)
            .filter(|row| match n {
                1 => *row >= 500,
                2 => row % 2 == 0,
                _ => true,
            })
            .map(|row| (row * 10, row as f64 * 0.1 + n as f64))
            .collect()
    };
    let found = all(&store);
    assert_eq!(found.len(), 3);
    for n in 0..3 {
        assert_eq!(found[&format!("__name__=m,n={n}")], expected(n));
    }
    for (after_ms, until_ms) in [(-1, 0), (0, 0), (1190, 1200), (4990, 5000), (9980, 20_000), (9990, 20_000)] {
        let window = select(&store, &[&[]], after_ms, until_ms);
        for n in 0..3 {
            let expected: Samples =
                expected(n).into_iter().filter(|(time_ms, _)| *time_ms > after_ms && *time_ms <= until_ms).collect();
            assert_eq!(window.get(&format!("__name__=m,n={n}")).cloned().unwrap_or_default(), expected);
        }
    }
}

#[test]
fn selectors_match_like_in_prometheus() {
    let store = Store::new(Limits::default());
    let mut group = store.group();
    let series = ["__name__=a,x=1", "__name__=a,x=2,y=1", "__name__=b,x=1,y=2", "__name__=b"];
    let row: Vec<_> = series.iter().map(|text| (group.register(&labels(text)).expect("room"), 1.0)).collect();
    group.append(1, row).expect("in order");
    let found = |any_of: &[&[(&str, &str, &str)]]| -> Vec<usize> {
        let found = select(&store, any_of, 0, 1);
        (0..series.len()).filter(|at| found.contains_key(series[*at])).collect()
    };
    for (selector, expected) in [
        (&[("__name__", "=", "a")][..], &[0, 1][..]),
        (&[("__name__", "=", "a"), ("x", "=", "1")], &[0]),
        (&[("x", "=", "")], &[3]),
        (&[("x", "!=", "")], &[0, 1, 2]),
        (&[("x", "!=", "1")], &[1, 3]),
        (&[("y", "=~", "1|2")], &[1, 2]),
        (&[("y", "=~", "1?")], &[0, 1, 3]),
        (&[("y", "!~", "1?")], &[2]),
        (&[("y", "!~", "2")], &[0, 1, 3]),
        (&[("z", "=~", ".+")], &[]),
        (&[("z", "=~", ".*"), ("__name__", "=~", "b|c")], &[2, 3]),
        (&[("__name__", "=", "nosuch"), ("x", "!=", "1")], &[]),
    ] {
        assert_eq!(found(&[selector]), expected, "{selector:?}");
    }
    assert_eq!(found(&[&[("x", "=", "1")], &[("__name__", "=", "a")]]), [0, 1, 2]);
    assert_eq!(found(&[]), [0_usize; 0]);
}

#[test]
fn a_visitor_can_break_off() {
    let store = Store::new(Limits::default());
    let mut group = store.group();
    let row: Vec<_> = (0..5).map(|n| (group.register(&labels(&format!("n={n}"))).expect("room"), 0.0)).collect();
    group.append(1, row).expect("in order");
    let mut visits = 0;
    store
        .select(&Selector { any_of: vec![Vec::new()] }, 0, 1, &mut |_, _| {
            visits += 1;
            if visits == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .expect("a snapshot");
    assert_eq!(visits, 2);
}

#[test]
fn duplicates_and_decreasing_times_are_rejected() {
    let store = Store::new(Limits::default());
    let mut group = store.group();
    let series = group.register(&labels("n=1")).expect("room");
    assert_eq!(group.append(10, [(series, 1.0), (series, 2.0)]), Ok(Rejected { duplicates: 1 }));
    for time_ms in [10, 9] {
        assert_eq!(group.append(time_ms, [(series, 3.0)]), Err(StoreError::OutOfOrder { time_ms, last_ms: 10 }));
    }
    assert_eq!(all(&store)["n=1"], [(10, 1.0)]);
}

#[test]
fn one_label_set_from_two_groups_is_one_series() {
    let store = Store::new(Limits::default());
    let (mut one, mut two) = (store.group(), store.group());
    for time_ms in [10, 30, 50] {
        append(&mut one, time_ms, "n=1", 1.0);
    }
    for time_ms in [20, 30, 40] {
        append(&mut two, time_ms, "n=1", 2.0);
    }
    assert_eq!(all(&store)["n=1"], [(10, 1.0), (20, 2.0), (30, 1.0), (40, 2.0), (50, 1.0)]);
    assert_eq!(store.stats().series, 1);
}

#[test]
fn old_samples_and_series_without_samples_are_dropped() {
    let store = Store::new(Limits { retention_ms: 1_000_000, ..Limits::default() });
    let (mut live, mut ended) = (store.group(), store.group());
    for row in 0..500_i64 {
        append(&mut live, row * 10_000, "n=live", row as f64);
    }
    append(&mut ended, 10_000, "n=ended", 1.0);
    append(&mut ended, 20_000, "n=ended", stale_marker());
    drop(ended);
    store.apply_retention(4_990_000);
    let found = all(&store);
    assert_eq!(found.keys().collect::<Vec<_>>(), ["n=live"]);
    let (first_ms, _) = found["n=live"][0];
    assert!((3_990_000 - 1_200_000..=3_990_000).contains(&first_ms), "{first_ms}");
    assert_eq!(store.stats().series, 1);
}

#[test]
fn a_series_that_is_still_scraped_is_never_removed() {
    let store = Store::new(Limits { retention_ms: 5, ..Limits::default() });
    let mut group = store.group();
    let series = group.register(&labels("n=1")).expect("room");
    for row in 0..300_i64 {
        group.append(row * 1000, [(series, 1.0)]).expect("in order");
        store.apply_retention(row * 1000 + 500);
        assert_eq!(store.stats().series, 1, "row {row}");
    }
    group.append(300_000, [(series, 2.0)]).expect("in order");
    assert_eq!(all(&store)["n=1"], [(300_000, 2.0)]);
}

#[test]
fn the_oldest_samples_are_dropped_to_limit_memory() {
    let store = Store::new(Limits { size_bytes: 300_000, ..Limits::default() });
    let mut groups = [store.group(), store.group()];
    for row in 0..20_000_i64 {
        for (n, group) in groups.iter_mut().enumerate() {
            append(group, row, &format!("n={n}"), (row as f64).sin());
        }
    }
    assert!(store.stats().size_bytes > 300_000);
    store.apply_retention(20_000);
    assert!((200_000..=300_000).contains(&store.stats().size_bytes), "{:?}", store.stats());
    for samples in all(&store).values() {
        assert_eq!(samples.last().map(|(time_ms, _)| *time_ms), Some(19_999));
        assert!(samples[0].0 > 1000);
    }
}

#[test]
fn at_the_limit_ended_series_are_evicted_and_live_ones_stay() {
    let store = Store::new(Limits { series: 20, ..Limits::default() });
    let mut group = store.group();
    let live = group.register(&labels("n=live")).expect("room");
    for row in 0..200_i64 {
        let passing = group.register(&labels(&format!("n={row}"))).expect("room, as the previous one has ended");
        group.append(row, [(live, 1.0), (passing, 1.0)]).expect("in order");
    }
    assert!(store.stats().series <= 20);
    assert_eq!(all(&store)["n=live"].len(), 200);
    group.append(200, [(live, 1.0)]).expect("in order");
    let mut row: Vec<_> = (0..19).map(|n| (group.register(&labels(&format!("k={n}"))).expect("room"), 1.0)).collect();
    row.push((live, 1.0));
    group.append(201, row).expect("in order");
    assert_eq!(group.register(&labels("k=19")), Err(StoreError::TooManySeries { limit: 20 }));
    assert_eq!(all(&store)["n=live"].len(), 202);
}

#[test]
fn samples_are_compact() {
    let store = Store::new(Limits::default());
    let mut group = store.group();
    let series: Vec<_> = (0..100).map(|n| group.register(&labels(&format!("n={n}"))).expect("room")).collect();
    for row in 0..1200_i64 {
        // Of a hundred series of a typical target most are constant, some are counters, and a few are noise.
        let values = series.iter().enumerate().map(|(n, series)| match n {
            0..70 => (*series, n as f64),
            70..95 => (*series, (row * n as i64) as f64),
            _ => (*series, (row as f64 + n as f64).sin()),
        });
        group.append(row * 5000, values).expect("in order");
    }
    let bytes_per_sample = store.stats().size_bytes as f64 / store.stats().appended as f64;
    println!("{bytes_per_sample:.2} bytes per sample");
    assert!(bytes_per_sample < 2.0, "{bytes_per_sample}");
}

#[test]
fn queries_and_scrapes_run_concurrently() {
    let store = Store::new(Limits { retention_ms: 300, ..Limits::default() });
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut max_samples = 0;
            loop {
                let is_last = done.load(Ordering::Relaxed);
                for samples in select_while_writing(&store, &[&[]], i64::MIN, i64::MAX).values() {
                    assert!(samples.windows(2).all(|pair| pair[1].0 == pair[0].0 + 1 && pair[1].1 == pair[0].1 + 1.0));
                    max_samples = max_samples.max(samples.len());
                }
                if is_last {
                    return max_samples;
                }
            }
        });
        let writers: Vec<_> = (0..2)
            .map(|n| {
                let mut group = store.group();
                scope.spawn(move || {
                    for time_ms in 0..5000_i64 {
                        append(&mut group, time_ms, &format!("n={n}"), time_ms as f64);
                    }
                    group
                })
            })
            .collect();
        let _groups: Vec<_> = writers.into_iter().map(|writer| writer.join().expect("a writer")).collect();
        store.apply_retention(5000);
        done.store(true, Ordering::Relaxed);
        assert!(reader.join().expect("a reader") > 0);
        assert_eq!(store.stats().appended, 10_000);
    });
}
