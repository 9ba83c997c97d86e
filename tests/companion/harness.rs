//! Shared by the tests: a running companion, fake targets for it to scrape, and HTTP clients.
use inferboard_tests::PATIENCE;
use serde_json::Value;
use server::app::{App, AppError};
use server::config::serve_args::ServeArgs;
use server::config::{ConfiguredTargets, Settings};
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tsdb::{OpenError, QueueError};

/// A companion on a free loopback port; dropping it stops it.
pub(crate) struct Companion {
    pub(crate) address: SocketAddr,
    pub(crate) reloads: mpsc::Sender<ConfiguredTargets>,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
}

/// The scrape interval, and so the scrape timeout. With a shorter one, scrapes time out on a busy machine.
pub(crate) const INTERVAL: &str = "500ms";

/// Flags for a companion that scrapes only `targets`, every [`INTERVAL`].
pub(crate) fn args(targets: &[&str]) -> ServeArgs {
    ServeArgs {
        listen: Some("127.0.0.1:0".into()),
        scrape_interval: Some(INTERVAL.into()),
        targets: targets.iter().map(|target| (*target).to_owned()).collect(),
        no_discovery: true,
        in_memory: true,
        ..ServeArgs::default()
    }
}

/// Binds a companion. The thread that closes the history of an earlier one may outlive it, and has the folder until then.
async fn bind(args: &ServeArgs) -> App {
    let began = Instant::now();
    loop {
        match App::bind(Settings::load(args).expect("settings")).await {
            Ok(app) => return app,
            Err(error) => {
                let is_in_use = matches!(
                    &error,
                    AppError::History(OpenError::InUse { .. }) | AppError::RemoteWrite(QueueError::InUse { .. })
                );
                assert!(is_in_use && began.elapsed() < PATIENCE, "the companion does not start: {error}");
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
        }
    }
}

impl Companion {
    pub(crate) async fn start(args: &ServeArgs) -> Self {
        let app = bind(args).await;
        let address = app.address().network().expect("a port");
        let (stop, stopped) = oneshot::channel();
        let (reloads, received) = mpsc::channel(1);
        let stopped = async {
            let _ = stopped.await;
        };
        Self { address, reloads, stop: Some(stop), running: tokio::spawn(app.run(stopped, received)) }
    }

    /// Stops the companion and waits until it has ended.
    pub(crate) async fn stop(mut self) {
        drop(self.stop.take());
        self.running.await.expect("a clean shutdown");
    }

    /// The answer to an instant query.
    pub(crate) async fn query(&self, query: &str) -> Value {
        let url = format!("http://{}/api/v1/query", self.address);
        let response = http().get(url).query(&[("query", query)]).send().await.expect("an answer");
        serde_json::from_slice(&response.bytes().await.expect("a body")).expect("json")
    }

    /// The values of an instant query, each preceded by its labels in `by`.
    pub(crate) async fn values(&self, query: &str, by: &[&str]) -> Vec<String> {
        let answer = self.query(query).await;
        let result = answer["data"]["result"].as_array().unwrap_or_else(|| panic!("{answer}")).clone();
        let label = |series: &Value, name: &&str| series["metric"][*name].as_str().unwrap_or("-").to_owned();
        result
            .iter()
            .map(|series| {
                let labels: Vec<_> = by.iter().map(|name| label(series, name)).collect();
                format!("{} {}", labels.join(" "), series["value"][1].as_str().unwrap_or("?")).trim().to_owned()
            })
            .collect()
    }

    /// Waits until the values of a query are `expected`.
    pub(crate) async fn wait_for(&self, query: &str, by: &[&str], expected: &[&str]) {
        let mut last = Vec::new();
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            last = self.values(query, by).await;
            if last == expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{query} is {last:?}, not {expected:?}, after {PATIENCE:?}");
    }
}

/// A temporary file that contains `text` and is deleted when dropped.
pub(crate) fn scratch_file(text: &str) -> tempfile::TempPath {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), text).expect("a temporary file");
    file.into_temp_path()
}

/// How a fake target handles a request, given its head and the connection.
pub(crate) type Behaviour = Arc<dyn Fn(String, TcpStream) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// A server on a free loopback port that handles the first request of each connection with a [`Behaviour`].
pub(crate) struct FakeTarget {
    pub(crate) address: SocketAddr,
    /// The heads of the requests so far.
    pub(crate) requests: Arc<Mutex<Vec<String>>>,
    /// When each request head was read.
    times: Arc<Mutex<Vec<Instant>>>,
    behaviour: Arc<Mutex<Option<Behaviour>>>,
    accepting: JoinHandle<()>,
}

impl FakeTarget {
    pub(crate) async fn start(behaviour: Behaviour) -> Self {
        Self::start_at("127.0.0.1:0".parse().expect("an address"), behaviour).await
    }

