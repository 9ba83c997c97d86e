//! The zeros before the first samples of counters and histograms.
use super::*;
use std::num::NonZeroU64;

const ENGINE: &str = "vllm:num_requests_running{model_name=\"m\"} 1\n";

fn errors(count: u32) -> String {
    format!("# TYPE errors_total counter\nerrors_total{{code=\"500\"}} {count}\n")
}

/// A page of an engine whose process started at `start_s`, and `more`.
fn engine(start_s: f64, more: &str) -> String {
    format!("{ENGINE}# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds {start_s}\n{more}")
}

/// The samples of a series, found by the beginning of its name and labels.
fn samples(story: &Story, series: &str) -> String {
    let all = story.series();
    let found: Vec<_> = all.iter().filter(|(name, _)| name.starts_with(series)).map(|(_, text)| text.clone()).collect();
    found.join(" | ")
}

#[test]
fn a_counter_that_the_previous_page_lacked_was_zero_then() {
    let mut story = Story::new(named());
    story.up(1000, "a 1\n");
    story.up(2000, &format!("a 1\n{}", errors(3)));
    story.up(3000, &format!("a 1\n{}", errors(4)));
    assert_eq!(samples(&story, "errors_total"), "1000:0 2000:3 3000:4");
}

#[test]
fn histograms_and_summaries_begin_at_zero_too() {
    let page = "# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 4\nh_count 3\n\
                # TYPE s summary\ns{quantile=\"0.5\"} 7\ns_sum 8\ns_count 9\n";
    let mut story = Story::new(named());
    story.up(1000, "a 1\n");
    story.up(2000, page);
    expect(
        &story.series(),
        &[
            ("a{model=m}", "1000:1 2000:x"),
            ("h_bucket{le=+Inf,model=m}", "1000:0 2000:3"),
            ("h_bucket{le=1.0,model=m}", "1000:0 2000:2"),
            ("h_count{model=m}", "1000:0 2000:3"),
            ("h_sum{model=m}", "1000:0 2000:4"),
            ("s_count{model=m}", "1000:0 2000:9"),
            ("s_sum{model=m}", "1000:0 2000:8"),
            ("s{model=m,quantile=0.5}", "2000:7"),
        ],
    );
}

#[test]
fn gauges_and_metrics_of_an_unknown_type_get_no_zero() {
    let page = "# TYPE g gauge\ng 1\n# TYPE i_total untyped\ni_total 2\n# TYPE j gauge\nj_count 3\nk_sum 4\nl 5\n";
    let mut story = Story::new(named());
    story.up(1000, "a 1\n");
    story.up(2000, page);
    for (series, samples) in story.series() {
        assert!(series.starts_with('a') || samples.split(' ').count() == 1, "{series}: {samples}");
    }
}

#[test]
fn the_first_page_of_a_target_has_no_history() {
    let mut story = Story::new(named());
    story.down(1000, Failure::Timeout);
    story.up(2000, &engine(0.5, &errors(7)));
    assert_eq!(samples(&story, "errors_total"), "2000:7", "the process is older than the first scrape");
    let mut story = Story::new(named());
    story.up(2000, &engine(1.5, &errors(7)));
    assert_eq!(samples(&story, "errors_total"), "2000:7", "nothing was scraped before");
}

#[test]
fn a_process_that_starts_while_its_target_is_down_begins_at_zero() {
    let mut story = Story::new(named());
    story.down(10_000, Failure::Connect);
    story.down(20_000, Failure::Connect);
    story.up(30_000, &engine(15.0, &errors(7)));
    assert_eq!(samples(&story, "errors_total"), "20000:0 30000:7");
}

