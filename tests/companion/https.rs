//! Tests of the companion's own TLS: its certificate, what happens when the files change, and clients that do not shake
//! hands.
use crate::certificates::{Authority, Folder, Pair, Validity, args_with};
use crate::fairness::{allow_open_files, open};
use crate::harness::{Companion, exchange};
use crate::program::{PROGRAM, Program};
use inferboard_tests::PATIENCE;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client};
use server::app::App;
use server::config::Settings;
use std::net::SocketAddr;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

const HOST: &str = "127.0.0.1";
const TLS: &str = "tls_cert_file = \"$DIR/cert.pem\"\ntls_key_file = \"$DIR/key.pem\"\n";
const READ: &str = "reads-0123456789abcdef";

/// A folder with a certificate of `authority` for [`HOST`].
fn folder_with(authority: &Authority) -> Folder {
    let folder = Folder::new();
    write_pair(&folder, &authority.sign(HOST, Validity::Now));
    folder.write("ca.pem", &authority.pem);
    folder.write("read", READ);
    folder
}

fn write_pair(folder: &Folder, pair: &Pair) {
    folder.write("cert.pem", &pair.certificate);
    folder.write("key.pem", &pair.key);
}

/// A client that trusts `authority` alone, follows no redirect and keeps no connection.
fn client(authority: &Authority) -> Client {
    let root = Certificate::from_pem(authority.pem.as_bytes()).expect("a certificate");
    let client = Client::builder().no_proxy().tls_built_in_root_certs(false).add_root_certificate(root);
    client.redirect(Policy::none()).pool_max_idle_per_host(0).build().expect("a client")
}

fn url(address: impl std::fmt::Display, path: &str) -> String {
    format!("https://{address}{path}")
}

/// A TLS connection with these protocols.
async fn connect(
    address: SocketAddr,
    authority: &Authority,
    protocols: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(authority.pem.as_bytes()).expect("a certificate");
    roots.add(root).expect("an authority");
    let provider = Arc::new(crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let name = ServerName::try_from(HOST).expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, TcpStream::connect(address).await?).await
}

/// Asks whether the server is ready on an open connection, and returns the head of the answer.
async fn ask(stream: &mut TlsStream<TcpStream>) -> String {
    stream.write_all(b"GET /-/ready HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("a connection");
    stream.flush().await.expect("a connection");
    let mut answer = Vec::new();
    while !answer.ends_with(b"is ready.\n") {
        answer.push(stream.read_u8().await.expect("an answer"));
    }
    String::from_utf8(answer).expect("text")
}

async fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(arguments);
    tokio::task::spawn_blocking(move || command.output().expect("it runs")).await.expect("an end")
}

#[tokio::test]
async fn page_api_and_sign_in_work_over_tls() {
    let authority = Authority::new("Acme");
    let folder = folder_with(&authority);
    let config = folder.config(&format!("{TLS}read_token_file = \"$DIR/read\"\n"));
    let program = Program::start(&["--listen", "127.0.0.1:0", "--in-memory", "--no-discovery"], &config).await;
    let (client, address) = (client(&authority), program.address());
    let form = client.get(url(address, "/sign-in")).send().await.expect("an answer");
    assert_eq!(form.status(), 200);
    assert!(!form.headers().contains_key("strict-transport-security"), "it would hold for all ports of the machine");
    let signed_in = client.post(url(address, "/sign-in")).form(&[("token", READ)]).send().await.expect("an answer");
    let cookie = signed_in.headers()["set-cookie"].to_str().expect("text").to_owned();
    assert!(signed_in.status() == 303 && cookie.contains("; Secure"), "{cookie}");
    let session = cookie.split(';').next().expect("a pair");
    for path in ["/", "/config.json", "/api/v1/query?query=1"] {
        let answer = client.get(url(address, path)).header("cookie", session).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
    }
    let ca = folder.path("ca.pem").display().to_string();
    let server = url(address, "");
    let health = run(&["health", "--server", &server, "--ca-file", &ca]).await;
    assert!(health.status.success() && String::from_utf8_lossy(&health.stdout).contains("is ready"), "{health:?}");
    let stranger = run(&["health", "--server", &server]).await;
    assert!(String::from_utf8_lossy(&stranger.stderr).contains("--ca-file"), "{stranger:?}");
    let token = folder.path("read").display().to_string();
    let query = run(&["query", "1 + 1", "--server", &server, "--ca-file", &ca, "--token-file", &token]).await;
    assert!(query.status.success() && String::from_utf8_lossy(&query.stdout).contains('2'), "{query:?}");
    let other = Authority::new("Other");
    assert!(
        self::client(&other).get(url(address, "/")).send().await.is_err(),
        "its certificate is of another authority"
    );
    program.stop().await;
}

