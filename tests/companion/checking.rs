//! Tests of `check`: its reports and exit codes for good, bad, missing and unreachable metrics pages.
use crate::harness::{FakeTarget, answer, metrics_page, raw, status};
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The output and the exit code of `check` with `input` as its standard input.
fn check(args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_inferboard-server"))
        .arg("check")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    // The command may exit before it has read everything.
    let writing = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("the output");
    writing.join().expect("no panic");
    output
}

/// The exit code and the JSON report of `check --json`.
fn checked(args: &[&str], input: &[u8]) -> (Option<i32>, Value) {
    let output = check(&[args, &["--json"]].concat(), input);
    let report = serde_json::from_slice(&output.stdout);
    (output.status.code(), report.unwrap_or_else(|error| panic!("{error}: {output:?}")))
}

async fn checked_url(url: String) -> (Option<i32>, Value) {
    tokio::task::spawn_blocking(move || checked(&[&url], b"")).await.expect("no panic")
}

const GOOD: &[u8] = b"# HELP vllm:num_preemptions Requests put back.\n# TYPE vllm:num_preemptions counter\n\
    vllm:num_preemptions_total{model_name=\"m\",engine=\"0\"} 1\nvllm:num_preemptions_total{model_name=\"m\",engine=\"1\"} 2\n\
    # TYPE vllm:brand_new gauge\nvllm:brand_new{model_name=\"m\"} 1\n";

#[test]
fn the_report_of_a_good_metrics_page_says_what_would_be_stored() {
    let output = check(&["-"], GOOD);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let expected = "\
-: Prometheus text (it does not end with # EOF), 256 bytes

FAMILY                TYPE            UNIT  SAMPLES
vllm:num_preemptions  counter                     2
vllm:brand_new        gauge                       1

Engines: vLLM
Graphs: preemptions
Read by no graph: vllm:brand_new

All would be stored: 3 samples of 3 series, labelled job=\"targets\", model=\"m\".
";
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(stdout, expected, "{stdout}");
}

#[test]
fn the_json_report_says_the_same() {
    let input = b"# TYPE a_seconds gauge\n# UNIT a_seconds seconds\na_seconds 1\na_seconds 2\nb 3 1000\n";
    let (code, report) = checked(&["-"], input);
    let expected = json!({
        "source": "-",
        "format": "text",
        "format_by": "no_end_mark",
        "size_bytes": input.len(),
        "families": [
            { "name": "a_seconds", "type": "gauge", "unit": "seconds", "samples": 2 },
            { "name": "b", "type": "unknown", "unit": "", "samples": 1 },
        ],
        "stored": { "samples": 1, "series": 1, "duplicates": 1, "out_of_bounds": 1, "labels": { "job": "targets" } },
        "refused": [],
        "more_refused": 0,
        "engines": [],
        "graphs": [],
        "unclaimed": ["a_seconds", "b"],
        "proposed_metrics": [],
        "warnings": [],
        "advice": [],
    });
    assert_eq!((code, report), (Some(0), expected));
    let stdout = String::from_utf8(check(&["-"], input).stdout).expect("text");
    assert!(
        stdout.contains("\nWould be stored: 1 sample of 1 series") && stdout.contains("\nLeft out: 1 sample"),
        "{stdout}"
    );
}

#[test]
fn every_error_has_its_line_and_column() {
    let (code, report) = checked(&["-"], b"good 1\nbad one\nbad{a=\"b} 1\nbad 1 2 3\n");
    assert_eq!((code, &report["stored"]), (Some(1), &Value::Null));
    let places: Vec<_> =
        report["refused"].as_array().expect("a list").iter().map(|error| (&error["line"], &error["column"])).collect();
    assert_eq!(json!(places), json!([[2, 5], [3, 7], [4, 9]]), "{report}");
    assert_eq!(report["families"], json!([{ "name": "good", "type": "unknown", "unit": "", "samples": 1 }]));

    let output = check(&["-"], &b"bad one\n".repeat(30));
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stdout.contains("Nothing would be stored: a scrape is all or nothing, and 30 errors were found.\n"),
        "{stdout}"
    );
    assert!(
        stdout.contains("\n  line 20, column 5: \"one\" is not a value") && stdout.ends_with("\n  and 10 more\n"),
        "{stdout}"
    );
}

#[test]
fn the_end_mark_or_the_flag_decides_the_format() {
    for (args, input, format, by, code) in [
        (&["-"][..], &b"# TYPE a counter\na_total 1\n# EOF\n"[..], "openmetrics", "end_mark", 0),
        (&["-"], b"a 1\n# EOF", "openmetrics", "end_mark", 0),
        (&["-"], b"a 1\n", "text", "no_end_mark", 0),
        (&["-"], b"a 1\n# EOF\nb 2\n", "text", "no_end_mark", 0),
        (&["-", "--format", "openmetrics"], b"a 1\n", "openmetrics", "flag", 1),
        (&["-", "--format", "text"], b"# TYPE a counter\na 1\n# EOF\n", "text", "flag", 0),
        (&["-", "--format", "openmetrics"], b"# TYPE a counter\na 1\n# EOF\n", "openmetrics", "flag", 1),
    ] {
        let (exit, report) = checked(args, input);
        let actual = (&report["format"], &report["format_by"], exit);
        assert_eq!(actual, (&json!(format), &json!(by), Some(code)), "{args:?} {report}");
    }
}

