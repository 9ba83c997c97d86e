//! Tests of kept connections that the server closes: no scrape fails because of them, and nothing is tried for ever.
use crate::harness::{Behaviour, Companion, FakeTarget, args};
use inferboard_tests::PATIENCE;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PAGE: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 7\r\n\r\ngood 1\n";

/// How a server closes a connection on which it has answered one request.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Close {
    /// At once, while the connection is idle.
    Idle,
    /// With a FIN, after it has read the next request.
    Unanswered,
    /// With a RST, without reading the next request.
    Unread,
    /// With a RST, after it has read the next request.
    Reset,
}

/// A server that answers one request on each connection and then closes it like `close`. Once `is_broken`, it answers none.
#[derive(Clone)]
struct ClosingServer {
    close: Close,
    is_broken: Arc<AtomicBool>,
    /// The requests on connections that had been kept, and all that were left without an answer.
    reused: Arc<AtomicUsize>,
    unanswered: Arc<AtomicUsize>,
}

impl ClosingServer {
    fn new(close: Close) -> Self {
        Self { close, is_broken: Arc::default(), reused: Arc::default(), unanswered: Arc::default() }
    }

    fn behaviour(&self) -> Behaviour {
        let server = self.clone();
        Arc::new(move |_, stream| {
            let server = server.clone();
            Box::pin(async move { server.serve(stream).await })
        })
    }

    async fn serve(self, mut stream: TcpStream) {
        if self.is_broken.load(Ordering::Relaxed) {
            self.unanswered.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let answered = stream.write_all(PAGE.as_bytes()).await;
        if answered.is_err() || self.close == Close::Idle || stream.readable().await.is_err() {
            return;
        }
        if self.close != Close::Unread {
            let mut request = [0; 4096];
            // The client may have closed the connection instead.
            if !matches!(stream.read(&mut request).await, Ok(1..)) {
                return;
            }
        }
        if self.close == Close::Reset {
            let _ = stream.set_zero_linger();
        }
        self.reused.fetch_add(1, Ordering::Relaxed);
        self.unanswered.fetch_add(1, Ordering::Relaxed);
    }
}

async fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "not {what} in time");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The number of scrapes that failed.
async fn failed(companion: &Companion, target: &FakeTarget) -> Vec<String> {
    let up = format!("up{{instance=\"{}\"}}[1h]", target.instance());
    companion.values(&format!("sum(count_over_time({up})) - sum(sum_over_time({up}))"), &[]).await
}

#[tokio::test]
async fn a_kept_connection_that_the_server_closes_fails_no_scrape() {
    for close in [Close::Idle, Close::Unanswered, Close::Unread, Close::Reset] {
        let server = ClosingServer::new(close);
        let target = FakeTarget::start(server.behaviour()).await;
        let companion = Companion::start(&args(&[&target.url()])).await;
        // The first scrapes are the ones at which a connection is new.
        target.wait_for("GET /metrics ", 4).await;
        if close != Close::Idle {
            wait_until("closed", || server.reused.load(Ordering::Relaxed) >= 3).await;
        }
        companion.wait_for("good", &[], &["1"]).await;
        assert_eq!(failed(&companion, &target).await, ["0"], "{close:?}");
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_asked_once_more_and_then_fails() {
    let server = ClosingServer::new(Close::Unanswered);
    let target = FakeTarget::start(server.behaviour()).await;
    let companion = Companion::start(&args(&[&target.url()])).await;
    companion.wait_for("good", &[], &["1"]).await;
    server.is_broken.store(true, Ordering::Relaxed);
    let before = server.unanswered.load(Ordering::Relaxed);
    companion.wait_for("inferboard_scrape_failed", &["reason"], &["broken 1"]).await;
    wait_until("asked", || server.unanswered.load(Ordering::Relaxed) >= before + 5).await;
    // The request on the kept connection was sent twice, and each later one once.
    let requests = server.unanswered.load(Ordering::Relaxed) - before;
    let scrapes: usize = failed(&companion, &target).await[0].parse().expect("a number");
    assert!(requests <= scrapes + 2, "{requests} requests for {scrapes} failed scrapes");
}
