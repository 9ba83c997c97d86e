//! `check`: what it says of pages that are good, bad, absent or not to be had, and how it exits.
use crate::harness::{FakeTarget, answer, metrics_page, raw, status};
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// What `check` prints and how it exits, with `input` at its standard input.
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
    // The command may end without having read all.
    let writing = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("an end");
    writing.join().expect("no panic");
    output
}

/// The exit code and the JSON of `check --json`.
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
fn a_good_page_is_told_with_what_is_stored_of_it() {
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

All would be stored: 3 samples of 3 series, labelled job=\"vllm\", model=\"m\".
";
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said, expected, "{said}");
}

#[test]
fn the_report_for_machines_says_the_same() {
    let page = b"# TYPE a_seconds gauge\n# UNIT a_seconds seconds\na_seconds 1\na_seconds 2\nb 3 1000\n";
    let (code, report) = checked(&["-"], page);
    let expected = json!({
        "source": "-",
        "format": "text",
        "format_by": "no_end_mark",
        "size_bytes": page.len(),
        "families": [
            { "name": "a_seconds", "type": "gauge", "unit": "seconds", "samples": 2 },
            { "name": "b", "type": "unknown", "unit": "", "samples": 1 },
        ],
        "stored": { "samples": 1, "series": 1, "duplicates": 1, "out_of_bounds": 1, "labels": { "job": "unknown" } },
        "refused": [],
        "more_refused": 0,
        "engines": [],
        "graphs": [],
        "unclaimed": ["a_seconds", "b"],
    });
    assert_eq!((code, report), (Some(0), expected));
    let said = String::from_utf8(check(&["-"], page).stdout).expect("text");
    assert!(
        said.contains("\nWould be stored: 1 sample of 1 series") && said.contains("\nLeft out: 1 sample"),
        "{said}"
    );
}

#[test]
fn every_refusal_has_its_place() {
    let (code, report) = checked(&["-"], b"good 1\nbad one\nbad{a=\"b} 1\nbad 1 2 3\n");
    assert_eq!((code, &report["stored"]), (Some(1), &Value::Null));
    let places: Vec<_> =
        report["refused"].as_array().expect("a list").iter().map(|one| (&one["line"], &one["column"])).collect();
    assert_eq!(json!(places), json!([[2, 5], [3, 7], [4, 9]]), "{report}");
    assert_eq!(report["families"], json!([{ "name": "good", "type": "unknown", "unit": "", "samples": 1 }]));

    let output = check(&["-"], &b"bad one\n".repeat(30));
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said.contains("Nothing would be stored: a scrape is all or nothing, and 30 errors were found.\n"),
        "{said}"
    );
    assert!(
        said.contains("\n  line 20, column 5: \"one\" is not a value") && said.ends_with("\n  and 10 more\n"),
        "{said}"
    );
}

#[test]
fn the_format_is_the_endings_or_the_flags() {
    for (args, page, format, by, code) in [
        (&["-"][..], &b"# TYPE a counter\na_total 1\n# EOF\n"[..], "openmetrics", "end_mark", 0),
        (&["-"], b"a 1\n# EOF", "openmetrics", "end_mark", 0),
        (&["-"], b"a 1\n", "text", "no_end_mark", 0),
        (&["-"], b"a 1\n# EOF\nb 2\n", "text", "no_end_mark", 0),
        (&["-", "--format", "openmetrics"], b"a 1\n", "openmetrics", "flag", 1),
        (&["-", "--format", "text"], b"# TYPE a counter\na 1\n# EOF\n", "text", "flag", 0),
        (&["-", "--format", "openmetrics"], b"# TYPE a counter\na 1\n# EOF\n", "openmetrics", "flag", 1),
    ] {
        let (exit, report) = checked(args, page);
        let told = (&report["format"], &report["format_by"], exit);
        assert_eq!(told, (&json!(format), &json!(by), Some(code)), "{args:?} {report}");
    }
}

