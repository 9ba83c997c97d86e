//! Tests of a companion behind reverse proxies: below a path that they pass on or take off, and what of their words counts.
use crate::certificates::{Folder, args_with};
use crate::harness::{Companion, args};
use reqwest::header::{COOKIE, HOST, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use server::app::App;
use server::config::Settings;
use server::config::serve_args::ServeArgs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

const READ: &str = "reads-0123456789abcdef";
const PREFIX: &str = "/metrics-tab";

/// An address of loopback that is no proxy of the configuration.
const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// A proxy on loopback that passes on what is below [`PREFIX`], and answers 404 to all else.
struct ReverseProxy {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl ReverseProxy {
    /// A proxy in front of `server`, which takes the prefix off if it `strips`.
    async fn start(server: SocketAddr, strips: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let accepting = tokio::spawn(async move {
            while let Ok((mut stream, client)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        let Ok(byte) = stream.read_u8().await else { return };
                        head.push(byte);
                    }
                    let head = String::from_utf8(head).expect("text");
                    let Some((method, path)) = head.split_once(' ').filter(|(_, path)| path.starts_with(PREFIX)) else {
                        let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await;
                        return;
                    };
                    let path = if strips { path.strip_prefix(PREFIX).expect("the prefix") } else { path };
                    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
                    let head = format!("{method} {path}").replacen(
                        "\r\n",
                        &format!("\r\nX-Forwarded-For: {}\r\nConnection: close\r\n", client.ip()),
                        1,
                    );
                    let mut server = TcpStream::connect(server).await.expect("the server");
                    server.write_all(head.as_bytes()).await.expect("a connection");
                    let _ = copy_bidirectional(&mut stream, &mut server).await;
                });
            }
        });
        Self { address, accepting }
    }
}

impl Drop for ReverseProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A client at an address of loopback that follows no redirect and keeps no connection.
fn client_at(address: Option<IpAddr>) -> Client {
    let client = Client::builder().no_proxy().redirect(Policy::none()).pool_max_idle_per_host(0);
    client.local_address(address).build().expect("a client")
}

fn text<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The addresses of the files that a page names.
fn files(page: &str) -> Vec<&str> {
    let attributes = ["src=\"", "href=\""];
    attributes.iter().flat_map(|name| page.split(name).skip(1).filter_map(|rest| rest.split('"').next())).collect()
}

async fn get(url: Url, cookie: &str) -> Response {
    client_at(None).get(url).header(COOKIE, cookie).header("accept", "text/html").send().await.expect("an answer")
}

#[tokio::test]
async fn the_page_works_below_a_path_that_a_proxy_passes_on_or_takes_off() {
    for (base_path, strips) in [(Some(PREFIX), false), (Some(PREFIX), true), (None, true)] {
        let folder = Folder::new();
        folder.write("read", READ);
        let config = folder.config("read_token_file = \"$DIR/read\"\n");
        let flags = ServeArgs { base_path: base_path.map(str::to_owned), ..args_with(&config) };
        let companion = Companion::start(&flags).await;
        let proxy = ReverseProxy::start(companion.address, strips).await;
        let page: Url = format!("http://{}{PREFIX}/?model=a", proxy.address).parse().expect("a URL");
        if !strips {
            let asked: Url = format!("http://{}{PREFIX}?model=a", proxy.address).parse().expect("a URL");
            let without_slash = get(asked.clone(), "").await;
            assert_eq!(without_slash.status(), 307);
            assert_eq!(asked.join(text(&without_slash, "location")).expect("a URL"), page);
            assert!(without_slash.headers().contains_key("x-content-type-options"));
        }
        let form = get(page.clone(), "").await;
        let form = page.join(form.headers()[LOCATION].to_str().expect("text")).expect("a URL");
        assert_eq!((form.path(), form.query()), (&*format!("{PREFIX}/sign-in"), Some("model=a")));
        let shown = get(form.clone(), "").await.text().await.expect("a form");
        for file in files(&shown) {
            assert_eq!(get(form.join(file).expect("a URL"), "").await.status(), 200, "{file}");
        }
        let signed_in = client_at(None).post(form.clone()).form(&[("token", READ)]).send().await.expect("an answer");
        let cookie = text(&signed_in, SET_COOKIE.as_str()).to_owned();
        assert_eq!(form.join(text(&signed_in, "location")).expect("a URL"), page);
        let path = if base_path.is_some() { "; Path=/metrics-tab/;" } else { "; Path=/;" };
        assert!(cookie.contains(path), "{cookie}");
        let session = cookie.split(';').next().expect("a pair");
        let html = get(page.clone(), session).await.text().await.expect("the page");
        for file in files(&html) {
            assert!(!file.starts_with('/'), "{file} is not relative");
            assert_eq!(get(page.join(file).expect("a URL"), session).await.status(), 200, "{file}");
        }
        for path in ["api/v1/query?query=1", "config.json", "api/v1/inferboard/notes", "-/ready", "?embed=cpu"] {
            let answer = get(page.join(path).expect("a URL"), session).await;
            assert_eq!(answer.status(), 200, "{path}");
            let is_embed = path == "?embed=cpu";
            assert_eq!(
                text(&answer, "content-security-policy").ends_with("frame-ancestors 'self'"),
                is_embed,
                "{path}"
            );
        }
        // Without the proxy it is there too, for health checks and scrapes.
        let direct = |path: &str| format!("http://{}{path}", companion.address).parse().expect("a URL");
        assert_eq!(get(direct("/-/ready"), "").await.status(), 200);
        assert_eq!(get(direct("/metrics-tab/-/ready"), "").await.status().is_success(), base_path.is_some());
        companion.stop().await;
    }
}