#[tokio::test]
async fn a_new_certificate_is_shown_while_open_connections_go_on() {
    let (old, new) = (Authority::new("Old"), Authority::new("New"));
    let folder = folder_with(&old);
    let companion = Companion::start(&args_with(&folder.config(TLS))).await;
    let app = App::bind(Settings::load(&args_with(&folder.config(TLS))).expect("settings")).await.expect("a port");
    assert_eq!(app.url(), format!("https://{}/", app.address()));
    drop(app);
    let mut open = connect(companion.address, &old, &["http/1.1"]).await.expect("a connection");
    assert!(ask(&mut open).await.starts_with("HTTP/1.1 200"));
    write_pair(&folder, &new.sign(HOST, Validity::Now));
    let (began, renewed) = (Instant::now(), client(&new));
    while renewed.get(url(companion.address, "/-/ready")).send().await.is_err() {
        assert!(began.elapsed() < PATIENCE, "the new certificate is not shown");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(client(&old).get(url(companion.address, "/-/ready")).send().await.is_err());
    assert!(ask(&mut open).await.starts_with("HTTP/1.1 200"), "the connection was not kept");
    drop(open);
    companion.stop().await;
}

#[tokio::test]
async fn a_broken_new_certificate_is_logged_and_the_old_one_stays() {
    let (old, new) = (Authority::new("Old"), Authority::new("New"));
    let folder = folder_with(&old);
    let log = folder.path("log");
    let flags = ["--listen", "127.0.0.1:0", "--in-memory", "--no-discovery"];
    let program = Program::start_logged(&flags, &folder.config(TLS), &log).await;
    let next = new.sign(HOST, Validity::Now);
    let wait_for_log = async |text: &str| {
        let began = Instant::now();
        while !std::fs::read_to_string(&log).expect("a log").contains(text) {
            assert!(began.elapsed() < PATIENCE, "{text:?} is not logged");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    // A certificate without its key.
    folder.write("cert.pem", &next.certificate);
    wait_for_log("key.pem holds the key of another certificate").await;
    assert!(client(&old).get(url(program.address(), "/-/ready")).send().await.is_ok());
    folder.write("cert.pem", "nonsense");
    wait_for_log("cert.pem holds no certificate in PEM form").await;
    assert!(client(&old).get(url(program.address(), "/-/ready")).send().await.is_ok());
    let text = std::fs::read_to_string(&log).expect("a log");
    assert!(text.contains("the previous one is shown until then") && !text.contains("PRIVATE KEY-----\\n"), "{text}");
    write_pair(&folder, &next);
    wait_for_log("loaded the certificate").await;
    assert!(client(&new).get(url(program.address(), "/-/ready")).send().await.is_ok());
    program.stop().await;
}

#[test]
fn a_pair_that_cannot_be_used_stops_the_start() {
    let (authority, folder) = (Authority::new("Acme"), Folder::new());
    let (pair, other) = (authority.sign(HOST, Validity::Now), authority.sign(HOST, Validity::Now));
    let no_key = "tls_cert_file = \"$DIR/cert.pem\"\n";
    for (certificate, key, keys, expected) in [
        (&*pair.certificate, &*pair.key, TLS, None),
        ("nonsense", &pair.key, TLS, Some("cert.pem holds no certificate in PEM form")),
        ("", &pair.key, TLS, Some("cert.pem holds no certificate in PEM form")),
        (&pair.key, &pair.key, TLS, Some("cert.pem holds no certificate in PEM form")),
        (&pair.certificate, "nonsense", TLS, Some("key.pem holds no private key in PEM form")),
        (&pair.certificate, &other.key, TLS, Some("key.pem holds the key of another certificate")),
        (&pair.certificate, &pair.key, no_key, Some("tls_key_file: it is not set, but tls_cert_file is")),
    ] {
        folder.write("cert.pem", certificate);
        folder.write("key.pem", key);
        let loaded = Settings::load(&args_with(&folder.config(keys))).map_err(|error| error.to_string());
        match expected {
            None => assert_eq!(loaded.expect("settings").web.scheme(), "https"),
            Some(expected) => assert!(loaded.expect_err(expected).contains(expected)),
        }
    }
    let absent = args_with(&folder.config("tls_cert_file = \"no/such.pem\"\ntls_key_file = \"$DIR/key.pem\"\n"));
    assert!(Settings::load(&absent).expect_err("absent").to_string().starts_with("cannot read no/such.pem"));
}

#[tokio::test]
async fn who_speaks_no_tls_gets_a_word_or_a_clean_end() {
    let authority = Authority::new("Acme");
    let folder = folder_with(&authority);
    let companion = Companion::start(&args_with(&folder.config(TLS))).await;
    let plain = exchange(companion.address, b"GET /<script> HTTP/1.1\r\nHost: <script>\r\n\r\n").await;
    assert!(plain.starts_with("HTTP/1.1 400 ") && plain.contains("https://") && !plain.contains("<script>"), "{plain}");
    let long = [b"POST / HTTP/1.1\r\nHost: a\r\n\r\n".as_slice(), &vec![b'x'; 1 << 20]].concat();
    let answer = exchange(companion.address, &long).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{answer}");
    for nonsense in [&b"\x00\x01\x02"[..], b"ssh-2.0\r\n", b"\x16\x03\x01\x00\x05hello", b"\x16\xff\xff\xff\xff"] {
        let answer = exchange(companion.address, nonsense).await;
        assert!(!answer.contains("HTTP"), "{answer}");
    }
    assert!(connect(companion.address, &authority, &["h2"]).await.is_err(), "only HTTP/1.1 is spoken");
    assert!(connect(companion.address, &authority, &[]).await.is_ok());
    assert!(client(&authority).get(url(companion.address, "/-/ready")).send().await.is_ok());
    companion.stop().await;
}

#[tokio::test]
async fn handshakes_and_heads_that_are_not_completed_end() {
    let authority = Authority::new("Acme");
    let folder = folder_with(&authority);
    let companion = Companion::start(&args_with(&folder.config(TLS))).await;
    let address = companion.address;
    // One client says nothing, one the half of a record, and one a byte now and then.
    let held = async |first: &'static [u8], drips: bool| {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(first).await.expect("a write");
        let (mut input, mut output) = stream.split();
        let mut rest = Vec::new();
        let drip = async {
            while drips && output.write_all(b"\x00").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            // It may be reset, as there are bytes that nobody has read.
            _ = input.read_to_end(&mut rest) => {}
            () = drip => {}
        }
    };
    let record = b"\x16\x03\x01\x02\x00\x01\x00\x01";
    // One shakes hands and then sends half a request.
    let half = async {
        let mut stream = connect(address, &authority, &[]).await.expect("a connection");
        stream.write_all(b"GET / HTTP/1.1\r\nHost: loc").await.expect("a write");
        stream.flush().await.expect("a write");
        let mut rest = Vec::new();
        // The end of the connection need not be that of TLS.
        let _ = stream.read_to_end(&mut rest).await;
    };
    let all = async { tokio::join!(held(b"", false), held(record, false), held(record, true), half) };
    tokio::time::timeout(PATIENCE, all).await.expect("the server closes the connections");
    companion.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_open_handshakes_block_neither_clients_nor_shutdown() {
    allow_open_files();
    let authority = Authority::new("Acme");
    let folder = folder_with(&authority);
    let program =
        Program::start(&["--listen", "127.0.0.1:0", "--in-memory", "--no-discovery"], &folder.config(TLS)).await;
    // More than all connections that there may be, from another address and from the same.
    let mut held = open(program.address(), "127.0.0.2", 1100, "\u{16}\u{3}\u{1}").await;
    held.extend(open(program.address(), HOST, 1100, "").await);
    let answer = client(&authority).get(url(program.address(), "/-/ready")).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert!(program.stop().await < PATIENCE);
    drop(held);
}
