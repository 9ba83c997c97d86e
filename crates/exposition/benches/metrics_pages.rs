//! Measures how fast real metrics pages are read (as samples, as families, incrementally, and by the Python client) and
//! written. Uses one core, and prints the median MB/s and samples/s of CPU time over several rounds.
#![expect(clippy::expect_used, reason = "a benchmark fails by panicking")]

use exposition::{Encoding, Format, IncrementalParser, Limits, NewSeries, Sink, for_each_sample, parse, write};
use rustix::time::{ClockId, clock_gettime};
use std::hint::black_box;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::{env, fs};

/// A metrics page to measure.
struct Input {
    name: &'static str,
    /// The environment variable that names its folder.
    variable: &'static str,
    /// The default of that variable, in the folder of shared inputs.
    folder: &'static str,
    file: &'static str,
}

const INPUTS: [Input; 5] = [
    Input {
        name: "vLLM 0.33",
        variable: "CAPTURES_DIR",
        folder: "captures",
        file: "derived/vllm_0.33.0_v1_dp2_specdecode_lora.prom",
    },
    Input {
        name: "SGLang 0.5",
        variable: "CAPTURES_DIR",
        folder: "captures",
        file: "derived/sglang_0.5.23_unified.prom",
    },
    Input {
        name: "node_exporter",
        variable: "NODE_EXPORTER_DIR",
        folder: "corpora/data/node_exporter",
        file: "collector/fixtures/e2e-output.txt",
    },
    Input { name: "Envoy", variable: "CAPTURES_DIR", folder: "captures", file: "envoy_datadog.prom" },
    Input { name: "Ray head", variable: "CAPTURES_DIR", folder: "captures", file: "ray_head_datadog.prom" },
];

/// Rounds; the result is their median.
const ROUNDS: usize = 9;

/// The smallest number of bytes read in a round.
const MIN_ROUND_BYTES: usize = 4_000_000;

/// Pages with the same series and different values, read in turn.
const VARIANTS: u64 = 8;

/// Reads the metrics page on standard input with the Python client, and prints the median bytes per second of CPU time.
const PYTHON: &str = r"
import statistics, sys, time
from prometheus_client.parser import text_string_to_metric_families
text = sys.stdin.read()
def rate():
    start = time.process_time()
    for family in text_string_to_metric_families(text):
        pass
    return len(text.encode()) / (time.process_time() - start)
print(statistics.median(rate() for _ in range(5)))
";

fn main() {
    let shared = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    println!("{:<14} {:>8} {:>8}  {:<34} {:>8} {:>12}", "page", "KB", "samples", "what", "MB/s", "samples/s");
    for Input { name, variable, folder, file } in INPUTS {
        let path = env::var_os(variable).map_or_else(|| shared.join(folder), PathBuf::from).join(file);
        match fs::read(&path) {
            Ok(page) => measure_page(name, &page),
            Err(_) => println!("skipped: {} is absent", path.display()),
        }
    }
    println!("The goal for an incremental read is 300 MB/s.");
}

fn measure_page(name: &str, page: &[u8]) {
    let limits = Limits::default();
    let families = parse(page, Format::Text, &limits).expect("a valid page");
    let samples: usize = families.iter().map(|family| family.samples.len()).sum();
    let report = |what: &str, bytes: usize, rate: f64| {
        let per_second = rate / bytes as f64 * samples as f64;
        let kilobytes = bytes as f64 / 1e3;
        println!("{name:<14} {kilobytes:>8.1} {samples:>8}  {what:<34} {:>8.0} {per_second:>12.0}", rate / 1e6);
    };
    let pages: Vec<Vec<u8>> = (0..VARIANTS).map(|variant| with_other_values(page, variant)).collect();
    let read_each = |page: &[u8]| {
        let mut sum = 0.0;
        for_each_sample(page, Format::Text, &limits, &mut |sample| sum += sample.value).expect("a valid page");
        black_box(sum);
    };
    report("for_each_sample", page.len(), bytes_per_second(&pages, read_each));
    let read_families = |page: &[u8]| {
        black_box(parse(page, Format::Text, &limits).expect("a valid page"));
    };
    report("parse", page.len(), bytes_per_second(&pages, read_families));
    let read_first = |page: &[u8]| {
        let mut sum = Sum::default();
        IncrementalParser::default().parse(page, Format::Text, &limits, &mut sum).expect("a valid page");
        black_box(sum);
    };
    report("IncrementalParser, first page", page.len(), bytes_per_second(&pages, read_first));
    let repeated = bytes_per_second(&pages, incrementally(Format::Text, &limits));
    report("IncrementalParser, same series", page.len(), repeated);
    if let Some(python) = python_bytes_per_second(page) {
        report("prometheus_client", page.len(), python);
        println!("{:<32}  {:<34} {:>8.0}", "", "× prometheus_client", repeated / python);
    }

    for (what, encoding, format) in [
        ("write, Prometheus text", Encoding::TEXT, Format::Text),
        ("write, OpenMetrics", Encoding { is_openmetrics: true, ..Encoding::TEXT }, Format::OpenMetrics),
    ] {
        let mut written = String::new();
        write(&families, encoding, &mut written);
        let rate = bytes_per_second(&[written.clone().into_bytes()], |_| {
            let mut page = String::with_capacity(written.len());
            write(&families, encoding, &mut page);
            black_box(page);
        });
        report(what, written.len(), rate);
        if format == Format::OpenMetrics {
            let rate = bytes_per_second(&[written.clone().into_bytes()], incrementally(format, &limits));
            report("IncrementalParser, OpenMetrics", written.len(), rate);
        }
    }
}

