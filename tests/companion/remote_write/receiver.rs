//! A receiver of remote write on loopback, which keeps what it accepts.
use super::messages::{Message, Sample, decompressed, first_version, second_version};
use inferboard_tests::PATIENCE;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Samples by the labels of their series, `name=value,…`.
pub(crate) type Samples = BTreeMap<String, Vec<Sample>>;

/// A request that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) head: String,
    pub(crate) message: Message,
    pub(crate) at: Instant,
    pub(crate) status: u16,
}

impl Request {
    /// The number of its samples.
    pub(crate) fn samples(&self) -> usize {
        self.message.series.iter().map(|series| series.samples.len()).sum()
    }
}

/// What the receiver answers.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// More headers, each with CRLF at its end.
    pub(crate) headers: String,
    pub(crate) body: String,
    pub(crate) delay: Duration,
}

impl Reply {
    pub(crate) fn status(status: u16) -> Self {
        Self { status, headers: String::new(), body: String::new(), delay: Duration::ZERO }
    }
}

/// Decides on the answer to the request with this number, from 0.
pub(crate) type Behaviour = Arc<dyn Fn(usize, &Message) -> Reply + Send + Sync>;

#[derive(Default)]
struct State {
    requests: Mutex<Vec<Request>>,
    count: AtomicUsize,
    under_way: AtomicUsize,
    max_under_way: AtomicUsize,
}

/// A running receiver; stopped when dropped.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
    tasks: JoinSet<()>,
}

impl Receiver {
    /// One that accepts everything, at a free port.
    pub(crate) async fn start() -> Self {
        Self::answering(Arc::new(|_, _| Reply::status(204))).await
    }

    /// One that answers so, at a free port.
    pub(crate) async fn answering(behaviour: Behaviour) -> Self {
        Self::at("127.0.0.1:0".parse().expect("an address"), behaviour).await
    }

    /// One at an address where another receiver was before.
    pub(crate) async fn at(address: SocketAddr, behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (state, mut tasks) = (Arc::<State>::default(), JoinSet::new());
        let shared = Arc::clone(&state);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, Arc::clone(&shared), Arc::clone(&behaviour)));
            }
        });
        Self { address, state, tasks }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/api/v1/write", self.address)
    }

    /// Stops, closing all connections, and returns the address and what was accepted.
    pub(crate) async fn stop(mut self) -> (SocketAddr, Samples) {
        self.tasks.shutdown().await;
        (self.address, self.accepted())
    }

    /// The requests so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state.requests.lock().expect("a lock").clone()
    }

    /// How many requests were under way at a time.
    pub(crate) fn max_under_way(&self) -> usize {
        self.state.max_under_way.load(Ordering::SeqCst)
    }

    /// What was accepted so far.
    pub(crate) fn accepted(&self) -> Samples {
        let mut all = Samples::new();
        for request in self.requests().iter().filter(|request| request.status < 300) {
            for series in &request.message.series {
                assert!(series.labels.is_sorted(), "labels are sorted: {:?}", series.labels);
                let labels: Vec<String> = series.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
                all.entry(labels.join(",")).or_default().extend(&series.samples);
            }
        }
        all
    }

    /// Waits until what was accepted satisfies `is_done`.
    pub(crate) async fn wait_until(&self, what: &str, is_done: impl Fn(&Samples) -> bool) {
        let began = Instant::now();
        while !is_done(&self.accepted()) {
            assert!(began.elapsed() < PATIENCE, "not received: {what}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits for at least so many requests.
    pub(crate) async fn wait_for_requests(&self, count: usize) {
        let began = Instant::now();
        while self.requests().len() < count {
            assert!(began.elapsed() < PATIENCE, "{} of {count} requests", self.requests().len());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Answers the requests of one connection.
async fn serve(mut stream: TcpStream, state: Arc<State>, behaviour: Behaviour) {
    while let Some((head, body)) = read(&mut stream).await {
        let raw = decompressed(&body);
        let is_second = head.contains("proto=io.prometheus.write.v2.request");
        let message = if is_second { second_version(&raw) } else { first_version(&raw) };
        let at = Instant::now();
        let reply = behaviour(state.count.fetch_add(1, Ordering::SeqCst), &message);
        let now = state.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        state.max_under_way.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(reply.delay).await;
        state.under_way.fetch_sub(1, Ordering::SeqCst);
        let Reply { status, headers, body, .. } = reply;
        // Kept before it is answered, so that nothing is answered and not kept.
        state.requests.lock().expect("a lock").push(Request { head, message, at, status });
        let answer = format!("HTTP/1.1 {status} Status\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len());
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The head and the body of the next request; none at the end of the connection.
async fn read(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.and_then(|length| length.parse().ok()).expect("a length")];
    stream.read_exact(&mut body).await.ok()?;
    Some((head, body))
}
