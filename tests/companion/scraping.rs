//! Tests of scrapes: targets that come and go, formats, timestamps, and reloads.
use crate::harness::{Companion, FakeTarget, answer, args, hang, metrics_page};
use server::config::Settings;
use std::io::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

#[tokio::test]
async fn a_target_comes_goes_and_comes_back() {
    let target = FakeTarget::serving("vllm:num_requests_running{model_name=\"m\"} 3\n").await;
    let companion = Companion::start(&args(&[&target.url()])).await;
    let by = ["job", "model", "replica", "instance"];
    let up = format!("targets - {0} {0} 1", target.instance());
    companion.wait_for("up{job!~\"host|inferboard\"}", &by, &[&up]).await;
    companion.wait_for("vllm:num_requests_running", &["model"], &["m 3"]).await;

    target.set_behaviour(None);
    let down = format!("targets - {0} {0} 0", target.instance());
    companion.wait_for("up{job!~\"host|inferboard\"}", &by, &[&down]).await;
    companion.wait_for("vllm:num_requests_running", &[], &[]).await;
    companion.wait_for("inferboard_scrape_failed", &["reason"], &["broken 1"]).await;

    target.set_behaviour(Some(metrics_page("vllm:num_requests_running{model_name=\"m\"} 4\n")));
    companion.wait_for("vllm:num_requests_running", &["model"], &["m 4"]).await;
    companion.wait_for("inferboard_scrape_failed", &[], &[]).await;
    let head = target.requests.lock().expect("a lock")[0].clone();
    assert!(head.starts_with("GET /metrics HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("x-prometheus-scrape-timeout-seconds: 0.5\r\n"), "{head}");
}

#[tokio::test]
async fn the_first_error_of_a_kind_is_counted() {
    let page = |errors: u32| format!("a 1\n# TYPE errors_total counter\nerrors_total{{code=\"500\"}} {errors}\n");
    let (quiet, running) = (FakeTarget::serving("a 1\n").await, FakeTarget::serving(&page(7)).await);
    let companion = Companion::start(&args(&[&quiet.url(), &running.url()])).await;
    companion.wait_for("count(a)", &[], &["2"]).await;
    quiet.set_behaviour(Some(metrics_page(&page(1))));
    running.set_behaviour(Some(metrics_page(&page(8))));
    let of = |target: &FakeTarget| format!("errors_total{{instance=\"{}\"}}[5m]", target.instance());
    companion.wait_for(&format!("max_over_time({})", of(&quiet)), &[], &["1"]).await;
    companion.wait_for(&format!("max_over_time({})", of(&running)), &[], &["8"]).await;
    assert_eq!(companion.values(&format!("min_over_time({})", of(&quiet)), &[]).await, ["0"]);
    assert_eq!(companion.values(&format!("increase({}) > bool 0.9", of(&quiet)), &[]).await, ["1"]);
    // What was there before the companion is not counted.
    assert_eq!(companion.values(&format!("min_over_time({})", of(&running)), &[]).await, ["7"]);
}

#[tokio::test]
async fn the_engine_and_unclaimed_families_are_reported() {
    let sglang_version = |version: &str| {
        metrics_page(&format!(
            "sglang:num_running_reqs{{model_name=\"m\"}} 1\nsglang:brand_new{{model_name=\"m\"}} 1\n\
             # TYPE process_start_time_seconds gauge\nprocess_start_time_seconds 1\nother{{version=\"{version}\"}} 1\n"
        ))
    };
    let target = FakeTarget::start(sglang_version("1")).await;
    let companion = Companion::start(&args(&[&target.url()])).await;
    companion.wait_for("inferboard_engine_info{job!=\"host\"}", &["engine"], &["sglang 1"]).await;
    companion.wait_for("inferboard_replica_model", &["model"], &["m 1"]).await;
    companion.wait_for("inferboard_engine_graphs{job!=\"host\"} > bool 0", &["engine"], &["sglang 1"]).await;
    companion.wait_for("sort(inferboard_unclaimed_families{job=\"targets\"})", &[], &["2"]).await;
    let unclaimed = "count by (family) (inferboard_family_unclaimed{job=\"targets\"})";
    companion.wait_for(unclaimed, &["family"], &["other 1", "sglang:brand_new 1"]).await;
    target.set_behaviour(Some(metrics_page("vllm:num_requests_running{model_name=\"m\"} 1\n")));
    companion.wait_for("inferboard_engine_info{job!=\"host\"}", &["engine", "job"], &["vllm targets 1"]).await;
}

#[tokio::test]
async fn a_target_that_hangs_delays_no_other() {
    let (slow, quick) = (FakeTarget::start(hang()).await, FakeTarget::serving("a 1\n").await);
    let companion = Companion::start(&args(&[&slow.url(), &quick.url()])).await;
    companion
        .wait_for("inferboard_scrape_failed", &["instance", "reason"], &[&format!("{} timeout 1", slow.instance())])
        .await;
    let scrapes = format!("count_over_time(up{{instance=\"{}\"}}[10s]) > bool 8", quick.instance());
    companion.wait_for(&scrapes, &[], &["1"]).await;
    companion.wait_for("a", &["instance"], &[&format!("{} 1", quick.instance())]).await;
}

#[tokio::test]
async fn metrics_pages_are_read_in_each_format_and_encoding() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(b"zipped 1\n").expect("memory");
    let gzip = gzip.finish().expect("memory");
    let zipped = FakeTarget::start(answer("Content-Type: text/plain\r\nContent-Encoding: gzip\r\n", &gzip)).await;
    let open = FakeTarget::start(answer(
        "Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n",
        b"# TYPE opened counter\nopened_total 2 # {trace_id=\"x\"} 1\n# EOF\n",
    ))
    .await;
    let companion = Companion::start(&args(&[&zipped.url(), &open.url()])).await;
    companion.wait_for("zipped", &[], &["1"]).await;
    companion.wait_for("opened_total", &[], &["2"]).await;
}

#[tokio::test]
async fn a_timestamp_on_the_metrics_page_is_the_time_of_the_sample() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs();
    let stamped_s = now - 100;
    let target = FakeTarget::serving(&format!("old 7 {stamped_s}000\n")).await;
    let companion = Companion::start(&args(&[&target.url()])).await;
    companion.wait_for("timestamp(old)", &[], &[&stamped_s.to_string()]).await;
    companion.wait_for("count_over_time(old[5m])", &[], &["1"]).await;
}

