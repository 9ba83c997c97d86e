//! Tests of tokens and sessions: who may read what, and how a person signs in.
use crate::harness::{Companion, args, scratch_file};
use crate::program::PROGRAM;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use server::config::Settings;
use server::config::serve_args::ServeArgs;
use std::process::Command;
use tempfile::TempPath;

const READ: &str = "reads-0123456789abcdef";
const WRITE: &str = "writes-0123456789abcdef";
const METRICS: &str = "scrapes-0123456789abcdef";

/// A companion with a token for each role, the files that have to stay, and its arguments.
async fn guarded() -> (Companion, Vec<TempPath>) {
    let files = [("read", READ), ("write", WRITE), ("metrics", METRICS)];
    let files: Vec<_> = files.into_iter().map(|(name, token)| (name, scratch_file(token))).collect();
    let lines = files.iter().map(|(name, file)| format!("{name}_token_file = {:?}\n", file.display().to_string()));
    let config = scratch_file(&lines.collect::<String>());
    let companion = Companion::start(&ServeArgs { config: Some(config.to_path_buf()), ..args(&[]) }).await;
    (companion, files.into_iter().map(|(_, file)| file).chain([config]).collect())
}

/// Follows no redirect, as it is the subject.
fn browser() -> Client {
    Client::builder().redirect(Policy::none()).build().expect("a client")
}

async fn get(companion: &Companion, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = browser().get(format!("http://{}{path}", companion.address));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.expect("an answer")
}

async fn sign_in(companion: &Companion, token: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = browser().post(format!("http://{}/sign-in?model=a&from=now-1h", companion.address));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.form(&[("token", token)]).send().await.expect("an answer")
}

/// The cookie that a response sets, as the browser sends it back.
fn cookie(response: &Response) -> String {
    let cookie = response.headers().get(SET_COOKIE).and_then(|value| value.to_str().ok()).expect("a cookie");
    cookie.split(';').next().expect("a pair").to_owned()
}

