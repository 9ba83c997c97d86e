//! Tests that a client that takes all it can leaves others their share: of connections, of queries and of memory. Each
//! address of loopback is a client of its own.
use crate::harness::{FakeTarget, exchange, scratch_file};
use crate::program::Program;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};

/// How long a small request may take on a busy machine.
const MAX_TIME: Duration = Duration::from_secs(3);

const CONFIG: &str = "listen = \"127.0.0.1:0\"\ndiscovery = false\ngpus = false\nscrape_interval = \"5s\"\n";

/// Connections of `client` that send `start` and nothing more. Those that the server closes stay in the list.
pub(crate) async fn open(server: &str, client: &str, count: usize, start: &str) -> Vec<TcpStream> {
    let server: SocketAddr = server.parse().expect("an address");
    let mut streams = Vec::new();
    for _ in 0..count {
        let socket = TcpSocket::new_v4().expect("a socket");
        if client != "127.0.0.1" {
            socket.bind(format!("{client}:0").parse().expect("an address")).expect("an address of loopback");
        }
        let Ok(mut stream) = socket.connect(server).await else { continue };
        let _ = stream.write_all(start.as_bytes()).await;
        streams.push(stream);
    }
    streams
}

/// Lets this process open as many files as it may.
pub(crate) fn allow_open_files() {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let raised = rustix::process::Rlimit { current: limit.maximum, ..limit };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, raised).expect("the hard limit");
}

/// Sends a small request on a connection of its own, again and again, and returns how long the slowest one took.
async fn slowest_request(program: &Program, count: usize) -> Duration {
    let address: SocketAddr = program.address().parse().expect("an address");
    let mut slowest = Duration::ZERO;
    for _ in 0..count {
        let began = Instant::now();
        let request = "GET /api/v1/query?query=vector(1) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let answer = exchange(address, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer:.200}");
        slowest = slowest.max(began.elapsed());
    }
    slowest
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_open_connections_turn_nobody_away() {
    allow_open_files();
    let program = Program::start(&["--in-memory"], &scratch_file(CONFIG)).await;
    let half = "GET / HTTP/1.1\r\nHost: localhost\r\nX: ";
    let slow_body = "POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\
        Content-Type: application/x-www-form-urlencoded\r\n\r\nq";
    // From the same address as the requests, too: a proxy, or another program of this machine.
    for (client, start) in [("127.0.0.2", half), ("127.0.0.1", half), ("127.0.0.1", ""), ("127.0.0.1", slow_body)] {
        let held = open(program.address(), client, 1100, start).await;
        let slowest = slowest_request(&program, 10).await;
        assert!(slowest < MAX_TIME, "{slowest:?} beside {} of {client}: {start:?}", held.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_may_open_few_files_goes_on() {
    let target = FakeTarget::serving("good 1\n").await;
    let config = scratch_file(&format!("{CONFIG}[[targets]]\nurl = \"{}\"\nscrape_interval = \"1s\"\n", target.url()));
    let mut command = Command::new("prlimit");
    let program = std::env::var_os("INFERBOARD_SERVER").unwrap_or_else(|| crate::program::PROGRAM.into());
    command.arg("--nofile=64").arg(program).args(["--in-memory", "--config"]).arg(&config);
    let program = Program::start_command(&mut command).await;
    program.wait_for("good", &["1"]).await;
    let held = open(program.address(), "127.0.0.2", 150, "GET / HTTP/1.1\r\n").await;
    let slowest = slowest_request(&program, 10).await;
    assert!(slowest < MAX_TIME, "{slowest:?} beside {}", held.len());
    program.wait_for("min_over_time(up{job=\"targets\"}[3s])", &["1"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heavy_queries_of_one_client_leave_another_its_small_ones() {
    let lines: String = (0..10_000).map(|n| format!("fleet{{n=\"{n}\",m=\"{}\"}} {n}\n", n % 7)).collect();
    let target = FakeTarget::serving(&lines).await;
    let config = scratch_file(&format!("{CONFIG}[[targets]]\nurl = \"{}\"\n", target.url()));
    let program = Program::start(&["--in-memory"], &config).await;
    program.wait_for("count(fleet)", &["10000"]).await;
    let heavy = "count_values(%22v%22,sum_over_time(fleet%5B1h:10s%5D))*on(v)group_left()count_values(%22v%22,fleet)";
    let requests = |n: usize| format!("GET /api/v1/query?query={heavy}%2B{n} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let mut held = Vec::new();
    for n in 0..200 {
        held.extend(open(program.address(), "127.0.0.2", 1, &requests(n)).await);
    }
    for _ in 0..10 {
        let slowest = slowest_request(&program, 3).await;
        assert!(slowest < MAX_TIME, "{slowest:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    drop(held);
}

#[tokio::test]
async fn ambiguous_requests_are_refused_and_hide_no_other() {
    let program = Program::start(&["--in-memory"], &scratch_file(CONFIG)).await;
    let address: SocketAddr = program.address().parse().expect("an address");
    let hidden = "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    for framing in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 5, 5\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding: \x0bchunked\r\n",
        "X: y\nContent-Length: 5\r\n",
        "X: y\rContent-Length: 5\r\n",
        " Content-Length: 5\r\n",
    ] {
        let request = format!("POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\n{form}{framing}\r\n0\r\n\r\n{hidden}");
        let answer = exchange(address, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{framing:?}: {answer:.100}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{framing:?}: {answer}");
    }
    let bare = exchange(address, b"GET /-/healthy HTTP/1.1\nHost: localhost\nConnection: close\n\n").await;
    assert!(bare.starts_with("HTTP/1.1 400"), "{bare:.100}");
    // Plain requests, one behind the other, are answered.
    let both = format!("GET /-/ready HTTP/1.1\r\nHost: localhost\r\n\r\n{hidden}");
    assert_eq!(exchange(address, both.as_bytes()).await.matches("HTTP/1.1 200").count(), 2);
    let newline = format!(
        "POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\n{form}Content-Length: 15\r\n\r\nquery=vector(\n1{hidden}"
    );
    assert!(exchange(address, newline.as_bytes()).await.contains("healthy"));
    // What follows a chunked body is not read.
    let chunked = "POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n";
    let chunked = format!("{chunked}{form}\r\n7\r\nquery=1\r\n0\r\n\r\n{hidden}");
    let answer = exchange(address, chunked.as_bytes()).await;
    assert!(answer.contains("\"scalar\"") && !answer.contains("healthy"), "{answer}");
}
