//! A static web host: files by exact path, with the headers that a test wants, and a list of what was asked.
use crate::listening::Listening;
use crate::{FixtureError, Result, now_ms};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

/// A test that forgets what it holds does not hold its threads for ever.
const MAX_HOLD: Duration = Duration::from_secs(60);

/// The host: on loopback until it is dropped.
#[derive(Debug)]
pub struct StaticHost {
    shelf: Arc<Shelf>,
    listening: Listening,
}

#[derive(Debug, Default)]
struct Shelf {
    files: Mutex<BTreeMap<String, Vec<u8>>>,
    headers: Mutex<String>,
    asked: Mutex<Vec<String>>,
    posted: Mutex<Vec<Posted>>,
    manners: Mutex<BTreeMap<String, Manner>>,
}

/// How a file is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    /// At once, all of it.
    #[default]
    Whole,
    /// Not before its path has another manner.
    Held,
    /// Half of what its length says, and then the end.
    Cut,
}

/// A form that was sent, such as a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Where to.
    pub path: String,
    /// Its fields.
    pub fields: BTreeMap<String, String>,
}

impl Posted {
    /// A field that holds a time in seconds, in milliseconds; none where it does not.
    pub fn time_ms(&self, field: &str) -> Option<i64> {
        Some((self.fields.get(field)?.parse::<f64>().ok()? * 1000.0).round() as i64)
    }
}

impl StaticHost {
    /// An empty host at a free port.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn start() -> Result<Self> {
        let shelf = Arc::new(Shelf::default());
        shelf.files().insert("/favicon.ico".into(), Vec::new());
        let listening = Listening::start(0, {
            let shelf = Arc::clone(&shelf);
            move |head, connection| shelf.answer(head, connection)
        })?;
        Ok(Self { shelf, listening })
    }

    /// Its origin by the name `localhost`, which is another site than `127.0.0.1`, where companions are.
    pub fn origin(&self) -> String {
        format!("http://localhost:{}", self.listening.address.port())
    }

    /// Serves `body` at a path, in the place of what was there.
    pub fn put(&self, path: &str, body: impl Into<Vec<u8>>) {
        self.shelf.files().insert(path.to_owned(), body.into());
    }

    /// Serves the built page in a folder, such as `/metrics/`; the paths of its files.
    ///
    /// # Errors
    /// When the page is not built.
    pub fn put_page(&self, folder: &str) -> Result<Vec<String>> {
        let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dist");
        let listing = "cannot read the built page; make page builds it";
        let mut paths = Vec::new();
        for entry in fs::read_dir(built).map_err(FixtureError::io(listing))? {
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

    /// Serves the built page, with an API that knows one series, this metric of one replica, and answers each range
    /// query with `lines`: label `line` and values with their times in Unix milliseconds.
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

    /// Answers a verb of the API, `query` or `query_range`, with a result of a type, such as `matrix`.
    pub fn put_answer(&self, verb: &str, kind: &str, result: &Value) {
        let answer = json!({ "status": "success", "data": { "resultType": kind, "result": result } });
        self.put(&format!("/api/v1/{verb}"), answer.to_string());
    }

    /// Serves nothing at a path any more.
    pub fn remove(&self, path: &str) {
        self.shelf.files().remove(path);
    }

    /// Sends what is at a path in this manner from now on, to those who wait for it already, too.
    pub fn send_as(&self, path: &str, manner: Manner) {
        self.shelf.manners().insert(path.to_owned(), manner);
    }

    /// Adds `header`, such as `Name: value`, to each answer, in the place of any other.
    pub fn send_with(&self, header: &str) {
        *self.shelf.headers.lock().unwrap_or_else(PoisonError::into_inner) = format!("{header}\r\n");
    }

    /// Methods and paths of the requests so far, such as `GET /index.html`.
    pub fn requests(&self) -> Vec<String> {
        self.shelf.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The forms that were sent so far.
    pub fn posted(&self) -> Vec<Posted> {
        self.shelf.posted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Shelf {
    fn files(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn manners(&self) -> MutexGuard<'_, BTreeMap<String, Manner>> {
        self.manners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The manner of a path, once that is not to wait; no request waits longer than [`MAX_HOLD`].
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

    fn answer(&self, head: &str, connection: &mut TcpStream) -> io::Result<()> {
        let mut words = head.split([' ', '?']);
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{method} {path}"));
        if method == "POST" {
            let form = head.split_once("\r\n\r\n").map_or("", |(_, body)| body);
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

/// The fields of a form as browsers send it, which is the form of a query in an address.
fn fields(form: &str) -> BTreeMap<String, String> {
    let address = reqwest::Url::parse(&format!("http://localhost/?{form}"));
    let pairs = |address: reqwest::Url| address.query_pairs().into_owned().collect();
    address.map(pairs).unwrap_or_default()
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
