//! Tests of the table of what releases define beside what the catalogue reads.
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Makes a wheel of a package that is known to the script, whose metrics are defined in several ways.
const MAKE_WHEEL: &str = r#"
import sys, zipfile
SOURCE = '''
from prometheus_client import Counter, Gauge
PREFIX = "vllm:"
class Metrics:
    def __init__(self):
        self.running = self._gauge_cls(name="vllm:num_requests_running", documentation="x")
        self.waiting = Counter("vllm:num_requests_waiting", "now a counter")
        self.latency = Histogram(name=PREFIX + "e2e_request_latency_seconds", documentation="x")
        self.brand_new = Counter(f"{PREFIX}brand_new", "x")
        self.not_a_metric = collections.Counter(words)
        self.elsewhere = Gauge(names.QUEUED, "x")
        self.computed = Gauge(name_of_something(), "x")
'''
DAY = (2026, 11, 1, 0, 0, 0)
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    wheel.writestr(zipfile.ZipInfo("vllm/metrics.py", DAY), SOURCE)
    wheel.writestr(zipfile.ZipInfo("vllm/tests/test_metrics.py", DAY), 'Gauge("vllm:only_in_a_test", "x")')
    wheel.writestr(zipfile.ZipInfo("vllm/broken.py", DAY), "def gauge(")
    wheel.writestr(zipfile.ZipInfo("vllm/names.py", DAY), 'PREFIX = "vllm:"\nQUEUED = PREFIX + "queued"\n')
"#;

/// What the catalogue reads, as the example of catalogue-export prints it.
const NAMES: &str = "vllm\tvllm:num_requests_running\tgauge\nvllm\tvllm:num_requests_waiting\tgauge\n\
    vllm\tvllm:e2e_request_latency_seconds\thistogram\nvllm\tvllm:old_name\tgauge\nsglang\tsglang:other\tgauge\n";

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/upstream")
}

#[test]
fn a_release_is_compared_with_what_the_catalogue_reads() {
    if !Command::new("python3").arg("--version").output().is_ok_and(|output| output.status.success()) {
        println!("skipped: there is no python3");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let (wheel, names) = (path("vllm-9.9.9-py3-none-any.whl"), path("names"));
    fs::write(&names, NAMES).expect("a file");
    let made = Command::new("python3").args(["-c", MAKE_WHEEL]).arg(&wheel).status().expect("python");
    assert!(made.success());
    let output = Command::new(script()).arg("--names").arg(&names).arg(&wheel).output().expect("the script");
    let table = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    for expected in [
        "## vllm 9.9.9\n\nOf 2026-11-01. It defines 5 metrics, of which 3 are read.\n",
        "| defined and not read (2) | `vllm:brand_new_total` (counter), `vllm:queued` (gauge) |\n",
        "| read and not defined (1) | `vllm:old_name` |\n",
        "| of another type (1) | `vllm:num_requests_waiting`: counter, read as gauge |\n",
    ] {
        assert!(table.contains(expected), "{expected}\nin\n{table}");
    }
    assert!(!table.contains("only_in_a_test") && errors.contains("not read: vllm/broken.py"), "{table}{errors}");
    // Without the flag nothing is downloaded.
    let missing = Command::new(script()).arg("--names").arg(&names).arg("no-such-file").output().expect("the script");
    assert!(!missing.status.success() && String::from_utf8_lossy(&missing.stderr).contains("there is no file"));
}
