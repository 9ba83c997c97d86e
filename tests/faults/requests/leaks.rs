//! Rows S01 to S05: no address of a request is fetched, no redirect is followed, and no secret gets out.
use crate::outcome::Outcome;
use crate::requests::ROUTES;
use crate::subject::{Kind, PEERS, Setup, Subject};
use crate::target::{Behaviour, Target, answer, hang, page, raw};
use crate::wire::{get, percent, post, request};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Names of parameters that some servers take an address from.
const ADDRESS_PARAMETERS: &[&str] = &[
    "url",
    "target",
    "endpoint",
    "datasource",
    "src",
    "next",
    "redirect",
    "callback",
    "instance",
    "job",
    "module",
    "proxy",
];

const TOKEN: &str = "hf_CANARY0123456789";

/// S01: an address in a request is not fetched.
pub(crate) fn no_address_is_fetched() -> Outcome {
    let (canary, subject) = (Target::start(page("a 1\n")), Subject::companion(&Setup::default()));
    let mut sent = 0;
    for route in ROUTES {
        let path = route.split('?').next().unwrap_or(route);
        for name in ADDRESS_PARAMETERS {
            let value = percent(&canary.url());
            let headers = "Content-Type: application/json\r\n";
            get(subject.address, &format!("{path}?{name}={value}"));
            post(subject.address, path, &format!("{name}={value}"));
            request(subject.address, "POST", path, headers, format!("{{\"{name}\":\"{}\"}}", canary.url()).as_bytes());
            sent += 3;
        }
        get(subject.address, &format!("{}/{}", path.trim_end_matches('/'), canary.url()));
    }
    Outcome::of(canary.connections() == 0, format!("{sent} requests, {} reached the canary", canary.connections()))
}