#[test]
fn a_creation_time_says_when_a_counter_was_zero() {
    let created = |at_s: f64| {
        format!(
            "{}# TYPE errors_created gauge\nerrors_created{{code=\"500\"}} {at_s}\n# TYPE h histogram\n\
             h_bucket{{x=\"1\",le=\"+Inf\"}} 2\nh_sum{{x=\"1\"}} 1\nh_count{{x=\"1\"}} 2\n# TYPE h_created gauge\nh_created{{x=\"1\"}} {at_s}\n",
            errors(7)
        )
    };
    for (created_s, zero) in [(15.0, "20000:0 "), (5.0, ""), (9999.0, ""), (f64::NAN, "")] {
        let mut story = Story::new(named());
        story.down(10_000, Failure::Connect);
        story.down(20_000, Failure::Connect);
        story.up(30_000, &created(created_s));
        assert_eq!(samples(&story, "errors_total"), format!("{zero}30000:7"), "created at {created_s}");
        assert_eq!(samples(&story, "h_bucket"), format!("{zero}30000:2"), "created at {created_s}");
        assert_eq!(samples(&story, "h_count"), format!("{zero}30000:2"), "created at {created_s}");
    }
    // A child that was removed, and created again.
    let mut story = Story::new(named());
    story.up(10_000, &created(5.0));
    story.up(20_000, "a 1\n");
    story.up(30_000, &created(25.0));
    assert_eq!(samples(&story, "errors_total"), "10000:7 20000:x 20001:0 30000:7");
}

#[test]
fn after_a_restart_a_counter_is_zero_until_its_first_event() {
    let mut story = Story::new(named());
    story.up(10_000, &engine(5.0, &errors(1)));
    story.up(20_000, &engine(15.0, ""));
    story.up(30_000, &engine(15.0, ""));
    story.up(40_000, &engine(15.0, &errors(1)));
    assert_eq!(samples(&story, "errors_total"), "10000:1 20000:x 30000:0 40000:1");
    // The event may come between the restart and the next scrape, and more events than before.
    let mut story = Story::new(named());
    story.up(10_000, &engine(5.0, &errors(2)));
    story.up(20_000, &engine(15.0, &errors(3)));
    assert_eq!(samples(&story, "errors_total"), "10000:2 10001:0 20000:3");
    // Or while the target is down.
    let mut story = Story::new(named());
    story.up(10_000, &engine(5.0, &errors(1)));
    story.down(20_000, Failure::Connect);
    story.up(30_000, &engine(15.0, &errors(1)));
    assert_eq!(samples(&story, "errors_total"), "10000:1 20000:x 20001:0 30000:1");
}

#[test]
fn a_process_that_was_out_of_reach_continues_its_counters() {
    for start in ["", "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds 5\n"] {
        let mut story = Story::new(named());
        story.up(10_000, &format!("{ENGINE}{start}{}", errors(1)));
        story.down(20_000, Failure::Timeout);
        story.down(30_000, Failure::Timeout);
        let later = "# TYPE late_total counter\nlate_total 2\n";
        story.up(40_000, &format!("{ENGINE}{start}{}{later}", errors(5)));
        assert_eq!(samples(&story, "errors_total"), "10000:1 20000:x 40000:5", "{start}");
        // It began meanwhile: the last page did not have it.
        assert_eq!(samples(&story, "late_total"), "30000:0 40000:2", "{start}");
    }
}

#[test]
fn a_series_that_a_page_lacks_for_a_while_continues() {
    let mut story = Story::new(named());
    for (time_ms, errors) in [(10_000, errors(1)), (20_000, String::new()), (30_000, errors(5))] {
        story.up(time_ms, &engine(5.0, &errors));
    }
    assert_eq!(samples(&story, "errors_total"), "10000:1 20000:x 30000:5");
}

#[test]
fn start_times_behind_a_load_balancer_are_no_restarts() {
    let mut story = Story::new(named());
    for (time_ms, start_s) in [(10_000, 5.0), (20_000, 7.0), (30_000, 5.0), (40_000, 7.0)] {
        story.up(time_ms, &engine(start_s, &errors(9)));
    }
    assert_eq!(samples(&story, "errors_total"), "10000:9 20000:9 30000:9 40000:9");
    // Nor is what only one of the processes has.
    let mut story = Story::new(named());
    for (time_ms, start_s, errors) in
        [(10_000, 5.0, String::new()), (20_000, 7.0, errors(9)), (30_000, 5.0, String::new())]
    {
        story.up(time_ms, &engine(start_s, &errors));
    }
    assert_eq!(samples(&story, "errors_total"), "20000:9 30000:x");
}

