//! Tests that a request is bounded as a whole: whatever number of selectors and patterns it has, it is answered within its
//! time and its memory, and others are answered meanwhile.
use crate::harness::{http, scratch_file};
use crate::program::Program;
use std::fmt::Write as _;
use std::future::Future;
use std::time::{Duration, Instant};

/// The memory that any one request may take.
const MAX_KIB: u64 = 64 << 10;

/// How long any one request may take, with some time for a busy machine.
const MAX_TIME: Duration = Duration::from_secs(12);

async fn start() -> Program {
    Program::start(&["--in-memory", "--no-gpus"], &scratch_file("listen = \"127.0.0.1:0\"\ndiscovery = false\n")).await
}

fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        let _ = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => write!(encoded, "{}", char::from(byte)),
            _ => write!(encoded, "%{byte:02X}"),
        };
        encoded
    })
}

/// A form or a query string with each of `values` as the parameter `name`.
fn repeated(name: &str, values: impl Iterator<Item = String>) -> String {
    values.map(|value| format!("{name}={}", percent(&value))).collect::<Vec<_>>().join("&")
}

/// The status of a request: a POST of `form`, or a GET with it in the URL.
async fn ask(program: &Program, is_post: bool, path: &str, form: &str) -> u16 {
    let url = format!("http://{}{path}", program.address());
    let request = match is_post {
        true => http().post(url).header("content-type", "application/x-www-form-urlencoded").body(form.to_owned()),
        false => http().get(format!("{url}?{form}")),
    };
    request.send().await.map_err(reqwest::Error::without_url).expect("an answer").status().as_u16()
}