/// Parses each page against the previous one.
fn incrementally(format: Format, limits: &Limits) -> impl FnMut(&[u8]) {
    let mut parser = IncrementalParser::default();
    let mut sum = Sum::default();
    move |page| {
        parser.parse(page, format, limits, &mut sum).expect("a valid page");
        black_box(&sum);
    }
}

/// Reads `pages` in turn, repeatedly, until a round is long enough to measure.
fn bytes_per_second(pages: &[Vec<u8>], mut read: impl FnMut(&[u8])) -> f64 {
    let bytes: usize = pages.iter().map(Vec::len).sum();
    let turns = 1 + MIN_ROUND_BYTES / bytes;
    let mut rates = [0.0; ROUNDS];
    for rate in &mut rates {
        let start_s = cpu_s();
        for _ in 0..turns {
            pages.iter().for_each(|page| read(page));
        }
        *rate = (bytes * turns) as f64 / (cpu_s() - start_s);
    }
    rates.sort_by(f64::total_cmp);
    rates[ROUNDS / 2]
}

/// CPU time of this thread in seconds, which other processes do not affect.
fn cpu_s() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// How fast the Python client reads the page. Prints a message and returns none if the client is not installed.
/// `PROMETHEUS_CLIENT_PYTHON` names the interpreter.
fn python_bytes_per_second(page: &[u8]) -> Option<f64> {
    let interpreter = env::var_os("PROMETHEUS_CLIENT_PYTHON").unwrap_or_else(|| "python3".into());
    let mut command = Command::new(&interpreter);
    command.args(["-c", PYTHON]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let rate = command.spawn().ok().and_then(|mut child| {
        // The script reads everything before it writes. Without the client, Python exits without reading.
        let _ = child.stdin.take()?.write_all(page);
        String::from_utf8(child.wait_with_output().ok()?.stdout).ok()?.trim().parse().ok()
    });
    if rate.is_none() {
        println!("skipped: {} with the package prometheus_client is absent", interpreter.display());
    }
    rate
}

/// The page with another last digit in every value that has one.
fn with_other_values(page: &[u8], variant: u64) -> Vec<u8> {
    let text = String::from_utf8(page.to_vec()).expect("UTF-8");
    let mut out = String::with_capacity(text.len() + text.len() / 50);
    for (number, line) in (0_u64..).zip(text.lines()) {
        let digit = (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60).wrapping_add(variant) % 10;
        match line.rsplit_once(' ') {
            Some((_, value)) if !line.starts_with('#') && value.ends_with(|c: char| c.is_ascii_digit()) => {
                out.push_str(&line[..line.len() - 1]);
                out.push(char::from(b'0' + u8::try_from(digit).expect("a digit")));
            }
            _ => out.push_str(line),
        }
        out.push('\n');
    }
    out.into_bytes()
}

#[derive(Default)]
struct Sum {
    values: f64,
    series: usize,
}

impl Sink for Sum {
    fn series_added(&mut self, _: u32, new: NewSeries<'_>) {
        self.series += new.name.len() + new.labels.len();
    }

    fn sample(&mut self, _: u32, value: f64, _: Option<i64>) {
        self.values += value;
    }

    fn series_removed(&mut self, _: u32) {
        self.series += 1;
    }
}
