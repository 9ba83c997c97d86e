//! Writes scrapes at fixed times and checks the contents of the store.
mod newborn;
mod totals;

use crate::processes::listening::Listening;
use crate::scrape::metrics_page::MetricsPage;
use crate::scrape::writer::*;
use catalogue::contract::ScrapeFailure;
use promql::{Labels, Selector, Storage, is_stale};
use reqwest::StatusCode;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::ControlFlow;

/// A target and the store it writes to.
struct Story {
    store: Store,
    refused: Arc<RefusedSamples>,
    writer: Writer,
}

impl Story {
    fn new(identity: Identity) -> Self {
        Self::with_limits(identity, tsdb::Limits::default())
    }

    fn with_limits(identity: Identity, limits: tsdb::Limits) -> Self {
        let store = Store::new(limits);
        let refused = Arc::<RefusedSamples>::default();
        Self { writer: Writer::new(&store, Arc::clone(&refused), Arc::default(), identity), store, refused }
    }

    fn up(&mut self, time_ms: i64, text: &str) -> Option<Failure> {
        self.write(time_ms, Ok(Answer::Page(MetricsPage::from_text(text.into()))))
    }

    fn down(&mut self, time_ms: i64, failure: Failure) -> Option<Failure> {
        self.write(time_ms, Err(failure))
    }

    fn write(&mut self, time_ms: i64, answer: Result<Answer, Failure>) -> Option<Failure> {
        self.writer.write(
            time_ms,
            &Scrape { answer, duration: Duration::from_millis(7), health: None, listening: Listening::Unknown },
        )
    }

    /// All series except those about the scrape, with samples as `time:value`, and `x` for a stale marker.
    fn series(&self) -> BTreeMap<String, String> {
        let mut series = self.all();
        series.retain(|name, _| !["up", "scrape_", "inferboard_"].iter().any(|prefix| name.starts_with(prefix)));
        series
    }

    fn all(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        let mut visit = |labels: &Labels, column: promql::Samples<'_>| {
            let name = labels.get("__name__").unwrap_or_default();
            let others: Vec<_> = labels
                .iter()
                .filter(|(name, _)| !["__name__", "job", "instance"].contains(name))
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let mut samples = String::new();
            for (time_ms, value) in column.times_ms.iter().zip(column.values) {
                let value = if is_stale(*value) { "x".into() } else { value.to_string() };
                let _ = write!(samples, "{}{time_ms}:{value}", if samples.is_empty() { "" } else { " " });
            }
            found.insert(format!("{name}{{{}}}", others.join(",")), samples);
            ControlFlow::Continue(())
        };
        let selector = Selector { any_of: vec![Vec::new()] };
        self.store.select(&selector, i64::MIN, i64::MAX, &mut visit).expect("a snapshot");
        found
    }
}

fn named() -> Identity {
    Identity { job: Some("j".into()), instance: "i".into(), model: Some("m".into()), ..Identity::default() }
}

fn expect(series: &BTreeMap<String, String>, expected: &[(&str, &str)]) {
    let expected = expected.iter().map(|(name, samples)| ((*name).to_owned(), (*samples).to_owned())).collect();
    assert_eq!(*series, expected);
}

#[test]
fn removed_series_are_marked_stale() {
    let mut story = Story::new(named());
    story.up(1000, "a 1\nb{l=\"1\"} 2\n");
    story.up(2000, "a 3\nb{l=\"2\"} 4\n");
    story.up(3000, "a 5\nb{l=\"1\"} 6\n");
    expect(
        &story.series(),
        &[
            ("a{model=m}", "1000:1 2000:3 3000:5"),
            ("b{l=1,model=m}", "1000:2 2000:x 3000:6"),
            ("b{l=2,model=m}", "2000:4 3000:x"),
        ],
    );
}