#[test]
fn the_scrapers_limits_hold() {
    let labels: String = (0..65).map(|number| format!("l{number}=\"\",")).collect();
    let long = format!("a{{b=\"{}\"}} 1\n", "x".repeat(5_000));
    let many = "a 1\n".repeat(50_001);
    let large = vec![b'\n'; (16 << 20) + 1];
    for (page, line, says) in [
        (format!("a{{{labels}}} 1\n").as_bytes(), 1, "64 labels"),
        (long.as_bytes(), 1, "4096 bytes"),
        (many.as_bytes(), 50_001, "50000 samples"),
        (&large, 1, "16777216 bytes"),
        (b"a 1\n\xff 1\n", 2, "UTF-8"),
    ] {
        let (code, report) = checked(&["-"], page);
        let refused = &report["refused"][0];
        assert_eq!((code, &refused["line"]), (Some(1), &json!(line)), "{refused}");
        assert!(refused["reason"].as_str().is_some_and(|reason| reason.contains(says)), "{refused}");
    }
}

#[test]
fn nothing_on_a_page_reaches_the_terminal_as_a_command() {
    let output = check(&["-"], b"{\"evil\x1b[31m\"} 1\n{\"right\xe2\x80\xaeleft\"} \x1b\n");
    assert!(output.stdout.iter().all(|byte| byte.is_ascii_graphic() || b" \n".contains(byte)), "{output:?}");
}

#[test]
fn packed_pages_are_unpacked() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(GOOD).expect("memory");
    let packed = packed.finish().expect("memory");
    assert_eq!(checked(&["-"], &packed).1["stored"]["samples"], 3);
    let (code, report) = checked(&["-"], &packed[..packed.len() / 2]);
    assert_eq!(code, Some(1));
    assert!(report["refused"][0]["reason"].as_str().is_some_and(|reason| reason.contains("decompress")), "{report}");
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    (0..64).for_each(|_| bomb.write_all(&vec![b'\n'; 1 << 20]).expect("memory"));
    let (code, report) = checked(&["-"], &bomb.finish().expect("memory"));
    assert_eq!((code, &report["size_bytes"]), (Some(1), &json!((16 << 20) + 1)), "{report}");
}

#[test]
fn what_cannot_be_read_exits_1_and_what_cannot_be_meant_2() {
    for (args, code, says) in [
        (&["no/such/page"][..], 1, "no/such/page"),
        (&[env!("CARGO_MANIFEST_DIR")], 1, "directory"),
        (&[], 2, "FILE|URL"),
        (&["a", "b"], 2, "unexpected argument"),
        (&["-", "--format", "html"], 2, "--format"),
        (&["http://user:password@localhost/"], 2, "password"),
        (&["http://"], 2, "URL"),
    ] {
        let output = check(args, b"");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        assert!(said.starts_with("error: ") && said.contains(says), "{args:?}: {said}");
        assert!(output.stdout.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_is_asked_as_the_scraper_asks() {
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

    for (behaviour, says) in [
        (status("404 Not Found"), "status 404"),
        (raw("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/b\r\nContent-Length: 0\r\n\r\n"), "redirect"),
        (answer("Content-Type: text/html\r\n", b"a 1\n"), "content type"),
    ] {
        target.set_behaviour(Some(behaviour));
        let (code, report) = checked_url(target.url()).await;
        assert_eq!((code, &report["format"], &report["refused"][0]["line"]), (Some(1), &Value::Null, &Value::Null));
        assert!(report["refused"][0]["reason"].as_str().is_some_and(|reason| reason.contains(says)), "{report}");
    }
    target.set_behaviour(Some(metrics_page("a 1\n")));
    let url = target.url();
    let output =
        tokio::task::spawn_blocking(move || check(&[&url, "--format", "openmetrics"], b"")).await.expect("an end");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_connection_that_is_refused_is_told() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address");
    let output = check(&[&format!("http://{free}/metrics")], b"");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("is the server running?"), "{said}");
}

#[test]
fn pages_of_real_servers_would_be_stored() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/captures");
    let folder = std::env::var_os("CAPTURES_DIR").map_or(beside, PathBuf::from);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: {} is absent; CAPTURES_DIR names another place", folder.display());
        return;
    };
    let pages = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "prom"));
    let mut count = 0;
    for page in pages {
        let (code, report) = checked(&[page.to_str().expect("UTF-8")], b"");
        assert_eq!((code, &report["refused"]), (Some(0), &json!([])), "{report}");
        let in_families: u64 =
            report["families"].as_array().expect("a list").iter().filter_map(|family| family["samples"].as_u64()).sum();
        let of_page = |what: &str| report["stored"][what].as_u64().expect("a number");
        assert_eq!(in_families, of_page("samples") + of_page("duplicates") + of_page("out_of_bounds"), "{report}");
        count += 1;
    }
    assert!(count > 10, "{count} pages");
}