#[test]
fn the_limits_of_a_scrape_apply() {
    let labels: String = (0..65).map(|number| format!("l{number}=\"\",")).collect();
    let long = format!("a{{b=\"{}\"}} 1\n", "x".repeat(5_000));
    let many = "a 1\n".repeat(50_001);
    let large = vec![b'\n'; (16 << 20) + 1];
    for (input, line, message) in [
        (format!("a{{{labels}}} 1\n").as_bytes(), 1, "64 labels"),
        (long.as_bytes(), 1, "4096 bytes"),
        (many.as_bytes(), 50_001, "50000 samples"),
        (&large, 1, "16777216 bytes"),
        (b"a 1\n\xff 1\n", 2, "UTF-8"),
    ] {
        let (code, report) = checked(&["-"], input);
        let refused = &report["refused"][0];
        assert_eq!((code, &refused["line"]), (Some(1), &json!(line)), "{refused}");
        assert!(refused["reason"].as_str().is_some_and(|reason| reason.contains(message)), "{refused}");
    }
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let output = check(&["-"], b"{\"evil\x1b[31m\"} 1\n{\"right\xe2\x80\xaeleft\"} \x1b\n");
    assert!(output.stdout.iter().all(|byte| byte.is_ascii_graphic() || b" \n".contains(byte)), "{output:?}");
}

#[test]
fn gzip_is_decompressed_up_to_the_size_limit() {
    let mut compressed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    compressed.write_all(GOOD).expect("memory");
    let compressed = compressed.finish().expect("memory");
    assert_eq!(checked(&["-"], &compressed).1["stored"]["samples"], 3);
    let (code, report) = checked(&["-"], &compressed[..compressed.len() / 2]);
    assert_eq!(code, Some(1));
    assert!(report["refused"][0]["reason"].as_str().is_some_and(|reason| reason.contains("decompress")), "{report}");
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    (0..64).for_each(|_| bomb.write_all(&vec![b'\n'; 1 << 20]).expect("memory"));
    let (code, report) = checked(&["-"], &bomb.finish().expect("memory"));
    assert_eq!((code, &report["size_bytes"]), (Some(1), &json!((16 << 20) + 1)), "{report}");
}

#[test]
fn unreadable_input_exits_1_and_wrong_usage_exits_2() {
    for (args, code, message) in [
        (&["no/such/page"][..], 1, "no/such/page"),
        (&[env!("CARGO_MANIFEST_DIR")], 1, "directory"),
        (&[], 2, "FILE|URL"),
        (&["a", "b"], 2, "unexpected argument"),
        (&["-", "--format", "html"], 2, "--format"),
        (&["http://user:password@localhost/"], 2, "password"),
        (&["http://"], 2, "URL"),
    ] {
        let output = check(args, b"");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
        assert!(stderr.starts_with("error: ") && stderr.contains(message), "{args:?}: {stderr}");
        assert!(output.stdout.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_is_requested_like_a_scrape() {
    let target = FakeTarget::serving("a 1\n").await;
    let (code, report) = checked_url(target.url()).await;
    assert_eq!((code, &report["format"], &report["format_by"]), (Some(0), &json!("text"), &json!("content_type")));
    let head = target.requests.lock().expect("a lock")[0].clone();
    assert!(
        head.starts_with("GET /metrics HTTP/1.1\r\n") && head.contains("accept: application/openmetrics"),
        "{head}"
    );

    target.set_behaviour(Some(answer("Content-Type: application/openmetrics-text\r\n", b"a 1\n")));
    let (code, report) = checked_url(target.url()).await;
    assert_eq!((code, &report["format"], &report["refused"][0]["line"]), (Some(1), &json!("openmetrics"), &json!(2)));

    for (behaviour, message) in [
        (status("404 Not Found"), "status 404"),
        (raw("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/b\r\nContent-Length: 0\r\n\r\n"), "redirect"),
        (answer("Content-Type: text/html\r\n", b"a 1\n"), "content type"),
    ] {
        target.set_behaviour(Some(behaviour));
        let (code, report) = checked_url(target.url()).await;
        assert_eq!((code, &report["format"], &report["refused"][0]["line"]), (Some(1), &Value::Null, &Value::Null));
        assert!(report["refused"][0]["reason"].as_str().is_some_and(|reason| reason.contains(message)), "{report}");
    }
    target.set_behaviour(Some(metrics_page("a 1\n")));
    let url = target.url();
    let output =
        tokio::task::spawn_blocking(move || check(&[&url, "--format", "openmetrics"], b"")).await.expect("no panic");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_refused_connection_is_reported() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address");
    let output = check(&[&format!("http://{free}/metrics")], b"");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("is the server running?"), "{stderr}");
}

#[test]
fn captures_of_real_servers_would_be_stored() {
    let default_folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/captures");
    let folder = std::env::var_os("CAPTURES_DIR").map_or(default_folder, PathBuf::from);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: {} is absent; set CAPTURES_DIR to another folder", folder.display());
        return;
    };
    let captures = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "prom"));
    let mut count = 0;
    for capture in captures {
        let (code, report) = checked(&[capture.to_str().expect("UTF-8")], b"");
        assert_eq!((code, &report["refused"]), (Some(0), &json!([])), "{report}");
        let in_families: u64 =
            report["families"].as_array().expect("a list").iter().filter_map(|family| family["samples"].as_u64()).sum();
        let stored = |what: &str| report["stored"][what].as_u64().expect("a number");
        assert_eq!(in_families, stored("samples") + stored("duplicates") + stored("out_of_bounds"), "{report}");
        count += 1;
    }
    assert!(count > 10, "{count} captures");
}