#[tokio::test]
async fn a_reload_ends_and_starts_targets_and_keeps_the_others() {
    let (kept, ended, new) = (
        FakeTarget::serving("kept 1\n").await,
        FakeTarget::serving("ended 1\n").await,
        FakeTarget::serving("new 1\n").await,
    );
    let companion = Companion::start(&args(&[&kept.url(), &ended.url()])).await;
    companion.wait_for("kept or ended", &["__name__"], &["ended 1", "kept 1"]).await;
    let settings = Settings::load(&args(&[&kept.url(), &new.url()])).expect("settings");
    companion.reloads.send(settings.targets).await.expect("a companion");
    companion.wait_for("kept or ended or new", &["__name__"], &["kept 1", "new 1"]).await;
    companion.wait_for(&format!("up{{instance=\"{}\"}}", ended.instance()), &[], &[]).await;
    // A restarted target would add its series again.
    let added = format!("sum_over_time(scrape_series_added{{instance=\"{}\"}}[1m])", kept.instance());
    assert_eq!(companion.values(&added, &[]).await, ["1"]);
}

#[tokio::test]
async fn this_machine_and_the_companion_are_targets_too() {
    let machine = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/machines/whole");
    let companion =
        Companion::start(&server::config::serve_args::ServeArgs { procfs: Some(machine.into()), ..args(&[]) }).await;
    companion
        .wait_for("up", &["job", "instance", "model", "replica"], &["host gpubox-1 - - 1", "inferboard gpubox-1 - - 1"])
        .await;
    companion.wait_for("node_memory_MemTotal_bytes", &["job"], &["host 16042172416"]).await;
    companion.wait_for("count(node_cpu_seconds_total)", &[], &["16"]).await;
    companion.wait_for("inferboard_store_samples_total > bool 10", &[], &["1"]).await;
    companion.stop().await;
}