/// Where a response leads.
fn location(response: &Response) -> &str {
    response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

const DATA: [&str; 5] =
    ["/api/v1/query?query=1", "/api/v1/labels", "/api/v1/inferboard/notes", "/config.json", "/nosuch"];
const METRICS_PAGES: [&str; 3] = ["/metrics", "/federate?match[]=up", "/openmetrics/nosuch"];

#[tokio::test]
async fn nothing_is_read_without_a_token_and_each_token_reads_its_part() {
    let (companion, _files) = guarded().await;
    for path in DATA.into_iter().chain(METRICS_PAGES) {
        let refused = get(&companion, path, &[]).await;
        assert_eq!(refused.status(), 401, "{path}");
        assert!(refused.headers()["www-authenticate"].to_str().is_ok_and(|text| text.starts_with("Bearer")));
        let text = refused.text().await.expect("a body");
        assert!(text.contains("read") && !text.contains(READ), "{path}: {text}");
        assert_eq!(text.contains("\"status\":\"error\""), path.starts_with("/api/"), "{path}: {text}");
        for (token, may) in [(READ, true), (WRITE, true), (METRICS, METRICS_PAGES.contains(&path))] {
            let answer = get(&companion, path, &[("authorization", &format!("Bearer {token}"))]).await;
            let is_read = ![401, 403].contains(&answer.status().as_u16());
            assert_eq!(is_read, may, "{path} with {token}: {}", answer.status());
        }
    }
    for open in ["/-/healthy", "/-/ready", "/sign-in"] {
        assert_eq!(get(&companion, open, &[]).await.status(), 200, "{open}");
    }
    assert_eq!(get(&companion, "/metrics", &[("authorization", "Bearer wrong")]).await.status(), 403);
    let server = format!("http://{}", companion.address);
    let token = scratch_file(READ);
    let with_token =
        ["query", "1 + 1", "--server", &server, "--token-file", &token.display().to_string()].map(str::to_owned);
    let without = with_token[..4].to_vec();
    let run = async |arguments: Vec<String>| {
        tokio::task::spawn_blocking(move || Command::new(PROGRAM).args(arguments).output().expect("it runs"))
            .await
            .expect("an end")
    };
    let answer = run(with_token.to_vec()).await;
    assert!(answer.status.success() && String::from_utf8_lossy(&answer.stdout).contains('2'), "{answer:?}");
    let refused = run(without).await;
    assert!(String::from_utf8_lossy(&refused.stderr).contains("reading needs a token"), "{refused:?}");
    companion.stop().await;
}

#[tokio::test]
async fn a_person_signs_in_sees_the_same_view_and_signs_out() {
    let (companion, _files) = guarded().await;
    let html = ("accept", "text/html,*/*");
    let led = get(&companion, "/?model=a&from=now-1h", &[html]).await;
    assert_eq!((led.status().as_u16(), location(&led)), (303, "sign-in?model=a&from=now-1h"));
    let form = get(&companion, "/sign-in?model=\"><script>", &[html]).await.text().await.expect("a body");
    assert!(form.contains("name=\"token\"") && !form.contains("<script>"), "{form}");
    let wrong = sign_in(&companion, "wrong", &[]).await;
    assert_eq!((wrong.status().as_u16(), wrong.headers().get(SET_COOKIE)), (403, None));
    assert!(wrong.text().await.expect("a body").contains("The token is not the one in"));
    let foreign =
        sign_in(&companion, READ, &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")]).await;
    assert_eq!(foreign.status(), 403);
    assert_eq!(sign_in(&companion, METRICS, &[]).await.status(), 403, "programs need no session");
    assert_eq!(sign_in(&companion, &"x".repeat(9000), &[]).await.status(), 413);

    // Anyone can send that header; the origin of its page is the browser's own word.
    let plain = sign_in(&companion, READ, &[("x-forwarded-proto", "https")]).await;
    assert!(plain.headers()[SET_COOKIE].to_str().is_ok_and(|text| !text.contains("Secure")), "{plain:?}");
    let origin = format!("https://{}", companion.address);
    let signed_in = sign_in(&companion, &format!(" {READ}\n"), &[("origin", &origin)]).await;
    assert_eq!((signed_in.status().as_u16(), location(&signed_in)), (303, "./?model=a&from=now-1h"));
    let attributes = signed_in.headers()[SET_COOKIE].to_str().expect("text").to_owned();
    for attribute in ["; HttpOnly", "; SameSite=Lax", "; Secure", "; Path=/"] {
        assert!(attributes.contains(attribute), "{attributes}");
    }
    let reader = cookie(&signed_in);
    let reads = [(COOKIE.as_str(), reader.as_str()), html];
    for path in ["/", "/api/v1/query?query=1", "/metrics"] {
        assert_eq!(get(&companion, path, &reads).await.status(), 200, "{path}");
    }
    assert!(get(&companion, "/sign-in", &reads).await.text().await.expect("a body").contains("may read."));
    let writing = "/api/v1/inferboard/writing";
    let of = async |cookie: &str| {
        let answer = get(&companion, writing, &[("cookie", cookie), ("x-forwarded-for", "10.0.0.9")]).await;
        answer.text().await.expect("a body")
    };
    assert!(of(&reader).await.contains("\"allowed\":false"), "who reads does not write");
    assert!(of(&cookie(&sign_in(&companion, WRITE, &[]).await)).await.contains("\"allowed\":true"));

    let url = format!("http://{}/sign-out", companion.address);
    let out = browser().post(url).header(COOKIE, &reader).send().await.expect("an answer");
    assert_eq!((out.status().as_u16(), location(&out)), (303, "sign-in"));
    assert!(out.headers()[SET_COOKIE].to_str().is_ok_and(|text| text.contains("Max-Age=0")));
    companion.stop().await;
}

#[test]
fn a_network_is_served_with_a_token_or_by_an_explicit_word() {
    let open = ServeArgs { listen: Some("0.0.0.0:0".into()), ..args(&[]) };
    let refused = Settings::load(&open).expect_err("a refusal").to_string();
    assert!(refused.contains("read_token_file") && refused.contains("--allow-open-network"), "{refused}");
    let token = scratch_file(READ);
    let config = scratch_file(&format!("read_token_file = {:?}", token.display().to_string()));
    let guarded = Settings::load(&ServeArgs { config: Some(config.to_path_buf()), ..open.clone() }).expect("settings");
    assert!(!guarded.web.is_open_network && guarded.warnings.iter().all(|text| !text.contains("everyone who reaches")));
    let explicit = Settings::load(&ServeArgs { allow_open_network: true, ..open }).expect("settings");
    assert!(explicit.web.is_open_network && explicit.warnings.iter().any(|text| text.contains("everyone who reaches")));
}