#[test]
fn counters_of_machines_are_older_than_their_exporters() {
    let page = |start_s: f64, more: &str| {
        format!("# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds {start_s}\n{more}")
    };
    let cpu = "# TYPE node_cpu_seconds_total counter\nnode_cpu_seconds_total{cpu=\"0\"} 100000\n";
    let mut story = Story::new(named());
    story.up(10_000, &page(5.0, cpu));
    story.down(20_000, Failure::Connect);
    story.up(30_000, &page(25.0, cpu));
    assert_eq!(samples(&story, "node_cpu"), "10000:100000 20000:x 30000:100000");
    let energy =
        "# TYPE DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION counter\nDCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{pod=\"p\"} 9e9\n";
    let mut story = Story::new(named());
    story.up(10_000, "a 1\n");
    story.up(20_000, energy);
    assert_eq!(samples(&story, "DCGM"), "20000:9000000000");
    // Of an unknown exporter, whatever it counts for.
    let other = "# TYPE other_total counter\nother_total 100000\n";
    let mut story = Story::new(named());
    story.up(10_000, &page(5.0, other));
    story.down(20_000, Failure::Connect);
    story.up(30_000, &page(25.0, other));
    assert_eq!(samples(&story, "other"), "10000:100000 20000:x 30000:100000");
}

#[test]
fn a_series_that_moves_to_other_labels_is_not_newborn() {
    let page = format!("http_requests_total 9\n{}", errors(7));
    let mut story = Story::new(Identity { model: None, job: None, ..named() });
    story.up(1000, &page);
    story.up(2000, &format!("{page}vllm:requests_total{{model_name=\"m\"}} 2\n"));
    story.up(3000, &format!("{page}vllm:requests_total{{model_name=\"n\"}} 3\n"));
    expect(
        &story.series(),
        &[
            ("errors_total{code=500,model=m}", "2000:7 3000:x"),
            ("errors_total{code=500,model=n}", "3000:7"),
            ("errors_total{code=500}", "1000:7 2000:x"),
            ("http_requests_total{model=m}", "2000:9 3000:x"),
            ("http_requests_total{model=n}", "3000:9"),
            ("http_requests_total{}", "1000:9 2000:x"),
            ("vllm:requests_total{model=m,model_name=m}", "1000:0 2000:2 3000:x"),
            ("vllm:requests_total{model=n,model_name=n}", "2000:0 3000:3"),
        ],
    );
}

#[test]
fn refused_samples_and_those_with_own_timestamps_get_no_zero() {
    let mut story = Story::new(named());
    story.up(100_000_000, "a 1\n");
    story.up(100_005_000, "a 1\nown_total 2 100004000\nfar_total 3 1\n");
    assert_eq!(samples(&story, "own_total"), "100004000:2");
    assert_eq!(samples(&story, "far_total"), "");
    let limits = tsdb::Limits { series: 12, ..tsdb::Limits::default() };
    let mut story = Story::with_limits(named(), limits);
    story.up(1000, &errors(1));
    let many: String = (0..20).map(|n| format!("c{n} 1\n")).collect();
    assert_eq!(story.up(2000, &format!("{}{many}", errors(2))), Some(Failure::SeriesCap));
    story.up(3000, &errors(3));
    assert_eq!(samples(&story, "errors_total"), "1000:1 2000:x 3000:3");
}

#[test]
fn an_event_before_the_companion_returns_is_counted_if_the_process_is_new() {
    for (start_s, zero) in [(15.0, "10001:0 "), (5.0, "")] {
        let mut story = Story::new(named());
        story.up(10_000, &engine(5.0, &errors(7)));
        let mut again = Writer::new(&story.store, Arc::default(), Arc::default(), named());
        again.resume(&story.store, 20_000);
        story.writer = again;
        story.up(30_000, &engine(start_s, &errors(8)));
        assert_eq!(samples(&story, "errors_total"), format!("10000:7 {zero}30000:8"));
    }
}

#[test]
fn no_zero_is_invented_when_more_series_are_missing_than_are_remembered() {
    let mut story = Story::new(named());
    story.up(1000, "a 1\n");
    (1..=100_001).filter_map(NonZeroU64::new).for_each(|hash| story.writer.newborn.add_missing(hash));
    story.up(2000, &errors(3));
    assert_eq!(samples(&story, "errors_total"), "2000:3");
}
