//! Tests of who may show the page in an iframe, and of which origins may read the API.
use crate::harness::{Companion, args, http};
use reqwest::{Method, Response};
use server::config::serve_args::ServeArgs;

const CONFIG: &str =
    "frame_ancestors = [\"'self'\", \"https://wiki.example\"]\ncors_origins = [\"https://dash.example\"]\n";

async fn companion_with(text: &str) -> Companion {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("inferboard.toml");
    std::fs::write(&file, text).expect("a file");
    Companion::start(&ServeArgs { config: Some(file), ..args(&[]) }).await
}

async fn send(companion: &Companion, method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
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
async fn only_embeds_may_be_in_an_iframe_and_only_on_listed_sites() {
    let companion = companion_with(CONFIG).await;
    for (path, ancestors, options) in [
        ("/?embed=volume", "'self' https://wiki.example", ""),
        ("/?model=m&embed=all", "'self' https://wiki.example", ""),
        ("/", "'none'", "DENY"),
        ("/?model=embed", "'none'", "DENY"),
        ("/?xembed=volume", "'none'", "DENY"),
        ("/config.json?embed=volume", "'none'", "DENY"),
        ("/nosuch?embed=volume", "'none'", "DENY"),
    ] {
        let response = send(&companion, Method::GET, path, &[]).await;
        let policy = header(&response, "content-security-policy");
        assert!(policy.ends_with(&format!("; frame-ancestors {ancestors}")), "{path}: {policy}");
        assert_eq!(header(&response, "x-frame-options"), options, "{path}");
    }
    let unconfigured = Companion::start(&args(&[])).await;
    let response = send(&unconfigured, Method::GET, "/?embed=volume", &[]).await;
    assert!(header(&response, "content-security-policy").ends_with("; frame-ancestors 'self'"));
    assert_eq!(header(&response, "x-frame-options"), "SAMEORIGIN");
    let forbidden = companion_with("frame_ancestors = []").await;
    let response = send(&forbidden, Method::GET, "/?embed=volume", &[]).await;
    assert!(header(&response, "content-security-policy").ends_with("; frame-ancestors 'none'"));
    assert_eq!(header(&response, "x-frame-options"), "DENY");
}

#[tokio::test]
async fn only_listed_origins_may_read_the_api() {
    let companion = companion_with(CONFIG).await;
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
            let response = send(&companion, method, path, &[("origin", origin)]).await;
            assert_eq!(header(&response, "access-control-allow-origin"), allowed, "{path} {origin}");
            assert_eq!(header(&response, "access-control-allow-credentials"), "");
            assert!(varies_by_origin(&response), "{path}");
        }
        let preflight = [("origin", origin), ("access-control-request-method", "POST")];
        let response = send(&companion, Method::OPTIONS, "/api/v1/query_range", &preflight).await;
        assert_eq!(header(&response, "access-control-allow-origin"), allowed, "preflight of {origin}");
        assert_eq!(response.status(), if allowed.is_empty() { 405 } else { 204 });
    }
    for path in ["/", "/metrics", "/federate?match[]=up", "/openmetrics/x", "/-/healthy"] {
        let response = send(&companion, Method::GET, path, &[("origin", "https://dash.example")]).await;
        assert_eq!(header(&response, "access-control-allow-origin"), "", "{path}");
    }
}

#[tokio::test]
async fn an_iframe_without_an_origin_reads_the_api_with_the_key_of_its_page() {
    // The page may not be compiled in, so the checks that need its key come last.
    let companion = companion_with("frame_ancestors = []").await;
    for key in ["", "0", "00000000000000000000000000000000"] {
        let response =
            send(&companion, Method::GET, "/api/v1/query?query=1", &[("origin", "null"), ("frame-key", key)]).await;
        assert_eq!(header(&response, "access-control-allow-origin"), "", "there is no key where iframes are forbidden");
    }
    let preflight = [
        ("origin", "null"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "frame-key"),
    ];
    assert_eq!(send(&companion, Method::OPTIONS, "/api/v1/query", &preflight).await.status(), 405);

    let companion = companion_with(CONFIG).await;
    let page = send(&companion, Method::GET, "/?embed=volume", &[]).await;
    assert_eq!(header(&page, "access-control-allow-origin"), "", "the embedding site cannot read the key");
    let page = page.text().await.expect("a page");
    let Some((_, rest)) = page.split_once("name=\"frame-key\" content=\"") else {
        println!("skipped: the page is not compiled in, so there is no key to read");
        return;
    };
    let key = rest.split('"').next().unwrap_or_default();
    assert_eq!(key.len(), 32, "{key}");
    let plain = send(&companion, Method::GET, "/", &[]).await;
    assert!(!plain.text().await.expect("a page").contains(key), "only embeds have the key");
    assert_eq!(send(&companion, Method::OPTIONS, "/api/v1/query", &preflight).await.status(), 204);
    for (given, allowed) in [(key, "null"), ("", ""), (&key[1..], ""), ("00000000000000000000000000000000", "")] {
        let headers = [("origin", "null"), ("frame-key", given)];
        let response = send(&companion, Method::GET, "/api/v1/query?query=1", &headers).await;
        assert_eq!(header(&response, "access-control-allow-origin"), allowed, "{given}");
        let headers = [("origin", "https://evil.example"), ("frame-key", given)];
        let response = send(&companion, Method::GET, "/api/v1/query?query=1", &headers).await;
        assert_eq!(header(&response, "access-control-allow-origin"), "", "a key is only for iframes without an origin");
    }
}