#[test]
fn a_failed_scrape_marks_all_series_stale_and_records_the_reason() {
    let mut story = Story::new(named());
    story.up(1000, "a 1\n");
    assert_eq!(story.down(2000, Failure::Timeout), Some(Failure::Timeout));
    story.down(3000, Failure::status(StatusCode::INTERNAL_SERVER_ERROR));
    story.down(4000, Failure::status(StatusCode::SERVICE_UNAVAILABLE));
    story.up(5000, "a 2\n");
    let all = story.all();
    assert_eq!(all["a{model=m}"], "1000:1 2000:x 5000:2");
    assert_eq!(all["up{model=m}"], "1000:1 2000:0 3000:0 4000:0 5000:1");
    assert_eq!(all["inferboard_scrape_failed{model=m,reason=timeout}"], "2000:1 3000:x");
    assert_eq!(all["inferboard_scrape_failed{model=m,reason=server_error,status=500}"], "3000:1 4000:x");
    assert_eq!(all["inferboard_scrape_failed{model=m,reason=server_error,status=503}"], "4000:1 5000:x");
    assert_eq!(all["scrape_samples_scraped{model=m}"], "1000:1 2000:0 3000:0 4000:0 5000:1");
    assert_eq!(all["scrape_series_added{model=m}"], "1000:1 2000:0 3000:0 4000:0 5000:1");
    assert_eq!(all["scrape_duration_seconds{model=m}"].split(' ').next(), Some("1000:0.007"));
}

#[test]
fn a_page_is_stored_completely_or_not_at_all() {
    let mut story = Story::new(named());
    story.up(1000, "a 1\n");
    assert_eq!(story.up(2000, "a 2\nb 3\nc{ 4\n").map(Failure::reason), Some(ScrapeFailure::Parse));
    expect(&story.series(), &[("a{model=m}", "1000:1 2000:x")]);
}

#[test]
fn all_series_of_a_removed_target_are_marked_stale() {
    let mut story = Story::new(named());
    story.up(1000, "a 1\n");
    story.down(2000, Failure::Connect);
    story.writer.retire(3000);
    let all = story.all();
    assert_eq!(all["a{model=m}"], "1000:1 2000:x");
    assert_eq!(all["up{model=m}"], "1000:1 2000:0 3000:x");
    assert_eq!(all["inferboard_scrape_failed{model=m,reason=connect}"], "2000:1 3000:x");
}

#[test]
fn a_learned_model_is_kept_while_the_target_is_down() {
    let mut story = Story::new(Identity { model: None, ..named() });
    story.down(1000, Failure::Connect);
    story.up(2000, "a{model_name=\"m1\"} 1\n");
    story.down(3000, Failure::Connect);
    story.up(4000, "a{model_name=\"m2\"} 1\n");
    let all = story.all();
    assert_eq!(all["up{}"], "1000:0 2000:1 3000:0 4000:1");
    assert_eq!(all["inferboard_scrape_failed{reason=connect}"], "1000:1 2000:x 3000:1 4000:x");
    assert_eq!(all["a{model=m1,model_name=m1}"], "2000:1 3000:x");
    assert_eq!(all["a{model=m2,model_name=m2}"], "4000:1");
}

#[test]
fn series_with_their_own_timestamps_get_no_stale_markers() {
    let mut story = Story::new(named());
    story.up(100_000_000, "a 1 99999000\nb 1\n");
    story.up(100_005_000, "a 1 99999000\nb 1\n");
    story.up(100_010_000, "a 2 100004000\nb 1\n");
    story.down(100_015_000, Failure::Connect);
    story.up(100_020_000, "a 3 100014000\n");
    expect(
        &story.series(),
        &[
            ("a{model=m}", "99999000:1 100004000:2 100014000:3"),
            ("b{model=m}", "100000000:1 100005000:1 100010000:1 100015000:x"),
        ],
    );
    assert_eq!((story.refused.out_of_order.get(), story.refused.out_of_bounds.get()), (1, 0));
}

#[test]
fn samples_far_from_now_are_dropped_and_counted() {
    let mut story = Story::new(named());
    story.up(100_000_000, "a 1 1\nb 1 -5\nc 1 9223372036854775807\nd 1 100000001\n");
    expect(&story.series(), &[("d{model=m}", "100000001:1")]);
    assert_eq!(story.refused.out_of_bounds.get(), 3);
}

#[test]
fn the_first_of_two_samples_of_a_series_is_stored() {
    let mut story = Story::new(named());
    for time_ms in [1000, 2000] {
        story.up(time_ms, "a{x=\"1\"} 1\na{x=\"1\"} 2\n");
    }
    expect(&story.series(), &[("a{model=m,x=1}", "1000:1 2000:1")]);
    assert_eq!(story.refused.duplicates.get(), 2);
}

