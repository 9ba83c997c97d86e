//! Tests of `/metrics` and `/federate`, from which other Prometheus servers scrape.
use crate::harness::{Companion, FakeTarget, args, exchange, http};
use exposition::{Family, Format, Kind, Limits, parse};
use std::collections::BTreeMap;

const OPENMETRICS: &str = "application/openmetrics-text;version=1.0.0";
const QUOTED_NAMES: &str = "text/plain;version=1.0.0;escaping=allow-utf-8";

/// Status, content type and body.
async fn get(companion: &Companion, path: &str, selectors: &[&str], accept: &str) -> (u16, String, String) {
    let selectors: Vec<_> = selectors.iter().map(|selector| ("match[]", *selector)).collect();
    let url = format!("http://{}{path}", companion.address);
    let response = http().get(url).query(&selectors).header("accept", accept).send().await.expect("an answer");
    let content_type = response.headers()["content-type"].to_str().expect("text").to_owned();
    (response.status().as_u16(), content_type, response.text().await.expect("a body"))
}

async fn families(companion: &Companion, path: &str, accept: &str) -> BTreeMap<String, Family> {
    let (status, content_type, body) = get(companion, path, &[], accept).await;
    let is_openmetrics = accept == OPENMETRICS;
    assert_eq!((status, content_type.starts_with("application/openmetrics-text")), (200, is_openmetrics), "{body}");
    let format = if is_openmetrics { Format::OpenMetrics } else { Format::StrictText };
    let families = parse(body.as_bytes(), format, &Limits::default()).unwrap_or_else(|error| panic!("{error}\n{body}"));
    families.into_iter().map(|family| (family.name.clone(), family)).collect()
}

#[tokio::test]
async fn one_metrics_page_has_the_companion_and_its_machine() {
    let machine = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/machines/whole");
    let companion =
        Companion::start(&server::config::serve_args::ServeArgs { procfs: Some(machine.into()), ..args(&[]) }).await;
    companion.wait_for("inferboard_store_series > bool 0", &[], &["1"]).await;
    let text = families(&companion, "/metrics", "*/*").await;
    for (name, kind) in [
        ("node_cpu_seconds_total", Kind::Counter),
        ("node_memory_MemTotal_bytes", Kind::Gauge),
        ("node_load1", Kind::Gauge),
        ("inferboard_build_info", Kind::Gauge),
        ("inferboard_store_samples_total", Kind::Counter),
        ("inferboard_samples_refused_total", Kind::Counter),
    ] {
        assert_eq!(text.get(name).map(|family| family.kind), Some(kind), "{name}");
    }
    assert!(text.values().all(|family| !family.help.is_empty() && !family.samples.is_empty()), "{text:?}");
    assert!(text.values().all(|family| (family.kind == Kind::Counter) == family.name.ends_with("_total")));
    assert_eq!(text["node_cpu_seconds_total"].samples.len(), 16);
    let open = families(&companion, "/metrics", OPENMETRICS).await;
    let names = |families: &BTreeMap<String, Family>| -> Vec<String> {
        let samples = families.values().flat_map(|family| &family.samples);
        let mut names: Vec<_> = samples.map(|sample| format!("{} {:?}", sample.name, sample.labels)).collect();
        names.sort();
        names
    };
    assert_eq!(names(&open), names(&text));
    assert_eq!(open["node_cpu_seconds"].kind, Kind::Counter);
}