#[tokio::test]
async fn the_address_that_is_printed_has_the_path() {
    let flags = ServeArgs { base_path: Some("/a/b".into()), ..args(&[]) };
    let app = App::bind(Settings::load(&flags).expect("settings")).await.expect("a port");
    assert_eq!(app.url(), format!("http://{}/a/b/", app.address()));
}

/// A companion that believes 127.0.0.1, and the folder with its files.
async fn believing(more: &str) -> (Companion, Folder) {
    let folder = Folder::new();
    folder.write("read", READ);
    let text =
        "read_token_file = \"$DIR/read\"\nallowed_hosts = [\"dash.example\"]\ntrusted_proxies = [\"127.0.0.1\"]\n";
    let companion = Companion::start(&args_with(&folder.config(&format!("{text}{more}")))).await;
    (companion, folder)
}

/// Sends a request with headers, as the proxy or as somebody else.
async fn send(companion: &Companion, from: Option<IpAddr>, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = client_at(from).get(format!("http://{}{path}", companion.address));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.expect("an answer")
}

#[tokio::test]
async fn wrong_tries_are_counted_for_each_client_of_a_proxy_that_is_believed() {
    let (companion, _folder) = believing("").await;
    let attempt = async |from: Option<IpAddr>, client: &str| {
        let headers = [("authorization", "Bearer wrong"), ("x-forwarded-for", client)];
        send(&companion, from, "/api/v1/query?query=1", &headers).await.status().as_u16()
    };
    for _ in 0..10 {
        assert_eq!(attempt(None, "198.51.100.7, 192.0.2.1").await, 403);
    }
    assert_eq!(attempt(None, "203.0.113.5, 192.0.2.1").await, 429, "what the client writes itself does not count");
    assert_eq!(attempt(None, "192.0.2.2").await, 403, "another client");
    // Somebody who is not believed is one client, whatever is said.
    for number in 0..10 {
        assert_eq!(attempt(Some(STRANGER), &format!("192.0.2.{}", 10 + number)).await, 403);
    }
    assert_eq!(attempt(Some(STRANGER), "192.0.2.99").await, 429);
    companion.stop().await;
}

#[tokio::test]
async fn the_scheme_and_the_host_of_a_proxy_that_is_believed_count() {
    let (companion, _folder) = believing("").await;
    let sign_in = async |from: Option<IpAddr>, name: &'static str, value: &'static str| {
        let request = client_at(from).post(format!("http://{}/sign-in", companion.address)).header(name, value);
        let answer = request.form(&[("token", READ)]).send().await.expect("an answer");
        text(&answer, "set-cookie").contains("; Secure")
    };
    assert!(sign_in(None, "x-forwarded-proto", "https").await);
    assert!(sign_in(None, "forwarded", "for=192.0.2.1;proto=https").await);
    assert!(!sign_in(None, "x-forwarded-proto", "http").await);
    assert!(!sign_in(Some(STRANGER), "x-forwarded-proto", "https").await);
    assert!(!sign_in(Some(STRANGER), "forwarded", "proto=https").await);
    for (from, header, expected) in [
        (None, ("x-forwarded-host", "dash.example"), 200),
        (None, ("x-forwarded-host", "attacker.example"), 421),
        (None, ("forwarded", "host=attacker.example"), 421),
        (Some(STRANGER), ("x-forwarded-host", "attacker.example"), 200),
    ] {
        assert_eq!(send(&companion, from, "/-/ready", &[header]).await.status(), expected, "{from:?} {header:?}");
    }
    // A host that is allowed does not make up for one that is not.
    let rebound = [(HOST.as_str(), "attacker.example"), ("x-forwarded-host", "dash.example")];
    assert_eq!(send(&companion, None, "/-/ready", &rebound).await.status(), 421);
    companion.stop().await;
}