#[test]
fn a_page_cannot_override_the_report_about_it() {
    let mut story = Story::new(named());
    story.up(1000, "up 0\nscrape_samples_scraped 1000\nup{model=\"other\"} 5\n");
    let all = story.all();
    assert_eq!(all["up{model=m}"], "1000:1");
    assert_eq!(all["scrape_samples_scraped{model=m}"], "1000:3");
    assert_eq!(all["exported_up{model=m}"], "1000:0");
    assert_eq!(all["exported_up{exported_model=other,model=m}"], "1000:5");
}

#[test]
fn samples_after_the_clock_was_set_back_are_taken() {
    let mut story = Story::new(Identity { replica: Some("r".into()), ..named() });
    story.writer.track_replica(&story.store.clone(), 0);
    for time_ms in [1000, 2000, 3000, 4000, 5000] {
        story.up(time_ms, &format!("a {time_ms}\n# TYPE c counter\nc_total {time_ms}\n"));
    }
    for time_ms in [2500, 3500, 4500, 5500, 6500] {
        story.up(time_ms, &format!("a {}\n# TYPE c counter\nc_total {}\n", time_ms + 3000, time_ms + 3000));
    }
    let all = story.all();
    assert_eq!(all["a{model=m,replica=r}"], "1000:1000 2000:2000 2500:5500 3500:6500 4500:7500 5500:8500 6500:9500");
    assert_eq!(all["c_total{model=m,replica=r}"], all["a{model=m,replica=r}"]);
    assert_eq!(all["up{model=m,replica=r}"], "1000:1 2000:1 2500:1 3500:1 4500:1 5500:1 6500:1");
    let state = &all["inferboard_replica_state{model=m,replica=r,state=running}"];
    assert_eq!(*state, all["up{model=m,replica=r}"]);
    assert_eq!(story.refused.out_of_order.get(), 0);
}

