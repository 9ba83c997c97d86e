//! A static web host: serves files by exact path with the headers that a test sets, and records all requests.
use crate::loopback_server::LoopbackServer;
use crate::{FixtureError, Result, now_ms};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

/// The longest time that a response is held, so that its thread ends even if the test never releases it.
const MAX_HOLD: Duration = Duration::from_secs(60);

/// The host: a server on loopback, which stops on drop.
#[derive(Debug)]
pub struct StaticHost {
    state: Arc<State>,
    server: LoopbackServer,
}

#[derive(Debug, Default)]
struct State {
    files: Mutex<BTreeMap<String, Vec<u8>>>,
    headers: Mutex<String>,
    requests: Mutex<Vec<String>>,
    posted: Mutex<Vec<Posted>>,
    manners: Mutex<BTreeMap<String, Manner>>,
}

/// How the file at a path is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    /// Immediately and completely.
    #[default]
    Whole,
    /// Not until the manner of the path is changed.
    Held,
    /// Only the first half of its declared length; then the connection is closed.
    Cut,
}

/// A submitted form, such as a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// The path that it was sent to.
    pub path: String,
    /// Its fields.
    pub fields: BTreeMap<String, String>,
}

impl Posted {
    /// A field that holds a time in seconds, converted to milliseconds; `None` if it is absent or not a number.
    pub fn time_ms(&self, field: &str) -> Option<i64> {
        Some((self.fields.get(field)?.parse::<f64>().ok()? * 1000.0).round() as i64)
    }
}

/// The build information of a Prometheus that neither counts exactly nor has `/api/v1/features`.
const BUILD_INFO: &str = r#"{"status":"success","data":{"version":"2.42.0","revision":"x"}}"#;

impl StaticHost {
    /// Starts a host without files on a free port.
    ///
    /// # Errors
    /// When no port is available.
    pub fn start() -> Result<Self> {
        let state = Arc::new(State::default());
        state.files().insert("/favicon.ico".into(), Vec::new());
        state.files().insert("/api/v1/status/buildinfo".into(), BUILD_INFO.into());
        let server = LoopbackServer::start(0, {
            let state = Arc::clone(&state);
            move |request, connection| state.answer(request, connection)
        })?;
        Ok(Self { state, server })
    }

    /// Its origin, with the name `localhost`, so that it is cross-site to companions on `127.0.0.1`.
    pub fn origin(&self) -> String {
        format!("http://localhost:{}", self.server.address.port())
    }

    /// Serves `body` at a path; replaces an earlier file.
    pub fn put(&self, path: &str, body: impl Into<Vec<u8>>) {
        self.state.files().insert(path.to_owned(), body.into());
    }

    /// Serves the built page in a folder, such as `/metrics/`. Returns the paths of its files.
    ///
    /// # Errors
    /// When the page is not built.
    pub fn put_page(&self, folder: &str) -> Result<Vec<String>> {
        let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dist");
        let listing = "cannot read the built page; make page builds it";
        let mut paths = Vec::new();
        for entry in fs::read_dir(dist).map_err(FixtureError::io(listing))? {
            let entry = entry.map_err(FixtureError::io(listing))?;
            let path = format!("{folder}{}", entry.file_name().to_string_lossy());
            self.put(&path, fs::read(entry.path()).map_err(FixtureError::io(listing))?);
            if path.ends_with("/index.html") {
                self.put(folder, fs::read(entry.path()).map_err(FixtureError::io(listing))?);
            }
            paths.push(path);
        }
        Ok(paths)
    }

