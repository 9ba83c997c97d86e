//! Rows S06 to S10, S22, S24 and S65: who may ask, what a browser may do with an answer, and what caches may keep.
use crate::outcome::Outcome;
use crate::requests::ROUTES;
use crate::subject::{Setup, Subject};
use crate::wire::{get, get_with, request, send};
use std::net::SocketAddr;

/// How long the sentence about a refused host may be: it is not worth more to somebody who guesses.
const MAX_REFUSAL_BYTES: usize = 1_000;

fn with_hosts(to: SocketAddr, path: &str, hosts: &str) -> (u16, usize) {
    let answer = send(to, format!("GET {path} HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n").as_bytes());
    (answer.status, answer.body.len())
}

/// S06: requests for other host names are refused before anything else.
pub(crate) fn other_hosts_are_refused() -> Outcome {
    let subject = Subject::companion(&Setup::default());
    let port = subject.address.port();
    let (mut tried, mut wrong) = (0, Vec::new());
    for path in ["/", "/api/v1/query?query=1", "/metrics", "/federate?match[]=up", "/-/ready", "/nosuch"] {
        let own = if path == "/nosuch" { 404 } else { 200 };
        let cases = [
            ("attacker.example".to_owned(), 421),
            ("127.0.0.1.attacker.example".into(), 421),
            ("localhost.attacker.example".into(), 421),
            ("localhost.".into(), 421),
            ("127.1".into(), 421),
            ("0.0.0.0".into(), 421),
            ("10.0.0.1".into(), 421),
            ("localhost@attacker.example".into(), 421),
            ("attacker.example:80".into(), 421),
            ("[::1".into(), 421),
            ("localhost".into(), own),
            ("LOCALHOST".into(), own),
            (format!("127.0.0.1:{port}"), own),
            (format!("[::1]:{port}"), own),
            ("[::1]".into(), own),
            (String::new(), 400),
        ];
        for (host, expected) in cases {
            let (status, length) = with_hosts(subject.address, path, &format!("Host: {host}\r\n"));
            tried += 1;
            if status != expected || status == 421 && length > MAX_REFUSAL_BYTES {
                wrong.push(format!("{host:?} {path}: {status}"));
            }
        }
        for (hosts, expected) in [("Host: localhost\r\nHost: localhost\r\n", 400), ("", 400)] {
            tried += 1;
            if with_hosts(subject.address, path, hosts).0 != expected {
                wrong.push(format!("{hosts:?} {path}"));
            }
        }
    }
    let absolute = send(
        subject.address,
        b"GET http://attacker.example/metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    );
    if absolute.status != 421 {
        wrong.push(format!("absolute form: {}", absolute.status));
    }
    Outcome::of(wrong.is_empty(), format!("{} of {} as they must be {wrong:?}", tried - wrong.len(), tried))
}

/// S07: pages of origins that are not listed cannot read anything.
pub(crate) fn other_origins_read_nothing() -> Outcome {
    let setup = Setup { config: "cors_origins = [\"https://good.example\"]".into(), ..Setup::default() };
    let subject = Subject::companion(&setup);
    let mut wrong = Vec::new();
    for path in ["/api/v1/query?query=1", "/config.json", "/metrics", "/federate?match[]=up"] {
        let is_api = path.starts_with("/api") || path.starts_with("/config");
        for (origin, is_listed) in [
            ("https://evil.example", false),
            ("null", false),
            ("http://localhost:1", false),
            ("https://good.example.evil.example", false),
            ("https://GOOD.example", false),
            ("https://good.example", true),
        ] {
            let expected = if is_listed && is_api { origin } else { "" };
            let plain = get_with(subject.address, path, &format!("Origin: {origin}\r\n"));
            let preflight = format!("Origin: {origin}\r\nAccess-Control-Request-Method: GET\r\n");
            let preflight = request(subject.address, "OPTIONS", path, &preflight, b"");
            let allowed = [&plain, &preflight].map(|answer| answer.header("access-control-allow-origin").to_owned());
            let is_open = allowed.iter().any(|allowed| allowed == "*");
            if is_open || allowed.iter().any(|allowed| allowed != expected) {
                wrong.push(format!("{origin} {path}: {allowed:?}"));
            }
        }
    }
    Outcome::of(wrong.is_empty(), format!("48 answers, wrong: {wrong:?}"))
}

/// S08: nothing changes anything, and what a foreign page sends costs nothing.
pub(crate) fn other_sites_do_nothing() -> Outcome {
    let subject = Subject::companion(&Setup::default());
    let mut wrong = Vec::new();
    for method in ["PUT", "DELETE", "PATCH", "FOO", "TRACE"] {
        for route in ROUTES {
            let override_header = "X-HTTP-Method-Override: DELETE\r\nOrigin: https://evil.example\r\n";
            let answer = request(subject.address, method, route, override_header, b"");
            if ![400, 404, 405].contains(&answer.status) {
                wrong.push(format!("{method} {route}: {}", answer.status));
            }
        }
    }
    for route in ROUTES.iter().skip(1) {
        for site in ["cross-site", "same-site"] {
            let headers = format!("Sec-Fetch-Site: {site}\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n");
            let answer = get_with(subject.address, route, &headers);
            // Pages of listed origins read the configuration, so only that says that others may have it.
            let policy = if *route == "/config.json" { "cross-origin" } else { "same-origin" };
            if answer.status != 403 || answer.header("cross-origin-resource-policy") != policy {
                wrong.push(format!("{site} {route}: {}", answer.status));
            }
        }
    }
    Outcome::of(wrong.is_empty(), format!("{} routes, wrong: {wrong:?}", ROUTES.len()))
}

/// S10, S22 and S24: the headers that tell a browser what not to do.
pub(crate) fn headers_are_exact() -> Outcome {
    let subject = Subject::companion(&Setup::default());
    let csp = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; style-src 'self'; \
        img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'none'; object-src 'none'; frame-ancestors 'none'";
    let mut wrong = Vec::new();
    for route in ROUTES.iter().chain(&["/nosuch", "/api/v1/query?query=<script>alert(1)</script>"]) {
        let answer = get_with(subject.address, &route.replace(['<', '>'], "%3C"), "Accept: text/html\r\n");
        let expected_csp = if *route == "/" { csp } else { "default-src 'none'; frame-ancestors 'none'" };
        let expected = [
            ("content-security-policy", expected_csp),
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
        ];
        for (name, value) in expected.into_iter().filter(|(name, value)| answer.header(name) != *value) {
            wrong.push(format!("{route} {name}: {:?}, not {value:?}", answer.header(name)));
        }
        let is_html = answer.header("content-type").contains("html");
        if is_html != (*route == "/") {
            wrong.push(format!("{route}: {}", answer.header("content-type")));
        }
    }
    let [one, other] = ["/nosuch", "/%3Cscript%3E"].map(|path| get(subject.address, path).body);
    Outcome::of(wrong.is_empty() && one == other, format!("{} routes, wrong: {wrong:?}", ROUTES.len() + 2))
}

/// S65: no cache keeps an answer, and headers of proxies change nothing.
pub(crate) fn caches_keep_nothing() -> Outcome {
    let subject = Subject::companion(&Setup::default());
    let forged = "X-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\nX-Original-URL: /admin\r\n\
        X-Rewrite-URL: /admin\r\nForwarded: host=evil.example\r\n";
    let mut wrong = Vec::new();
    for route in ROUTES {
        let answer = get_with(subject.address, route, forged);
        let is_fixed = route.starts_with("/-/") || *route == "/";
        if answer.text().contains("evil")
            || answer.head.contains("evil")
            || !is_fixed && answer.header("cache-control") != "no-store" && answer.status == 200
        {
            wrong.push(format!("{route}: {:?}", answer.header("cache-control")));
        }
    }
    Outcome::of(wrong.is_empty(), format!("{} routes, wrong: {wrong:?}", ROUTES.len()))
}