#[tokio::test]
async fn federation_returns_the_latest_samples_sorted_by_name_with_timestamps() {
    let target =
        FakeTarget::serving("b{x=\"2\"} 2\na{x=\"1\"} 1\nb{x=\"1\"} NaN\n{\"c.d\",\"e.f\"=\"\\\"\"} 3\n").await;
    let companion = Companion::start(&args(&[&target.url()])).await;
    let (instance, selectors) = (target.instance(), ["{__name__=~\"b|c.+\"}", "a", "{x=\"1\"}"]);
    let labels = format!("instance=\"{instance}\",job=\"targets\",replica=\"{instance}\"");
    for (accept, content_type, untyped, name, end) in [
        ("*/*", "text/plain; version=0.0.4; charset=utf-8", "untyped", "c_d{e_f=\"\\\"\",", ""),
        (
            QUOTED_NAMES,
            "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
            "untyped",
            "{\"c.d\",\"e.f\"=\"\\\"\",",
            "",
        ),
        (
            OPENMETRICS,
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
            "unknown",
            "c_d{e_f=\"\\\"\",",
            "# EOF\n",
        ),
    ] {
        companion.wait_for("count({__name__=~\"a|b|c.+\"})", &[], &["4"]).await;
        let (status, got_type, body) = get(&companion, "/federate", &selectors, accept).await;
        assert_eq!((status, got_type.as_str()), (200, content_type), "{body}");
        let mut without_times: Vec<String> = Vec::new();
        for line in body.lines() {
            let sample = if line.starts_with('#') { None } else { line.rsplit_once(' ') };
            let age = sample.map(|(_, time)| {
                now_s() - time.parse::<f64>().expect("a time") / if end.is_empty() { 1e3 } else { 1.0 }
            });
            assert!(age.is_none_or(|age| age.abs() < 10.0), "{line}");
            without_times.push(sample.map_or(line, |(series, _)| series).to_owned());
        }
        // The samples of one name have no order.
        let is_sample = |line: &String| !line.starts_with('#');
        without_times.chunk_by_mut(|a, b| is_sample(a) && is_sample(b)).for_each(<[String]>::sort);
        let without_times = without_times.join("\n") + "\n";
        let quoted = if accept == QUOTED_NAMES { "\"c.d\"" } else { "c_d" };
        let expected = format!(
            "# TYPE a {untyped}\na{{{labels},x=\"1\"}} 1.0\n\
             # TYPE b {untyped}\nb{{{labels},x=\"1\"}} NaN\nb{{{labels},x=\"2\"}} 2.0\n\
             # TYPE {quoted} {untyped}\n{name}{labels}}} 3.0\n{end}"
        );
        assert_eq!(without_times, expected);
    }
    target.set_behaviour(None);
    companion.wait_for("a", &[], &[]).await;
    let (_, _, body) = get(&companion, "/federate", &["{x=\"1\"}", "up{job=\"targets\"}"], "*/*").await;
    assert!(body.starts_with("# TYPE up untyped\nup{") && body.lines().count() == 2, "{body}");
}

#[tokio::test]
async fn federation_answers_selectors_that_are_empty_or_invalid() {
    let companion = Companion::start(&args(&[])).await;
    assert_eq!(get(&companion, "/federate", &["no_such_metric"], "*/*").await.2, "");
    assert_eq!(get(&companion, "/federate", &["no_such_metric"], OPENMETRICS).await.2, "# EOF\n");
    for selectors in
        [&[][..], &[""], &["up", "{"], &["{}"], &["sum(up)"], &["up[1m]"], &["up offset 1m"], &["up @ 5"], &["1"]]
    {
        let (status, content_type, body) = get(&companion, "/federate", selectors, "*/*").await;
        assert_eq!((status, content_type.as_str()), (400, "text/plain; charset=utf-8"), "{selectors:?}: {body}");
        assert!(body.starts_with("invalid parameter \"match[]\": ") && body.lines().count() == 1, "{body}");
    }
    for path in ["/metrics", "/federate?match[]=up"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: attacker.example\r\nConnection: close\r\n\r\n");
        assert!(exchange(companion.address, request.as_bytes()).await.starts_with("HTTP/1.1 421 "), "{path}");
        let response = http().post(format!("http://{}{path}", companion.address)).send().await.expect("an answer");
        assert_eq!(response.status().as_u16(), 405, "{path}");
    }
}

#[tokio::test]
async fn long_metrics_pages_are_compressed_for_clients_that_accept_gzip() {
    let companion = Companion::start(&args(&[])).await;
    for path in ["/metrics", "/federate?match[]={__name__=~\"node_.%2B\"}"] {
        let url = format!("http://{}{path}", companion.address);
        companion.wait_for("count(node_memory_MemTotal_bytes)", &[], &["1"]).await;
        let compressed = http().get(&url).header("accept-encoding", "gzip").send().await.expect("an answer");
        assert_eq!(
            (&compressed.headers()["content-encoding"], &compressed.headers()["vary"]),
            (&"gzip".parse().expect("a header"), &"accept, accept-encoding".parse().expect("a header"))
        );
        let mut text = String::new();
        let compressed = compressed.bytes().await.expect("a body");
        std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&*compressed), &mut text).expect("gzip");
        assert!(text.contains("# TYPE node_memory_MemTotal_bytes "), "{text}");
    }
}

fn now_s() -> f64 {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock");
    since_1970.as_secs_f64()
}