#[tokio::test]
async fn whom_a_proxy_that_is_believed_has_signed_in_may_read() {
    let (companion, _folder) = believing("user_header = \"X-Auth-Request-User\"\n").await;
    let query = "/api/v1/query?query=1";
    for (from, headers, expected) in [
        (None, &[("x-auth-request-user", "ada")][..], 200),
        (None, &[("x-auth-request-user", "ada"), ("authorization", "Bearer of-the-proxy-itself")], 200),
        (None, &[], 401),
        (None, &[("x-auth-request-user", "")], 401),
        (None, &[("x-auth-request-user", "ada"), ("x-auth-request-user", "eve")], 401),
        (None, &[("x-forwarded-user", "ada")], 401),
        (Some(STRANGER), &[("x-auth-request-user", "ada")], 401),
        (Some(STRANGER), &[("x-auth-request-user", "ada"), ("x-forwarded-for", "127.0.0.1")], 401),
    ] {
        assert_eq!(send(&companion, from, query, headers).await.status(), expected, "{from:?} {headers:?}");
    }
    let writing = send(&companion, None, "/api/v1/inferboard/writing", &[("x-auth-request-user", "ada")]).await;
    let writing = writing.text().await.expect("a body");
    assert!(writing.contains("\"allowed\":false"), "reading is not writing: {writing}");
    let form = send(&companion, None, "/sign-in", &[("x-auth-request-user", "ada")]).await;
    assert!(form.text().await.expect("a body").contains("The proxy has signed you in, and you may read."));
    companion.stop().await;
}

#[tokio::test]
async fn whom_a_proxy_has_signed_in_writes_if_that_is_configured() {
    let keys = "user_header = \"X-Forwarded-User\"\nuser_role = \"write\"\n";
    let (companion, _folder) = believing(keys).await;
    let add = async |from: Option<IpAddr>, origin: &'static str| {
        let request = client_at(from).post(format!("http://{}/api/v1/inferboard/notes", companion.address));
        let request = request.header("origin", origin).header("x-forwarded-user", "ada");
        let request = request.header("x-forwarded-host", "dash.example").header("x-forwarded-proto", "https");
        request
            .header("content-type", "application/json")
            .body(r#"{"text":"deployed"}"#)
            .send()
            .await
            .expect("an answer")
    };
    assert_eq!(add(None, "https://dash.example").await.status(), 201);
    assert_eq!(add(None, "https://evil.example").await.status(), 403);
    assert_eq!(add(Some(STRANGER), "https://dash.example").await.status(), 401);
    companion.stop().await;
}

#[tokio::test]
async fn without_a_token_of_its_own_the_server_leads_nobody_to_a_form() {
    let folder = Folder::new();
    let keys = "trusted_proxies = [\"127.0.0.1\"]\nuser_header = \"X-Forwarded-User\"\n";
    let companion = Companion::start(&args_with(&folder.config(keys))).await;
    let page = send(&companion, Some(STRANGER), "/", &[("accept", "text/html")]).await;
    assert_eq!(page.status(), 401);
    assert!(page.text().await.expect("a body").contains("sign-in at the proxy"));
    let form = send(&companion, Some(STRANGER), "/sign-in", &[]).await;
    assert!(form.text().await.expect("a body").contains("at the proxy in front of this server"));
    assert_eq!(send(&companion, None, "/", &[("x-forwarded-user", "ada")]).await.status(), 200);
    companion.stop().await;
}

#[test]
fn a_network_may_be_served_where_a_proxy_signs_people_in() {
    let folder = Folder::new();
    let keys = "listen = \"0.0.0.0:0\"\ntrusted_proxies = [\"10.0.0.0/8\"]\nuser_header = \"X-Forwarded-User\"\n";
    let load = |keys: &str| {
        let flags = ServeArgs { listen: None, ..args_with(&folder.config(keys)) };
        Settings::load(&flags).map(|settings| settings.web.is_open_network).map_err(|error| error.to_string())
    };
    assert_eq!(load(keys), Ok(false));
    assert!(load("listen = \"0.0.0.0:0\"\n").is_err_and(|error| error.contains("user_header")));
}