    /// Starts on an address where another target listened before.
    pub(crate) async fn start_at(address: SocketAddr, behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let times = Arc::<Mutex<Vec<Instant>>>::default();
        let read_at = Arc::clone(&times);
        let behaviour = Arc::new(Mutex::new(Some(behaviour)));
        let (heads, current) = (Arc::clone(&requests), Arc::clone(&behaviour));
        let accepting = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (heads, current, read_at) = (Arc::clone(&heads), Arc::clone(&current), Arc::clone(&read_at));
                tokio::spawn(async move {
                    let head = read_head(&mut stream).await;
                    {
                        let mut heads = heads.lock().expect("a lock");
                        read_at.lock().expect("a lock").push(Instant::now());
                        heads.push(head.clone());
                    }
                    let behaviour = current.lock().expect("a lock").clone();
                    if let Some(behaviour) = behaviour {
                        behaviour(head, stream).await;
                    }
                });
            }
        });
        Self { address, requests, times, behaviour, accepting }
    }

    pub(crate) async fn serving(text: &str) -> Self {
        Self::start(metrics_page(text)).await
    }

    /// Handles requests with `behaviour` from now on; `None` closes each connection without an answer.
    pub(crate) fn set_behaviour(&self, behaviour: Option<Behaviour>) {
        *self.behaviour.lock().expect("a lock") = behaviour;
    }

    /// Stops listening, so that connections are refused, and returns the address.
    pub(crate) async fn stop(mut self) -> SocketAddr {
        self.accepting.abort();
        // Whether the task was aborted or had finished, its listener is dropped and the port is free.
        let _ = (&mut self.accepting).await;
        self.address
    }

    /// The number of requests so far that start with `prefix`.
    pub(crate) fn count(&self, prefix: &str) -> usize {
        self.requests.lock().expect("a lock").iter().filter(|head| head.starts_with(prefix)).count()
    }

    /// Waits until at least `count` requests start with `prefix`.
    pub(crate) async fn wait_for(&self, prefix: &str, count: usize) {
        let began = Instant::now();
        while self.count(prefix) < count {
            assert!(began.elapsed() < PATIENCE, "{} of {count} requests {prefix}", self.count(prefix));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The time between consecutive requests that start with `prefix`. Each time is taken before the answer is sent, so
    /// a client's pause is never longer than this, however busy the machine is.
    pub(crate) fn pauses(&self, prefix: &str) -> Vec<Duration> {
        let (requests, times) = (self.requests.lock().expect("a lock"), self.times.lock().expect("a lock"));
        let matching = requests.iter().zip(times.iter()).filter(|(head, _)| head.starts_with(prefix));
        let matching: Vec<Instant> = matching.map(|(_, time)| *time).collect();
        matching.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn instance(&self) -> String {
        self.address.to_string()
    }
}

impl Drop for FakeTarget {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A server on a free loopback port that answers a TLS handshake in plain text.
pub(crate) struct PlaintextServer {
    pub(crate) address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl PlaintextServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let accepting = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut hello = [0; 2048];
                let _ = stream.read(&mut hello).await;
                let _ = stream.write_all(b"220 no TLS is spoken here\r\n").await;
            }
        });
        Self { address, accepting }
    }
}

impl Drop for PlaintextServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// Answers with these bytes and closes the connection.
pub(crate) fn raw(answer: impl Into<Vec<u8>>) -> Behaviour {
    let answer = Arc::new(answer.into());
    Arc::new(move |_, mut stream| {
        let answer = Arc::clone(&answer);
        Box::pin(async move {
            // The client may have closed the connection already.
            let _ = stream.write_all(&answer).await;
            let _ = stream.shutdown().await;
        })
    })
}

/// Answers 200 with `headers`, each of which ends with CRLF, and a body.
pub(crate) fn answer(headers: &str, body: &[u8]) -> Behaviour {
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n");
    raw([head.as_bytes(), body].concat())
}

/// Answers with a metrics page in the Prometheus text format.
pub(crate) fn metrics_page(text: &str) -> Behaviour {
    answer("Content-Type: text/plain; version=0.0.4\r\n", text.as_bytes())
}

/// Answers with a status line and no body.
pub(crate) fn status(line: &str) -> Behaviour {
    raw(format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
}

/// Reads the request and never answers.
pub(crate) fn hang() -> Behaviour {
    Arc::new(|_, stream| {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_secs(60)).await;
            drop(stream);
        })
    })
}

/// A client that uses no proxy, follows no redirect and decompresses nothing.
pub(crate) fn http() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .no_gzip()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client")
}

/// Sends these bytes and returns what comes back until the connection is closed.
pub(crate) async fn exchange(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    // The server may refuse the request before it has read everything.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}