    /// Serves the built page with an API that has one series, `metric` of one replica, and answers every range query
    /// with `lines`: values of the label `line`, each with times in Unix milliseconds and values.
    ///
    /// # Errors
    /// When the page is not built.
    pub fn put_board(&self, metric: &str, lines: &[(&str, Vec<(i64, f64)>)]) -> Result<()> {
        self.put_page("/")?;
        self.put("/config.json", "{}");
        let metric = json!({ "__name__": metric, "model": "m", "replica": "r" });
        self.put_answer("query", "vector", &json!([{ "metric": metric, "value": [now_ms() / 1000, "1"] }]));
        let value = |(time_ms, value): &(i64, f64)| json!([*time_ms as f64 / 1000.0, value.to_string()]);
        let line = |(name, values): &(&str, Vec<(i64, f64)>)| json!({ "metric": { "line": name }, "values": values.iter().map(value).collect::<Vec<_>>() });
        self.put_answer("query_range", "matrix", &lines.iter().map(line).collect());
        Ok(())
    }

    /// Answers an endpoint of the API, `query` or `query_range`, with a result of a type such as `matrix`.
    pub fn put_answer(&self, endpoint: &str, kind: &str, result: &Value) {
        let answer = json!({ "status": "success", "data": { "resultType": kind, "result": result } });
        self.put(&format!("/api/v1/{endpoint}"), answer.to_string());
    }

    /// Removes the file at a path.
    pub fn remove(&self, path: &str) {
        self.state.files().remove(path);
    }

    /// Sets how the file at a path is sent, to requests that are being held, too.
    pub fn send_as(&self, path: &str, manner: Manner) {
        self.state.manners().insert(path.to_owned(), manner);
    }

    /// Adds `header`, such as `Name: value`, to all responses; replaces an earlier header.
    pub fn send_with(&self, header: &str) {
        *self.state.headers.lock().unwrap_or_else(PoisonError::into_inner) = format!("{header}\r\n");
    }

    /// Answers a request that another server received.
    pub(crate) fn answer(&self, request: &str, connection: &mut TcpStream) -> io::Result<()> {
        self.state.answer(request, connection)
    }

    /// The methods and paths of all requests so far, such as `GET /index.html`.
    pub fn requests(&self) -> Vec<String> {
        self.state.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All forms that were submitted so far.
    pub fn posted(&self) -> Vec<Posted> {
        self.state.posted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl State {
    fn files(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn manners(&self) -> MutexGuard<'_, BTreeMap<String, Manner>> {
        self.manners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the manner of a path is not [`Manner::Held`], at most for [`MAX_HOLD`], and returns it.
    fn manner(&self, path: &str) -> Manner {
        let began = Instant::now();
        loop {
            let manner = self.manners().get(path).copied().unwrap_or_default();
            if manner != Manner::Held || began.elapsed() > MAX_HOLD {
                return manner;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn answer(&self, request: &str, connection: &mut TcpStream) -> io::Result<()> {
        let mut words = request.split([' ', '?']);
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{method} {path}"));
        if method == "POST" {
            let form = request.split_once("\r\n\r\n").map_or("", |(_, body)| body);
            let posted = Posted { path: path.to_owned(), fields: fields(form) };
            self.posted.lock().unwrap_or_else(PoisonError::into_inner).push(posted);
        }
        let manner = self.manner(path);
        let file = self.files().get(path).cloned();
        let (status, body) = file.map_or(("404 Not Found", Vec::new()), |file| ("200 OK", file));
        let headers = self.headers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        write!(
            connection,
            "HTTP/1.1 {status}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{headers}Connection: close\r\n\r\n",
            content_type(path),
            body.len()
        )?;
        let sent = if manner == Manner::Cut { body.len() / 2 } else { body.len() };
        connection.write_all(body.get(..sent).unwrap_or_default())?;
        connection.flush()
    }
}

/// The fields of a URL-encoded form.
pub(crate) fn fields(form: &str) -> BTreeMap<String, String> {
    let url = reqwest::Url::parse(&format!("http://localhost/?{form}"));
    let pairs = |url: reqwest::Url| url.query_pairs().into_owned().collect();
    url.map(pairs).unwrap_or_default()
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "js" => "text/javascript",
        "css" => "text/css",
        "wasm" => "application/wasm",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "/metrics" => "text/plain; version=0.0.4",
        _ => "text/html; charset=utf-8",
    }
}