#[test]
fn a_full_store_fails_scrapes_with_more_series() {
    let limits = tsdb::Limits { series: 10, ..tsdb::Limits::default() };
    let mut story = Story::with_limits(named(), limits);
    assert_eq!(story.up(1000, "a 1\nb 2\n"), None);
    let many: String = (0..10).map(|n| format!("c{n} 1\n")).collect();
    assert_eq!(story.up(2000, &format!("a 1\nb 2\n{many}")), Some(Failure::SeriesCap));
    assert_eq!(story.up(3000, "a 1\nb 2\n"), None);
    expect(&story.series(), &[("a{model=m}", "1000:1 2000:x 3000:1"), ("b{model=m}", "1000:2 2000:x 3000:2")]);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_makes_series_without_end_is_quarantined_until_it_behaves() {
    let mut story = Story::new(named());
    // Each of the labels is as long as one may be.
    let page = |round: i64| -> String {
        (0..3900).map(|n| format!("fat{{l=\"{:0>4000}_{round}_{n}\"}} 1\n", "")).collect::<String>() + "good 1\n"
    };
    let stored = (0..10).take_while(|round| story.up(1000 + round, &page(*round)).is_none()).count();
    assert!((2..5).contains(&stored), "{stored}");
    let label_bytes = story.store.stats().label_bytes;
    assert!((10 << 20..80 << 20).contains(&label_bytes), "{label_bytes}");
    let quarantine = story.writer.take_quarantine().expect("a time");
    assert_eq!(story.all()["inferboard_scrape_failed{model=m,reason=quarantined}"].matches(":1").count(), 1);
    // What is not new costs nothing, and a page of few series is always welcome.
    assert_eq!(story.up(2000, "good 2\n"), None);
    assert_eq!(story.up(3000, &page(0)), None, "known series");
    assert_eq!(story.up(4000, &page(100)), Some(Failure::Quarantined));
    assert!(quarantine <= Duration::from_secs(1800), "{quarantine:?}");
    tokio::time::advance(quarantine).await;
    assert_eq!(story.up(5000, &page(101)), None);
}

#[test]
fn long_labels_count_as_more_series() {
    let limits = tsdb::Limits { series: 100, ..tsdb::Limits::default() };
    let mut story = Story::with_limits(named(), limits);
    let page = |bytes: usize| -> String { (0..40).map(|n| format!("a{{l=\"{n:0>bytes$}\"}} 1\n")).collect() };
    assert_eq!(story.up(1000, &page(4000)), Some(Failure::SeriesCap));
    assert_eq!(story.up(2000, &page(40)), None);
}

#[test]
fn a_full_store_still_has_whether_a_target_is_up() {
    // Room for the page and the report, but not for what is known of the engine.
    let limits = tsdb::Limits { series: 5, ..tsdb::Limits::default() };
    let mut story = Story::with_limits(named(), limits);
    for time_ms in [1000, 2000, 3000] {
        assert_eq!(story.up(time_ms, "vllm:num_requests_running 1\n"), Some(Failure::SeriesCap));
    }
    let all = story.all();
    assert_eq!(all["up{model=m}"], "1000:1 2000:1 3000:1");
    assert_eq!(all["scrape_samples_scraped{model=m}"], "1000:1 2000:1 3000:1");
}

#[test]
fn a_replica_keeps_its_series_and_its_models_through_failures_and_restarts_of_the_companion() {
    let identity = || Identity { replica: Some("r".into()), instance: "i".into(), ..Identity::default() };
    let mut story = Story::new(identity());
    story.writer.track_replica(&story.store.clone(), 0);
    story.down(1000, Failure::Connect);
    story.up(2000, "nv_inference_count{model=\"b\"} 1\nnv_inference_count{model=\"a\"} 1\n");
    story.down(3000, Failure::Connect);
    // The companion starts again.
    story.writer = Writer::new(&story.store, Arc::clone(&story.refused), Arc::default(), identity());
    story.writer.track_replica(&story.store.clone(), 3500);
    story.down(4000, Failure::Connect);
    story.up(5000, "nv_inference_count{model=\"a\"} 1\n");
    let all = story.all();
    assert_eq!(all["up{replica=r}"], "1000:0 2000:1 3000:0 4000:0 5000:1");
    assert_eq!(all["inferboard_replica_state{replica=r,state=pending}"], "1000:1 2000:0 3000:0 4000:0 5000:0");
    assert_eq!(all["inferboard_replica_model{model=a,replica=r}"], "2000:1 3000:1 4000:1 5000:1");
    assert_eq!(all["inferboard_replica_model{model=b,replica=r}"], "2000:1 3000:1 4000:1 5000:x");
}

#[test]
fn series_that_had_the_model_as_a_label_end_when_the_companion_is_upgraded() {
    let identity = Identity { replica: Some("r".into()), instance: "i".into(), ..Identity::default() };
    let mut story = Story::new(identity);
    let mut group = story.store.group();
    let mut old = |name: &str, more: &[(&str, &str)]| {
        let own = [("__name__", name), ("job", "vllm"), ("instance", "i"), ("replica", "r"), ("model", "m")];
        let series = group.register(&Labels::from_pairs(own.into_iter().chain(more.iter().copied()))).expect("room");
        group.append(1000, [(series, 1.0)]).expect("in order");
        series
    };
    old("up", &[]);
    let mut group = story.store.group();
    let state = [
        ("__name__", "inferboard_replica_state"),
        ("job", "vllm"),
        ("instance", "i"),
        ("replica", "r"),
        ("model", "m"),
        ("state", "running"),
    ];
    let state = group.register(&Labels::from_pairs(state)).expect("room");
    group.append(1000, [(state, 1.0)]).expect("in order");
    story.writer.track_replica(&story.store.clone(), 1500);
    story.up(2000, "vllm:num_requests_running{model_name=\"m\"} 1\n");
    let all = story.all();
    assert_eq!(all["up{model=m,replica=r}"], "1000:1 2000:x");
    assert_eq!(all["up{replica=r}"], "2000:1");
    assert_eq!(all["inferboard_replica_state{model=m,replica=r,state=running}"], "1000:1 2000:x");
    assert_eq!(all["inferboard_replica_state{replica=r,state=running}"], "2000:1");
    assert_eq!(all["inferboard_replica_model{model=m,replica=r}"], "2000:1");
    // The job is the one that its series had.
    assert_eq!(story.writer.sample_labels()[0], ("job".to_owned(), "vllm".to_owned()));
}
