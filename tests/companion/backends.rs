//! Tests of `[[backends]]`: queries that the companion passes on to another engine, with the engine's credentials.
use crate::certificates::{Folder, args_with};
use crate::harness::{Behaviour, Companion, FakeTarget, answer, hang, http, raw, status};
use reqwest::{Method, Response};
use serde_json::Value;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const SECRET: &str = "token-of-the-fleet-0123456789";

fn json(text: &str) -> Behaviour {
    answer("Content-Type: application/json\r\n", text.as_bytes())
}

const EMPTY: &str = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;

/// A companion with the backend `fleet` at `url`, the file `token` with [`SECRET`], and these keys.
async fn companion(folder: &Folder, url: &str, keys: &str) -> Companion {
    let token = folder.write("token", SECRET);
    let text = format!(
        "[[backends]]\nname = \"fleet\"\nurl = \"{url}/prometheus/\"\nauthorization = {{ credentials_file = {token:?} }}\n{keys}\n"
    );
    Companion::start(&args_with(&folder.config(&text))).await
}

async fn get(companion: &Companion, path: &str) -> Response {
    http().get(format!("http://{}{path}", companion.address)).send().await.expect("an answer")
}

/// The status and the message of an error.
async fn error(companion: &Companion, path: &str) -> (u16, String) {
    let response = get(companion, path).await;
    let status = response.status().as_u16();
    let text = response.text().await.expect("a body");
    assert!(!text.contains(SECRET), "{text}");
    let body: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status} {text}"));
    assert_eq!(body["status"], "error", "{text}");
    (status, body["error"].as_str().unwrap_or_default().to_owned())
}

/// Answers an empty vector, and notes the body of each request.
fn noting(bodies: Arc<Mutex<Vec<String>>>) -> Behaviour {
    Arc::new(move |head, mut stream| {
        let bodies = Arc::clone(&bodies);
        Box::pin(async move {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            let mut body = vec![0; length.unwrap_or(0)];
            stream.read_exact(&mut body).await.expect("a body");
            bodies.lock().expect("a lock").push(String::from_utf8_lossy(&body).into_owned());
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nM3-Results-Limited: max_fetch\r\nSet-Cookie: a=b\r\n\
                 Content-Length: {}\r\n\r\n{EMPTY}",
                EMPTY.len()
            );
            stream.write_all(answer.as_bytes()).await.expect("a connection");
        })
    })
}

#[tokio::test]
async fn a_query_is_passed_on_with_the_configured_headers_and_parameters_only() {
    let bodies = Arc::<Mutex<Vec<String>>>::default();
    let engine = FakeTarget::start(noting(Arc::clone(&bodies))).await;
    let keys = "params = { dedup = \"true\" }\nhttp_headers.X-Scope-OrgID = { values = [\"team\"] }\n";
    let companion = companion(&Folder::new(), &engine.url(), keys).await;
    let url = format!("http://{}/backend/fleet/api/v1/query", companion.address);
    let own = |method: Method, url: &str| {
        let request =
            http().request(method, url).header("Authorization", "Bearer mine").header("Cookie", "session=mine");
        request.header("X-Scope-OrgID", "other")
    };
    let form = [("query", "up{a=\"b c\"}"), ("dedup", "false"), ("time", "5")];
    let response = own(Method::POST, &url).form(&form).send().await.expect("an answer");
    assert_eq!(response.status().as_u16(), 200);
    assert_eq!(response.headers()["m3-results-limited"], "max_fetch", "what the answer lacks is said");
    assert!(response.headers().get("set-cookie").is_none());
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.text().await.expect("a body"), EMPTY);
    own(Method::GET, &format!("{url}?query=1&dedup=false")).send().await.expect("an answer");

    let heads = engine.requests.lock().expect("a lock").clone();
    assert!(heads[0].starts_with("POST /prometheus/api/v1/query HTTP/1.1\r\n"), "{}", heads[0]);
    assert!(heads[1].starts_with("GET /prometheus/api/v1/query?query=1&dedup=true HTTP/1.1\r\n"), "{}", heads[1]);
    assert_eq!(bodies.lock().expect("a lock")[0], "query=up%7Ba%3D%22b+c%22%7D&time=5&dedup=true");
    for head in &heads {
        let lower = head.to_ascii_lowercase();
        let values = |name: &str| lower.lines().filter_map(|line| line.strip_prefix(name)).collect::<Vec<_>>();
        assert_eq!(values("authorization: "), [format!("bearer {SECRET}")]);
        assert_eq!(values("x-scope-orgid: "), ["team"]);
        assert!(values("cookie: ").is_empty() && !lower.contains("mine"), "{head}");
    }
    companion.stop().await;
}

