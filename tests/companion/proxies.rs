//! Tests of `proxy_url` with a proxy on loopback: requests that it forwards, tunnels, credentials, and hosts without it.
use crate::access::check_with;
use crate::certificates::{Authority, Folder, TlsServer, Validity, args_with};
use crate::harness::{Companion, FakeTarget, hang, raw};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The credentials that a guarded proxy wants: `user` and `pw_CANARY`.
const CREDENTIALS: &str = "Proxy-Authorization: Basic dXNlcjpwd19DQU5BUlk=";

/// A proxy that sends every host's requests to one address.
struct Proxy {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// A proxy in front of `target`, which wants [`CREDENTIALS`] if it is `guarded`.
    async fn start(target: SocketAddr, guarded: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let noted = Arc::clone(&heads);
        let accepting = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let noted = Arc::clone(&noted);
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        let Ok(byte) = stream.read_u8().await else { return };
                        head.push(byte);
                    }
                    let head = String::from_utf8(head).expect("text");
                    noted.lock().expect("a lock").push(head.clone());
                    // Names of headers have no case.
                    let is_allowed = head.lines().any(|line| line.eq_ignore_ascii_case(CREDENTIALS));
                    if guarded && !is_allowed {
                        let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
                        let _ = stream.write_all(refusal.as_bytes()).await;
                        return;
                    }
                    let Ok(mut server) = TcpStream::connect(target).await else {
                        let _ = stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n").await;
                        return;
                    };
                    let ready = match head.strip_prefix("CONNECT ") {
                        Some(_) => stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await,
                        None => server.write_all(head.as_bytes()).await,
                    };
                    ready.expect("a connection");
                    let _ = copy_bidirectional(&mut stream, &mut server).await;
                });
            }
        });
        Self { address, heads, accepting }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("a lock").clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn companion(folder: &Folder, keys: &str) -> Companion {
    Companion::start(&args_with(&folder.config(&format!("[[targets]]\n{keys}\n")))).await
}