/// S02, S03 and T19: redirects to other origins are not followed, and credentials stay.
pub(crate) fn no_redirect_is_followed() -> Outcome {
    let try_on = |kind: Kind| {
        let canary = Target::start(page("stolen 1\n"));
        let port = canary.address.port();
        let places = [
            format!("http://127.0.0.1:{port}/"),
            format!("http://[::ffff:127.0.0.1]:{port}/"),
            format!("//127.0.0.1:{port}/"),
            format!("http://localhost:{port}/"),
            "file:///etc/passwd".into(),
            "gopher://127.0.0.1/".into(),
        ];
        let redirect = |(code, place): (u16, &String)| {
            raw(format!("HTTP/1.1 {code} Moved\r\nLocation: {place}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
        };
        let codes = [301, 302, 303, 307, 308].into_iter().cycle();
        let targets: Vec<Target> = codes.zip(&places).map(redirect).map(Target::start).collect();
        let urls: Vec<String> = targets.iter().map(Target::url).collect();
        let per_target = format!("authorization = {{ credentials = \"{TOKEN}\" }}");
        let subject = Subject::start(kind, &Setup { per_target, ..Setup::of(&urls) })?;
        thread::sleep(Duration::from_secs(4));
        let failed = subject.values("count(inferboard_scrape_failed{reason=\"redirect\"})").concat();
        Some((canary.connections(), failed, targets.len()))
    };
    let (hits, failed, count) = try_on(Kind::Companion).unwrap_or_default();
    let figure = format!("{hits} connections at the canary, {failed} of {count} fail with redirect");
    let outcome = Outcome::of(hits == 0 && failed == count.to_string(), figure);
    PEERS.iter().fold(outcome, |outcome, (kind, name)| {
        outcome.beside(name, try_on(*kind).map(|(hits, ..)| format!("{hits} connections at the canary")))
    })
}

/// S04: a configured secret is in no answer, log or file.
pub(crate) fn no_secret_gets_out() -> Outcome {
    let behaviours: Vec<Behaviour> = vec![
        page("good 1\n"),
        raw("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
        raw("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
        raw("not http\r\n\r\n"),
        answer("Content-Type: text/html\r\n", b"<html>"),
        page("a{ 1\n"),
        echo(str::to_owned),
        hang(),
    ];
    let targets: Vec<Target> = behaviours.into_iter().map(Target::start).collect();
    let mut urls: Vec<String> = targets.iter().map(|target| format!("{}?token=tk_CANARY", target.url())).collect();
    urls.push("http://127.0.0.1:1/metrics?token=tk_CANARY".into());
    let setup = Setup {
        per_target: format!("authorization = {{ credentials = \"{TOKEN}\" }}"),
        env: vec![("RUST_LOG".into(), "trace".into())],
        ..Setup::of(&urls)
    };
    let subject = Subject::companion(&setup);
    thread::sleep(Duration::from_secs(4));
    let mut everything = Vec::new();
    for method in ["GET", "HEAD", "OPTIONS", "POST"] {
        for route in ROUTES.iter().chain(&["/api/v1/query?query={__name__=~%22.%2B%22}"]) {
            let answer = request(subject.address, method, route, "", b"");
            everything.push((format!("{method} {route}"), [answer.head.as_bytes(), &answer.body].concat()));
        }
    }
    let used = targets.iter().flat_map(Target::heads).any(|head| head.contains(TOKEN));
    everything.push(("the log".into(), subject.log().into_bytes()));
    everything.extend(files(&subject.data()));
    let leaks: Vec<&str> =
        everything.iter().filter(|(_, bytes)| has_canary(bytes)).map(|(place, _)| place.as_str()).collect();
    let bytes: usize = everything.iter().map(|(_, bytes)| bytes.len()).sum();
    Outcome::of(
        used && leaks.is_empty(),
        format!("{} places, {} KiB searched, in {leaks:?}", everything.len(), bytes >> 10),
    )
}

fn has_canary(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    // The last two are `CANARY` in base64, at two of three offsets, without what depends on its neighbours.
    ["CANARY", "hf_CAN", "Q0FOQVJZ", "NBTkFSW", "DQU5BUl"].iter().any(|canary| text.contains(canary))
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries.filter_map(|entry| Some((entry.path().display().to_string(), fs::read(entry.path()).ok()?))).collect()
}

/// Answers with a page that repeats the credentials as `encode` writes them.
fn echo(encode: fn(&str) -> String) -> Behaviour {
    Arc::new(move |head, stream| {
        let token = head.split("Bearer ").nth(1).and_then(|rest| rest.split("\r\n").next()).unwrap_or_default();
        page(&format!("echo{{token=\"x{}\"}} 1\n", encode(token)))(head, stream);
    })
}

/// S05: a page that repeats its request is refused, however it writes the secret.
pub(crate) fn no_secret_comes_back() -> Outcome {
    let header = |head: &str| {
        head.split("Bearer ").nth(1).and_then(|rest| rest.split("\r\n").next()).unwrap_or_default().to_owned()
    };
    let in_error: Behaviour = Arc::new(move |head, stream| {
        raw(format!("HTTP/1.1 401 No\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n{}", header(head)))(
            head, stream,
        );
    });
    let in_header: Behaviour = Arc::new(move |head, stream| {
        answer(&format!("Content-Type: text/plain; echo=\"{}\"\r\n", header(head)), b"a 1\n")(head, stream);
    });
    let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    let all_percent = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
    // The base64 of the token, of `x` and the token, and of `xy` and the token.
    let [first, second, third]: [fn(&str) -> String; 3] = [
        |_| "aGZfQ0FOQVJZMDEyMzQ1Njc4OQ==".into(),
        |_| "eGhmX0NBTkFSWTAxMjM0NTY3ODk=".into(),
        |_| "eHloZl9DQU5BUlkwMTIzNDU2Nzg5".into(),
    ];
    let pages = [str::to_owned, first, second, third, hex, all_percent].map(echo);
    let targets: Vec<Target> = pages.into_iter().chain([in_header, in_error]).map(Target::start).collect();
    let urls: Vec<String> = targets.iter().map(Target::url).collect();
    let per_target = format!("authorization = {{ credentials = \"{TOKEN}\" }}");
    let subject = Subject::companion(&Setup { per_target, ..Setup::of(&urls) });
    let refused = subject.wait_for("count(inferboard_scrape_failed{reason=\"secret_echo\"})", &["7"]);
    let stored = subject.values("count(echo or a)").concat();
    let names = get(subject.address, "/api/v1/query?query={__name__=~%22.%2B%22}");
    let figure = format!("{} of 8 are refused, stored: {stored:?}", subject.number("count(inferboard_scrape_failed)"));
    Outcome::of(refused && stored.is_empty() && !has_canary(&names.body), figure)
}
