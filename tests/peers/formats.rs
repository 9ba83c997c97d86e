//! Prometheus scrapes metrics pages that our writer produced and must store all samples, exemplars and metadata.
use exposition::{Encoding, Family, Kind, Timestamp, write};
use inferboard_tests::{Api, FixtureError, PATIENCE, Prometheus, Result, now_ms, skipped, until};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread;
use test_kit::every_kind;

/// The labels of each series, with its name but without job and instance, and the bits of its value.
type Samples = BTreeMap<BTreeMap<String, String>, u64>;

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_reads_everything_that_is_written() -> Result<()> {
    let families = recent(every_kind());
    let text = serve(&families, Encoding::TEXT);
    let open = serve(&families, Encoding { is_openmetrics: true, ..Encoding::TEXT });
    let job =
        |name: &str, address: SocketAddr| json!({ "job_name": name, "static_configs": [{ "targets": [address] }] });
    let configuration = json!({
        "global": { "scrape_interval": "500ms", "scrape_timeout": "500ms" },
        "scrape_configs": [job("text", text), job("openmetrics", open)],
    });
    let prometheus = match Prometheus::configured(&configuration.to_string()).await {
        Err(FixtureError::Absent(program)) => {
            skipped(format_args!("{program} is not installed, so written pages cannot be checked with it"));
            return Ok(());
        }
        started => started?,
    };
    let api = prometheus.api();
    let up = async || api.value("sum(up)", None).await;
    until("both pages scraped", PATIENCE, up, |up| *up == 2.0).await?;

    for job in ["text", "openmetrics"] {
        assert_eq!(stored_samples(&api, job).await?, expected_samples(&families), "{job}");
    }
    assert_eq!(exemplars(&api).await?, expected_exemplars(&families));
    let metadata = metadata(&api, open).await?;
    for family in families.iter().filter(|family| family.kind != Kind::Unknown) {
        let expected = (family.kind.as_str().to_owned(), family.help.clone(), family.unit.clone());
        assert_eq!(metadata.get(&family.name), Some(&expected), "{}", family.name);
    }
    Ok(())
}

/// Sets every timestamp to a minute ago, because Prometheus rejects old samples.
fn recent(mut families: Vec<Family>) -> Vec<Family> {
    let stamp = Timestamp::from_ms(now_ms() - 60_000);
    let samples = families.iter_mut().flat_map(|family| &mut family.samples);
    samples.filter_map(|sample| sample.timestamp.as_mut()).for_each(|timestamp| *timestamp = stamp);
    families
}

/// Serves the families as one metrics page on loopback until the test ends.
fn serve(families: &[Family], encoding: Encoding) -> SocketAddr {
    let mut page = String::new();
    assert_eq!(write(families, encoding, &mut page), 0, "{page}");
    let response = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
        encoding.content_type(),
        page.len()
    );
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            let head = BufReader::new(&connection).lines().map_while(std::io::Result::ok);
            head.take_while(|line| !line.is_empty()).for_each(drop);
            // A scraper that has disconnected tries again.
            let _ = connection.write_all(response.as_bytes());
        }
    });
    address
}

/// The samples that the writer produces, with escaped names, because Debian's Prometheus does not support quoted names.
fn expected_samples(families: &[Family]) -> Samples {
    let samples = families.iter().flat_map(|family| &family.samples).map(|sample| {
        let name = ("__name__".to_owned(), Encoding::TEXT.encoded_name(&sample.name).into_owned());
        let labels = sample.labels.iter().filter(|(_, value)| !value.is_empty());
        let labels = labels.map(|(name, value)| (name.replace('.', "_"), value.clone()));
        (labels.chain([name]).collect(), sample.value.to_bits())
    });
    samples.collect()
}

async fn stored_samples(api: &Api, job: &str) -> Result<Samples> {
    let query = format!("{{job=\"{job}\",__name__!~\"up|scrape_.+\"}}");
    let series = api.vector(&query, None).await?;
    let is_of_target = |name: &String| name == "job" || name == "instance";
    let series = series.into_iter().map(|series| {
        let labels = series.metric.into_iter().filter(|(name, _)| !is_of_target(name)).collect();
        (labels, series.samples.value.1.0.to_bits())
    });
    Ok(series.collect())
}

/// The exemplar of each series that has one: its labels, its value, and its own time in milliseconds, if any.
type Exemplars = BTreeMap<String, (BTreeMap<String, String>, String, Option<i64>)>;

fn expected_exemplars(families: &[Family]) -> Exemplars {
    let samples = families.iter().flat_map(|family| &family.samples);
    let exemplars = samples.filter_map(|sample| {
        let exemplar = sample.exemplar.as_ref()?;
        let labels = exemplar.labels.iter().cloned().collect();
        Some((sample.name.clone(), (labels, exemplar.value.to_string(), exemplar.timestamp.map(Timestamp::ms))))
    });
    exemplars.collect()
}

async fn exemplars(api: &Api) -> Result<Exemplars> {
    let range = format!("start=0&end={}", now_ms() / 1000 + 60);
    let path = format!("/api/v1/query_exemplars?query={{job=\"openmetrics\"}}&{range}");
    let mut exemplars = Exemplars::new();
    for series in data(api, &path).await?.as_array().expect("a list") {
        let exemplar = &series["exemplars"][0];
        let labels: BTreeMap<String, String> = serde_json::from_value(exemplar["labels"].clone()).expect("labels");
        // Prometheus 2 does not unescape the label values of exemplars.
        let labels = labels.into_iter().map(|(name, value)| (name, value.replace("\\\"", "\""))).collect();
        let time_ms = (exemplar["timestamp"].as_f64().expect("a time") * 1000.0).round() as i64;
        // An exemplar without a time gets that of the scrape.
        let time_ms = (time_ms < now_ms() - 600_000).then_some(time_ms);
        let name = series["seriesLabels"]["__name__"].as_str().expect("a name").to_owned();
        exemplars.insert(name, (labels, exemplar["value"].as_str().expect("a value").to_owned(), time_ms));
    }
    Ok(exemplars)
}

/// The type, help text and unit of each family.
async fn metadata(api: &Api, target: SocketAddr) -> Result<BTreeMap<String, (String, String, String)>> {
    let path = format!("/api/v1/targets/metadata?match_target={{instance=\"{target}\"}}");
    let text = |field: &Value| field.as_str().unwrap_or_default().to_owned();
    let data = data(api, &path).await?;
    let entries = data.as_array().expect("a list").iter();
    let fields = |entry: &Value| (text(&entry["type"]), text(&entry["help"]), text(&entry["unit"]));
    Ok(entries.map(|entry| (text(&entry["metric"]), fields(entry))).collect())
}

async fn data(api: &Api, path: &str) -> Result<Value> {
    let body = api.get(path).await?.text().await?;
    let response: Value = serde_json::from_str(&body).expect("JSON");
    Ok(response["data"].clone())
}