#[tokio::test]
async fn only_what_reads_is_passed_on() {
    let engine = FakeTarget::start(json(EMPTY)).await;
    let companion = companion(&Folder::new(), &engine.url(), "").await;
    for path in [
        "write",
        "read",
        "admin/tsdb/delete_series",
        "query/../admin/tsdb/snapshot",
        "query%2F..%2Fadmin",
        "label/..%2f..%2fadmin/values",
        "label/%2e%2e/values",
        "status/config",
        "targets",
    ] {
        let (status, _) = error(&companion, &format!("/backend/fleet/api/v1/{path}")).await;
        assert_eq!(status, 404, "{path}");
    }
    assert_eq!(engine.count(""), 0, "the engine has no request");
    assert_eq!(get(&companion, "/backend/other/api/v1/query").await.status().as_u16(), 404);
    for path in ["labels", "label/__name__/values", "series", "metadata", "status/buildinfo", "alerts"] {
        assert_eq!(get(&companion, &format!("/backend/fleet/api/v1/{path}")).await.status().as_u16(), 200, "{path}");
    }
    companion.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_backend_is_said() {
    let engine = FakeTarget::start(json(EMPTY)).await;
    let companion = companion(&Folder::new(), &engine.url(), "timeout = \"1s\"").await;
    let html = answer("Content-Type: text/html\r\n", b"<html>Sign in</html>");
    let moved = raw("HTTP/1.1 302 Found\r\nLocation: https://login.example/\r\nContent-Length: 0\r\n\r\n");
    let echo = json(&format!(r#"{{"status":"error","error":"no tenant for Bearer {SECRET}"}}"#));
    let cases: [(Behaviour, u16, &str); 8] = [
        (status("401 Unauthorized"), 502, "check its credentials"),
        (status("403 Forbidden"), 502, "check its credentials"),
        (html, 502, "check its url"),
        (moved, 502, "302"),
        (echo, 502, "repeats its credentials"),
        (hang(), 504, "raise its timeout"),
        (status("503 Service Unavailable"), 503, "status 503"),
        (status("429 Too Many Requests"), 429, "status 429"),
    ];
    for (behaviour, expected, words) in cases {
        engine.set_behaviour(Some(behaviour));
        let (status, message) = error(&companion, "/backend/fleet/api/v1/query?query=1").await;
        assert!(status == expected && message.contains(words) && message.contains("\"fleet\""), "{status} {message}");
    }
    // What the engine itself says is passed on with its status.
    let text = r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#;
    let own = format!("HTTP/1.1 400 Bad Request\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}", text.len());
    engine.set_behaviour(Some(raw(own)));
    assert_eq!(error(&companion, "/backend/fleet/api/v1/query?query=(").await, (400, "parse error".to_owned()));
    engine.stop().await;
    let (status, message) = error(&companion, "/backend/fleet/api/v1/query?query=1").await;
    assert!(status == 502 && message.contains("\"fleet\" did not answer"), "{status} {message}");
    companion.stop().await;
}

#[tokio::test]
async fn a_slow_backend_holds_up_neither_its_other_queries_nor_those_of_the_companion() {
    let engine = FakeTarget::start(hang()).await;
    let companion = companion(&Folder::new(), &engine.url(), "timeout = \"60s\"").await;
    let query = format!("http://{}/backend/fleet/api/v1/query?query=1", companion.address);
    let waiting: Vec<_> = (0..12).map(|_| tokio::spawn(http().get(&query).send())).collect();
    engine.wait_for("GET", waiting.len()).await;
    assert_eq!(get(&companion, "/api/v1/query?query=1").await.status().as_u16(), 200);
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
    companion.stop().await;
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let endless: Behaviour = Arc::new(|_, mut stream| {
        Box::pin(async move {
            let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{").await;
            let piece = vec![b' '; 1 << 20];
            // A hundred MiB, which is more than an answer may have.
            for _ in 0..100 {
                if sent.is_err() {
                    return;
                }
                sent = stream.write_all(&piece).await;
            }
            tokio::time::sleep(Duration::from_secs(60)).await;
        })
    });
    let engine = FakeTarget::start(endless).await;
    let companion = companion(&Folder::new(), &engine.url(), "timeout = \"60s\"").await;
    let (status, message) = error(&companion, "/backend/fleet/api/v1/query?query=1").await;
    assert!(matches!(status, 422 | 503), "{status} {message}");
    engine.set_behaviour(Some(json(EMPTY)));
    assert_eq!(get(&companion, "/backend/fleet/api/v1/query?query=1").await.status().as_u16(), 200);
    companion.stop().await;
}

#[tokio::test]
async fn a_backend_has_a_page_of_its_own() {
    let engine = FakeTarget::start(json(EMPTY)).await;
    let keys = "labels = { model = \"model_name\", replica = \"pod\" }\n";
    let companion = companion(&Folder::new(), &engine.url(), keys).await;
    let moved = get(&companion, "/backend/fleet?section=replicas").await;
    assert_eq!(moved.status().as_u16(), 308);
    assert_eq!(moved.headers()["location"], "fleet/?section=replicas");
    let page = get(&companion, "/backend/fleet/").await;
    assert!(page.headers()["content-security-policy"].to_str().is_ok_and(|csp| csp.contains("wasm-unsafe-eval")));
    let page = page.text().await.expect("the page");
    let boot = page.split("src=\"./").nth(1).and_then(|rest| rest.split('"').next()).expect("the boot script");
    assert_eq!(get(&companion, &format!("/backend/fleet/{boot}")).await.status().as_u16(), 200);
    let config = get(&companion, "/backend/fleet/config.json").await.text().await.expect("a body");
    let config: Value = serde_json::from_str(&config).expect("JSON");
    assert_eq!(config["backends"][0]["url"], ".");
    assert_eq!((&config["labels"]["model"], &config["labels"]["replica"]), (&"model_name".into(), &"pod".into()));
    for page in ["/config.json", "/backend/fleet/config.json"] {
        let text = get(&companion, page).await.text().await.expect("a body");
        assert!(text.contains("\"servers\"") && !text.contains(&engine.instance()) && !text.contains(SECRET), "{text}");
    }
    companion.stop().await;
}

#[tokio::test]
async fn what_needs_a_token_here_needs_one_for_a_backend_too() {
    let engine = FakeTarget::start(json(EMPTY)).await;
    let folder = Folder::new();
    let (token, read) = (folder.write("token", SECRET), folder.write("read", "read-token-0123456789"));
    let text = format!(
        "read_token_file = {read:?}\n[[backends]]\nname = \"fleet\"\nurl = \"{}\"\nauthorization = {{ credentials_file = {token:?} }}\n",
        engine.url()
    );
    let companion = Companion::start(&args_with(&folder.config(&text))).await;
    let query = "/backend/fleet/api/v1/query?query=1";
    assert_eq!(error(&companion, query).await.0, 401);
    assert_eq!(get(&companion, "/backend/fleet/config.json").await.status().as_u16(), 401);
    let foreign = http().get(format!("http://{}{query}", companion.address)).header("Sec-Fetch-Site", "cross-site");
    assert_eq!(foreign.send().await.expect("an answer").status().as_u16(), 403);
    let form = http().get(format!("http://{}/backend/fleet/?a=1", companion.address)).header("Accept", "text/html");
    let form = form.send().await.expect("an answer");
    assert_eq!(form.status().as_u16(), 303);
    assert_eq!(form.headers()["location"], "sign-in?a=1");
    assert_eq!(get(&companion, "/backend/fleet/sign-in").await.status().as_u16(), 200);
    assert_eq!(engine.count(""), 0, "the engine has no request");
    let read = http().get(format!("http://{}{query}", companion.address)).bearer_auth("read-token-0123456789");
    assert_eq!(read.send().await.expect("an answer").status().as_u16(), 200);
    companion.stop().await;
}
