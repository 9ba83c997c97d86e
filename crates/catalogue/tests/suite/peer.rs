//! The page's queries over every capture, compared with Prometheus's answers from the same samples.
use crate::captures::{Capture, captures};
use crate::scraped::Scraped;
use catalogue::{GRAPHS, LINE_LABEL, QueryContext, Scope, ScopeLabels, detailed_query, drawn_query};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// With scrapes a minute apart, no edge of such a window falls on a sample, where Prometheus 2 and 3 differ.
const WINDOW_MS: i64 = 150_000;
/// The largest difference of two values, relative to the larger.
const TOLERANCE: f64 = 1e-6;

#[test]
fn prometheus_draws_the_same_lines_from_every_capture() {
    let folder = tempfile::tempdir().expect("a folder");
    let captures = captures();
    // promtool imports no names with dots.
    let has_plain_names = |capture: &&Capture| capture.families.iter().all(|family| !family.name.contains('.'));
    let labelled = captures.iter().filter(has_plain_names).map(|capture| {
        let labels = [("model", capture.name.as_str()), ("replica", "r1"), ("instance", "i1")];
        (capture, Scraped::grown(capture, &labels, 4))
    });
    let scraped: Vec<_> = labelled.collect();
    let text: String = scraped.iter().map(|(_, scraped)| scraped.text()).chain(["# EOF\n"]).collect();
    let Some(prometheus) = Prometheus::start(folder.path(), &text) else {
        println!("skipped: prometheus and promtool are not installed");
        return;
    };
    let labels = ScopeLabels::default();
    let (mut failures, mut compared) = (Vec::new(), 0);
    for (capture, scraped) in &scraped {
        let scope = Scope { model: Some(capture.name.clone()), ..Scope::default() };
        let context = QueryContext::of_moments(&scope, &labels, WINDOW_MS);
        let present = |name: &str| name != "up" && scraped.has(name);
        for graph in GRAPHS {
            for query in [drawn_query(graph, &present, &context), detailed_query(graph, &present, &context)] {
                let Some(query) = query else { continue };
                let at_ms = scraped.now_ms() + 1000;
                let (ours, theirs) = (scraped.lines_at(&query, at_ms), prometheus.lines_at(&query, at_ms));
                compared += theirs.len();
                if !alike(&ours, &theirs) {
                    failures.push(format!("{}, {}: {ours:?} and Prometheus {theirs:?}", capture.name, graph.id));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(compared > 50, "only {compared} lines to compare");
}

fn alike(ours: &BTreeMap<String, f64>, theirs: &BTreeMap<String, f64>) -> bool {
    let same =
        |(a, b): (&f64, &f64)| a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= TOLERANCE * a.abs().max(b.abs());
    ours.keys().eq(theirs.keys()) && ours.values().zip(theirs.values()).all(same)
}

/// A Prometheus that serves imported samples; stopped when dropped.
struct Prometheus {
    process: Child,
    port: u16,
}

impl Prometheus {
    /// None if it is not installed.
    fn start(folder: &Path, samples: &str) -> Option<Self> {
        let (samples_file, blocks, config) = (folder.join("samples"), folder.join("blocks"), folder.join("config.yml"));
        fs::write(&samples_file, samples).expect("a file");
        fs::write(&config, "global: {scrape_interval: 1h}\n").expect("a file");
        let mut promtool = Command::new("promtool");
        promtool.args(["tsdb", "create-blocks-from", "openmetrics"]).arg(&samples_file).arg(&blocks);
        let made = promtool.output().ok()?;
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", blocks.display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--storage.tsdb.retention.time=100y")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let prometheus = Self { process: command.spawn().ok()?, port };
        let until = Instant::now() + Duration::from_secs(60);
        while !prometheus.post("/api/v1/query", "query=1").is_some_and(|answer| answer["status"] == "success") {
            assert!(Instant::now() < until, "Prometheus did not start");
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(prometheus)
    }

    /// The lines of a query at one time.
    fn lines_at(&self, query: &str, at_ms: i64) -> BTreeMap<String, f64> {
        let form = format!("time={}&query={}", at_ms / 1000, encoded(query));
        let answer = self.post("/api/v1/query", &form).expect("an answer");
        let result = answer["data"]["result"].as_array().unwrap_or_else(|| panic!("{answer}: {query}"));
        let line = |series: &Value| {
            let name = series["metric"][LINE_LABEL].as_str().unwrap_or_default().to_owned();
            (name, series["value"][1].as_str().expect("a value").parse().expect("a number"))
        };
        result.iter().map(line).collect()
    }

    fn post(&self, path: &str, form: &str) -> Option<Value> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
        let head = "Content-Type: application/x-www-form-urlencoded";
        // HTTP 1.0 has no chunked encoding.
        write!(stream, "POST {path} HTTP/1.0\r\n{head}\r\nContent-Length: {}\r\n\r\n{form}", form.len()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn encoded(text: &str) -> String {
    let one = |byte: u8| match byte {
        b if b.is_ascii_alphanumeric() => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    };
    text.bytes().map(one).collect()
}