#[tokio::test]
async fn a_proxy_forwards_requests_and_resolves_their_names() {
    let (target, folder) = (FakeTarget::serving("a 1\n").await, Folder::new());
    let proxy = Proxy::start(target.address, false).await;
    let keys = format!("url = \"http://gpu-1.acme.test:8000\"\nproxy_url = \"http://{}\"", proxy.address);
    let companion = companion(&folder, &keys).await;
    companion.wait_for("a", &["instance"], &["gpu-1.acme.test:8000 1"]).await;
    let head = proxy.heads()[0].clone();
    assert!(head.starts_with("GET http://gpu-1.acme.test:8000/metrics HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("host: gpu-1.acme.test:8000\r\n"), "{head}");
    companion.stop().await;
}

#[tokio::test]
async fn a_proxy_opens_tunnels_and_knows_its_credentials_only() {
    let (authority, folder) = (Authority::new("Acme"), Folder::new());
    folder.write("ca.pem", &authority.pem);
    folder.write("password", "pw_CANARY\n");
    let server = TlsServer::start(&authority.sign("gpu-1.acme.test", Validity::Now), None, "a 1\n").await;
    let proxy = Proxy::start(server.address, true).await;
    let keys = |user: &str| {
        format!(
            "url = \"https://gpu-1.acme.test\"\nauthorization = {{ credentials = \"token_CANARY\" }}\n\
             tls_config = {{ ca_file = \"$DIR/ca.pem\" }}\nproxy_url = \"http://{user}{}\"",
            proxy.address
        )
    };
    let refused = companion(&folder, &keys("")).await;
    refused.wait_for("inferboard_scrape_failed", &["reason"], &["proxy 1"]).await;
    refused.stop().await;
    for keys in [
        keys("user:pw_CANARY@"),
        keys("") + "\nproxy_basic_auth = { username = \"user\", password_file = \"$DIR/password\" }",
    ] {
        let allowed = companion(&folder, &keys).await;
        allowed.wait_for("a", &["instance"], &["gpu-1.acme.test:443 1"]).await;
        allowed.stop().await;
    }
    let heads = proxy.heads();
    assert!(heads.iter().all(|head| head.starts_with("CONNECT gpu-1.acme.test:443 HTTP/1.1\r\n")), "{heads:?}");
    assert!(!heads.concat().contains("token_CANARY"), "{heads:?}");
}

#[tokio::test]
async fn a_proxy_that_forwards_gets_its_credentials_and_the_target_does_not_fail_for_them() {
    let (target, folder) = (FakeTarget::serving("a 1\n").await, Folder::new());
    let proxy = Proxy::start(target.address, true).await;
    let keys = |user: &str| format!("url = \"http://gpu-1.acme.test\"\nproxy_url = \"http://{user}{}\"", proxy.address);
    let refused = companion(&folder, &keys("")).await;
    refused.wait_for("inferboard_scrape_failed", &["reason"], &["proxy 1"]).await;
    refused.stop().await;
    let allowed = companion(&folder, &keys("user:pw_CANARY@")).await;
    allowed.wait_for("a", &[], &["1"]).await;
    allowed.stop().await;
}

#[tokio::test]
async fn a_proxy_that_does_not_reach_the_target_says_nothing_about_it() {
    let folder = Folder::new();
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a free port").local_addr().expect("an address");
    let proxy = Proxy::start(free, false).await;
    for proxy in [proxy.address, free] {
        let keys = format!("url = \"https://gpu-1.acme.test\"\nproxy_url = \"http://{proxy}\"");
        let companion = companion(&folder, &keys).await;
        companion.wait_for("inferboard_scrape_failed", &["reason"], &["proxy 1"]).await;
        // A refused connection to the proxy is no evidence that the replica has stopped.
        assert!(companion.values("inferboard_replica_state{state=\"stopped\"} == 1", &[]).await.is_empty());
        companion.stop().await;
    }
}

#[tokio::test]
async fn exceptions_and_loopback_are_requested_directly() {
    let (target, folder) = (FakeTarget::serving("a 1\n").await, Folder::new());
    let proxy = Proxy::start(target.address, false).await;
    let port = target.address.port();
    let text = format!(
        "[[targets]]\nurl = \"http://127.0.0.1:{port}\"\nproxy_url = \"http://{0}\"\n\
         [[targets]]\nurl = \"http://no-such-host.acme.test:{port}\"\nproxy_url = \"http://{0}\"\n\
         no_proxy = \"other, .acme.test\"\n",
        proxy.address
    );
    let companion = Companion::start(&args_with(&folder.config(&text))).await;
    companion.wait_for("a", &["instance"], &[&format!("{} 1", target.address)]).await;
    companion.wait_for("inferboard_scrape_failed", &["reason"], &["dns 1"]).await;
    assert_eq!(proxy.heads(), Vec::<String>::new());
    companion.stop().await;
}

#[tokio::test]
async fn variables_name_a_proxy_where_a_key_asks_for_them() {
    let target = FakeTarget::serving("a 1\n").await;
    let proxy = Proxy::start(target.address, true).await;
    let url = || "http://gpu-1.acme.test".to_owned();
    let variables = [("http_proxy", format!("http://user:pw_CANARY@{}", proxy.address))];
    let (code, text) = check_with(url(), &[], &variables).await;
    assert!(code == Some(1) && text.contains("(dns)"), "{text}");
    let set = ["--set", "proxy_from_environment = true"];
    let (code, text) = check_with(url(), &set, &variables).await;
    assert!(code == Some(0) && !text.contains("CANARY"), "{text}");
    let exception = [variables[0].clone(), ("NO_PROXY", "acme.test".to_owned())];
    let (code, text) = check_with(url(), &set, &exception).await;
    assert!(code == Some(1) && text.contains("(dns)"), "{text}");
    // Without its password the proxy says what it wants, and so does the advice.
    let (code, text) = check_with(url(), &["--set", &format!("proxy_url = \"http://{}\"", proxy.address)], &[]).await;
    assert!(code == Some(1) && text.contains("status 407") && text.contains("\n  proxy_basic_auth = "), "{text}");
}

#[tokio::test]
async fn a_proxy_that_hangs_holds_up_its_targets_only() {
    let (stuck, other, folder) = (FakeTarget::start(hang()).await, FakeTarget::serving("a 1\n").await, Folder::new());
    let text = format!(
        "[[targets]]\nurl = \"https://gpu-1.acme.test\"\nproxy_url = \"http://{}\"\n[[targets]]\nurl = \"{}\"\n",
        stuck.address,
        other.url()
    );
    let companion = Companion::start(&args_with(&folder.config(&text))).await;
    companion.wait_for("inferboard_scrape_failed", &["reason"], &["timeout 1"]).await;
    companion.wait_for("a", &[], &["1"]).await;
    companion.stop().await;
}

#[tokio::test]
async fn what_a_hostile_proxy_answers_is_bounded() {
    let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(1 << 20));
    let early = "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\na 1\n";
    let folder = Folder::new();
    for answer in [endless.as_str(), early, "nonsense\r\n\r\n", "HTTP/1.1 403 Forbidden\r\n\r\n", ""] {
        let proxy = FakeTarget::start(raw(answer)).await;
        let keys = format!("url = \"https://gpu-1.acme.test\"\nproxy_url = \"http://{}\"", proxy.address);
        let companion = companion(&folder, &keys).await;
        companion.wait_for("inferboard_scrape_failed", &["reason"], &["proxy 1"]).await;
        assert!(companion.values("a", &[]).await.is_empty());
        companion.stop().await;
    }
}
