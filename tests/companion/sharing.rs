//! Who may show the page in a frame, and whose pages may read the API.
use crate::harness::{Companion, args, http};
use reqwest::{Method, Response};
use server::cli::args::ServeArgs;

const PAGES: &str =
    "frame_ancestors = [\"'self'\", \"https://wiki.example\"]\ncors_origins = [\"https://dash.example\"]\n";

async fn configured(text: &str) -> Companion {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("inferboard.toml");
    std::fs::write(&file, text).expect("a file");
    Companion::start(&ServeArgs { config: Some(file), ..args(&[]) }).await
}

async fn ask(companion: &Companion, method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
    let request = http().request(method, format!("http://{}{path}", companion.address));
    headers
        .iter()
        .fold(request, |request, (name, value)| request.header(*name, *value))
        .send()
        .await
        .expect("an answer")
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn varies_by_origin(response: &Response) -> bool {
    response.headers().get_all("vary").iter().any(|value| value.as_bytes() == b"origin")
}

#[tokio::test]
async fn only_a_page_with_embed_in_its_address_may_be_framed_and_only_by_those_listed() {
    let companion = configured(PAGES).await;
    for (path, ancestors, options) in [
        ("/?embed=volume", "'self' https://wiki.example", ""),
        ("/?model=m&embed=all", "'self' https://wiki.example", ""),
        ("/", "'none'", "DENY"),
        ("/?model=embed", "'none'", "DENY"),
        ("/?xembed=volume", "'none'", "DENY"),
        ("/config.json?embed=volume", "'none'", "DENY"),
        ("/nosuch?embed=volume", "'none'", "DENY"),
    ] {
        let response = ask(&companion, Method::GET, path, &[]).await;
        let policy = header(&response, "content-security-policy");
        assert!(policy.ends_with(&format!("; frame-ancestors {ancestors}")), "{path}: {policy}");
        assert_eq!(header(&response, "x-frame-options"), options, "{path}");
    }
    let own = Companion::start(&args(&[])).await;
    let response = ask(&own, Method::GET, "/?embed=volume", &[]).await;
    assert!(header(&response, "content-security-policy").ends_with("; frame-ancestors 'self'"));
    assert_eq!(header(&response, "x-frame-options"), "SAMEORIGIN");
    let none = configured("frame_ancestors = []").await;
    let response = ask(&none, Method::GET, "/?embed=volume", &[]).await;
    assert!(header(&response, "content-security-policy").ends_with("; frame-ancestors 'none'"));
    assert_eq!(header(&response, "x-frame-options"), "DENY");
}

#[tokio::test]
async fn listed_origins_and_no_others_may_read_the_api() {
    let companion = configured(PAGES).await;
    for (origin, allowed) in [
        ("https://dash.example", "https://dash.example"),
        ("https://wiki.example", ""),
        ("https://evil.example", ""),
        ("https://dash.example.evil.example", ""),
        ("https://DASH.example", ""),
        ("http://dash.example", ""),
        ("https://dash.example:8443", ""),
        ("null", ""),
        ("http://localhost:1", ""),
    ] {
        for (method, path) in [
            (Method::GET, "/api/v1/query?query=1"),
            (Method::POST, "/api/v1/query"),
            (Method::GET, "/config.json"),
            (Method::GET, "/api/v1/nosuch"),
        ] {
            let response = ask(&companion, method, path, &[("origin", origin)]).await;
            assert_eq!(header(&response, "access-control-allow-origin"), allowed, "{path} {origin}");
            assert_eq!(header(&response, "access-control-allow-credentials"), "");
            assert!(varies_by_origin(&response), "{path}");
        }
        let asks = [("origin", origin), ("access-control-request-method", "POST")];
        let response = ask(&companion, Method::OPTIONS, "/api/v1/query_range", &asks).await;
        assert_eq!(header(&response, "access-control-allow-origin"), allowed, "preflight of {origin}");
        assert_eq!(response.status(), if allowed.is_empty() { 405 } else { 204 });
    }
    for path in ["/", "/metrics", "/federate?match[]=up", "/openmetrics/x", "/-/healthy"] {
        let response = ask(&companion, Method::GET, path, &[("origin", "https://dash.example")]).await;
        assert_eq!(header(&response, "access-control-allow-origin"), "", "{path}");
    }
}

#[tokio::test]
async fn a_frame_without_an_origin_reads_by_the_key_of_its_page() {
    // The page is compiled in, and so may be absent; its key is what the unit tests of the files look for.
    let companion = configured("frame_ancestors = []").await;
    for key in ["", "0", "00000000000000000000000000000000"] {
        let response =
            ask(&companion, Method::GET, "/api/v1/query?query=1", &[("origin", "null"), ("frame-key", key)]).await;
        assert_eq!(header(&response, "access-control-allow-origin"), "", "nobody may frame it: there is no key");
    }
    let asks = [
        ("origin", "null"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "frame-key"),
    ];
    assert_eq!(ask(&companion, Method::OPTIONS, "/api/v1/query", &asks).await.status(), 405);

    let companion = configured(PAGES).await;
    let page = ask(&companion, Method::GET, "/?embed=volume", &[]).await;
    assert_eq!(header(&page, "access-control-allow-origin"), "", "who frames the page cannot read its key");
    let page = page.text().await.expect("a page");
    let Some((_, rest)) = page.split_once("name=\"frame-key\" content=\"") else {
        println!("skipped: the page is not compiled in, so there is no key to read");
        return;
    };
    let key = rest.split('"').next().unwrap_or_default();
    assert_eq!(key.len(), 32, "{key}");
    let plain = ask(&companion, Method::GET, "/", &[]).await;
    assert!(!plain.text().await.expect("a page").contains(key), "only frames get it");
    assert_eq!(ask(&companion, Method::OPTIONS, "/api/v1/query", &asks).await.status(), 204);
    for (given, allowed) in [(key, "null"), ("", ""), (&key[1..], ""), ("00000000000000000000000000000000", "")] {
        let headers = [("origin", "null"), ("frame-key", given)];
        let response = ask(&companion, Method::GET, "/api/v1/query?query=1", &headers).await;
        assert_eq!(header(&response, "access-control-allow-origin"), allowed, "{given}");
        let headers = [("origin", "https://evil.example"), ("frame-key", given)];
        let response = ask(&companion, Method::GET, "/api/v1/query?query=1", &headers).await;
        assert_eq!(header(&response, "access-control-allow-origin"), "", "a key is for frames without an origin");
    }
}