/// The result of `work`, and the longest time that a small request took meanwhile.
async fn alongside_small_requests<T>(program: &Program, work: impl Future<Output = T>) -> (T, Duration) {
    tokio::pin!(work);
    let mut longest = Duration::ZERO;
    loop {
        let began = Instant::now();
        tokio::select! {
            done = &mut work => return (done, longest.max(began.elapsed())),
            status = ask(program, false, "/-/ready", "") => assert_eq!(status, 200),
        }
        longest = longest.max(began.elapsed());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Requests that are short and would cost much.
fn costly() -> Vec<(&'static str, bool, &'static str, String)> {
    // A pattern of nine bytes that compiles to 1.7 MB.
    let wide = || std::iter::repeat_n(r#"{a=~"\\w{30}"}"#.to_owned(), 1000);
    let distinct = |count: usize| (0..count).map(|n| format!(r#"{{a=~"\\w{{30}}{n}"}}"#));
    // A set of 16,384 strings in 70 bytes.
    let sets = || (0..60).map(|n| format!(r#"{{a=~"{}{n}"}}"#, "(ab|cd|ef|gh)".repeat(7)));
    // A class that stands for a million characters, each of which has its cases looked up.
    let folded = format!(r#"{{a=~"(?i:{})"}}"#, "[A-\u{10FFFF}]".repeat(2500));
    let all_series = || (0..4000).map(|n| format!(r#"{{__name__!="{n}"}}"#));
    let matchers: Vec<String> = (0..63).map(|n| format!(r#"a!~"\\w{{30}}{n}""#)).collect();
    let one_query = format!("query=up%7B{}%7D", percent(&matchers.join(",")));
    let mut requests = vec![("many patterns in one query", true, "/api/v1/query", one_query)];
    for path in ["/federate", "/api/v1/series", "/api/v1/labels", "/api/v1/label/a/values"] {
        let is_post = matches!(path, "/api/v1/series" | "/api/v1/labels");
        let of = |values: &mut dyn Iterator<Item = String>| repeated("match[]", values);
        requests.push((
            "one pattern many times",
            is_post,
            path,
            of(&mut wide().take(if is_post { 1000 } else { 300 })),
        ));
        requests.push(("many patterns", is_post, path, of(&mut distinct(if is_post { 1000 } else { 300 }))));
        requests.push(("sets", is_post, path, of(&mut sets())));
        requests.push(("cases", is_post, path, of(&mut std::iter::once(folded.clone()))));
        requests.push(("all series", is_post, path, of(&mut all_series().take(if is_post { 4000 } else { 500 }))));
    }
    for path in ["/api/v1/query", "/api/v1/format_query", "/api/v1/query_exemplars"] {
        let all = distinct(60).collect::<Vec<_>>().join(" or ");
        requests.push(("a union of patterns", true, path, format!("query={}", percent(&all))));
        requests.push(("a class", true, path, format!("query={}", percent(&folded))));
    }
    requests
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_takes_more_than_its_time_and_memory_and_others_are_answered_meanwhile() {
    for (what, is_post, path, form) in costly() {
        // A process of its own, whose peak is that of this request.
        let program = start().await;
        let before_kib = program.peak_kib();
        let began = Instant::now();
        let (status, longest) = alongside_small_requests(&program, ask(&program, is_post, path, &form)).await;
        let (took, grown_kib) = (began.elapsed(), program.peak_kib() - before_kib);
        assert!(matches!(status, 200 | 400 | 413 | 414 | 422 | 431 | 503), "{what} at {path}: {status}");
        assert!(took < MAX_TIME, "{what} at {path}: {took:?}");
        assert!(grown_kib < MAX_KIB, "{what} at {path}: {grown_kib} KiB");
        assert!(longest < Duration::from_secs(2), "{what} at {path}: another request took {longest:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_requests_together_share_one_memory() {
    let program = start().await;
    let before_kib = program.peak_kib();
    let form = repeated("match[]", (0..12).map(|n| format!(r#"{{a=~"\\w{{30}}{n}"}}"#)));
    let all = futures::future::join_all((0..100).map(|_| ask(&program, true, "/api/v1/series", &form)));
    let (statuses, longest) = alongside_small_requests(&program, all).await;
    assert!(statuses.iter().all(|status| matches!(status, 200 | 400 | 503)), "{statuses:?}");
    let grown_kib = program.peak_kib() - before_kib;
    assert!(grown_kib < 4 * MAX_KIB, "{grown_kib} KiB");
    let deadline = Instant::now() + Duration::from_secs(60);
    while program.resident_kib() > before_kib + MAX_KIB / 4 {
        assert!(
            Instant::now() < deadline,
            "{} KiB of {before_kib} + {grown_kib} are still held",
            program.resident_kib()
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(longest < Duration::from_secs(2), "another request took {longest:?}");
}

#[tokio::test]
async fn pages_of_other_sites_are_refused_and_cannot_load_answers() {
    let program = start().await;
    let sites = [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)];
    for path in ["/federate?match[]=up", "/api/v1/query?query=1", "/metrics", "/-/ready", "/config.json"] {
        for (site, expected) in sites {
            let request = http().get(format!("http://{}{path}", program.address())).header("sec-fetch-site", site);
            let response = request.send().await.expect("an answer");
            assert_eq!(response.status(), expected, "{site} {path}");
            // An iframe may load the configuration as a sign of life, and cannot read it.
            let policy = if path == "/config.json" { "cross-origin" } else { "same-origin" };
            assert_eq!(response.headers()["cross-origin-resource-policy"], policy, "{site} {path}");
        }
    }
    // The page may be linked from anywhere, and a sandboxed iframe of it loads its files.
    let url = format!("http://{}/", program.address());
    let page = http().get(&url).header("sec-fetch-site", "cross-site").send().await.expect("an answer");
    assert_eq!(page.status(), 200);
    let text = page.text().await.expect("a page");
    let style = text.split("href=\"./").find(|part| part.starts_with("style-")).and_then(|part| part.split('"').next());
    let style = format!("{url}{}", style.expect("a stylesheet"));
    let file = http().get(style).header("sec-fetch-site", "cross-site").send().await.expect("an answer");
    assert_eq!(file.status(), 200);
    assert_eq!(file.headers()["cross-origin-resource-policy"], "cross-origin");
}
