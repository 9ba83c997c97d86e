//! Tests of a companion behind nginx, with the blocks of `docs/security.md`. Without nginx they are skipped.
use crate::certificates::Folder;
use crate::harness::exchange;
use crate::program::{PROGRAM, Program};
use inferboard_tests::{PATIENCE, skipped};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};

const DOCUMENT: &str = include_str!("../../docs/security.md");
const READ: &str = "reads-0123456789abcdef";

/// A running program; killed when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The block of nginx's configuration that has `text`.
fn block(text: &str) -> String {
    let blocks = DOCUMENT.split("```nginx\n").skip(1).filter_map(|rest| rest.split("```").next());
    let mut found: Vec<_> = blocks.filter(|block| block.contains(text)).collect();
    assert_eq!(found.len(), 1, "one block of the document has {text:?}");
    found.remove(0).to_owned()
}

/// Waits until something listens.
async fn wait_for(address: SocketAddr, log: &Path) {
    let began = Instant::now();
    while TcpStream::connect(address).await.is_err() {
        let log = || std::fs::read_to_string(log).unwrap_or_default();
        assert!(began.elapsed() < PATIENCE, "nginx does not listen at {address}: {}", log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// nginx with this block, and where it listens; none if it is not installed. Each test has an address of loopback of its
/// own, at which nobody else takes the port that is free.
async fn nginx(folder: &Folder, block: &str, test: u8) -> Option<(Running, SocketAddr)> {
    let free = TcpListener::bind((Ipv4Addr::new(127, 90, 0, test), 0)).await.expect("a free port");
    let address = free.local_addr().expect("an address");
    drop(free);
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let paths: String = temporary.iter().map(|name| format!("{name}_temp_path $DIR/{name};\n")).collect();
    let text = format!(
        "daemon off;\nmaster_process off;\npid $DIR/nginx.pid;\nerror_log $DIR/nginx.log;\nevents {{}}\nhttp {{\naccess_log off;\n\
         {paths}server {{\nlisten {address};\n{block}\n}}\n}}\n"
    );
    let root = folder.path("");
    let file = folder.write("nginx.conf", &text.replace("$DIR", root.to_str().expect("text").trim_end_matches('/')));
    let mut command = Command::new("nginx");
    command.arg("-p").arg(&root).arg("-c").arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
    match command.spawn() {
        Ok(child) => {
            let running = Running(child);
            wait_for(address, &folder.path("nginx.log")).await;
            Some((running, address))
        }
        Err(error) => {
            skipped(format_args!("nginx cannot be started, so the companion is not tested behind it: {error}"));
            None
        }
    }
}

/// The configuration of a companion that wants a token.
fn config(folder: &Folder, keys: &str) -> PathBuf {
    folder.write("read", READ);
    folder.config(&format!("read_token_file = \"$DIR/read\"\nallowed_hosts = [\"dash.example\"]\n{keys}"))
}

/// A companion on a free port, which believes nginx.
async fn companion(folder: &Folder, keys: &str) -> Program {
    let config = config(folder, &format!("trusted_proxies = [\"127.0.0.1\"]\n{keys}"));
    Program::start(&["--listen", "127.0.0.1:0", "--in-memory", "--no-discovery", "--no-gpus"], &config).await
}

/// The address of a companion, without the path that is printed with it.
fn address_of(companion: &Program) -> &str {
    companion.address().split('/').next().unwrap_or_default()
}

/// The status of an answer.
async fn status(address: SocketAddr, path: &str, headers: &str) -> u16 {
    let request = format!("GET {path} HTTP/1.1\r\nHost: dash.example\r\nConnection: close\r\n{headers}\r\n");
    let answer = exchange(address, request.as_bytes()).await;
    answer.get(9..12).and_then(|digits| digits.parse().ok()).unwrap_or_else(|| panic!("{path}: {answer}"))
}

/// The status of a query with a wrong token, from an address of loopback.
async fn wrong_try(nginx: SocketAddr, from: [u8; 4], forwarded: &str) -> u16 {
    let client = reqwest::Client::builder().no_proxy().local_address(IpAddr::V4(Ipv4Addr::from(from)));
    let request = client.build().expect("a client").get(format!("http://{nginx}/api/v1/query?query=1"));
    let request = request.header("host", "dash.example").header("x-forwarded-for", forwarded);
    request.header("authorization", "Bearer wrong").send().await.expect("an answer").status().as_u16()
}

#[tokio::test]
async fn clients_of_nginx_are_told_apart_and_cannot_say_who_they_are() {
    let folder = Folder::new();
    let companion = companion(&folder, "").await;
    let block = block("X-Forwarded-Proto").replace("127.0.0.1:7117", address_of(&companion));
    let Some((_nginx, address)) = nginx(&folder, &block, 1).await else { return };
    let token = format!("Authorization: Bearer {READ}\r\n");
    assert_eq!(status(address, "/api/v1/query?query=1", &token).await, 200);
    // Nothing of the headers that a client writes itself arrives as the proxy's word.
    let forged = "X-Forwarded-Host: attacker.example\r\nForwarded: host=attacker.example\r\n";
    assert_eq!(status(address, "/-/ready", forged).await, 200);
    for number in 0..10 {
        assert_eq!(wrong_try(address, [127, 0, 0, 2], &format!("192.0.2.{number}")).await, 403);
    }
    assert_eq!(wrong_try(address, [127, 0, 0, 2], "192.0.2.99").await, 429);
    assert_eq!(wrong_try(address, [127, 0, 0, 3], "127.0.0.2").await, 403, "another client");
}

#[tokio::test]
async fn nginx_may_pass_the_path_on_or_take_it_off() {
    for slash in ["", "/"] {
        let folder = Folder::new();
        let companion = companion(&folder, "base_path = \"/metrics-tab/\"\n").await;
        let block = block("location /metrics-tab/");
        let block = block.replace("http://127.0.0.1:7117;", &format!("http://{}{slash};", address_of(&companion)));
        let Some((_nginx, address)) = nginx(&folder, &block, 2).await else { return };
        let token = format!("Authorization: Bearer {READ}\r\n");
        for path in ["/metrics-tab/", "/metrics-tab/api/v1/query?query=1", "/metrics-tab/config.json"] {
            assert_eq!(status(address, path, &token).await, 200, "{path}");
        }
        assert_eq!(status(address, "/metrics-tab/", "Accept: text/html\r\n").await, 303, "to the form");
        assert_eq!(status(address, "/metrics-tab/sign-in", "").await, 200);
    }
}

#[tokio::test]
async fn nginx_connects_by_the_socket_and_lets_nobody_write() {
    let folder = Folder::new();
    let socket = folder.path("i.sock");
    let block = block("http://unix:").replace("/run/inferboard/inferboard.sock", socket.to_str().expect("text"));
    let Some((_nginx, address)) = nginx(&folder, &block, 3).await else { return };
    let mut command = Command::new(PROGRAM);
    command.args(["--in-memory", "--no-discovery", "--no-gpus", "--config"]);
    command.arg(config(&folder, "listen = \"unix:$DIR/i.sock\"\n"));
    let _companion = Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program"));
    wait_for_file(&socket).await;
    let token = format!("Authorization: Bearer {READ}\r\n");
    assert_eq!(status(address, "/api/v1/query?query=1", &token).await, 200);
    assert_eq!(status(address, "/api/v1/query?query=1", "").await, 401);
    let request =
        format!("GET /api/v1/inferboard/writing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{token}\r\n");
    let answer = exchange(address, request.as_bytes()).await;
    assert!(!answer.contains("\"allowed\":true"), "{answer}");
}

async fn wait_for_file(path: &Path) {
    let began = Instant::now();
    while tokio::net::UnixStream::connect(path).await.is_err() {
        assert!(began.elapsed() < PATIENCE, "nothing listens at {}", path.display());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
