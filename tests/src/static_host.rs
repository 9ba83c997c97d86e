//! A static web host: files by exact path, with the headers that a test wants, and a list of what was asked.
use crate::{FixtureError, Result, listening::Listening};
use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    net::TcpStream,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

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

    /// Serves nothing at a path any more.
    pub fn remove(&self, path: &str) {
        self.shelf.files().remove(path);
    }

    /// Adds `header`, such as `Name: value`, to each answer, in the place of any other.
    pub fn send_with(&self, header: &str) {
        *self.shelf.headers.lock().unwrap_or_else(PoisonError::into_inner) = format!("{header}\r\n");
    }

    /// Methods and paths of the requests so far, such as `GET /index.html`.
    pub fn asked(&self) -> Vec<String> {
        self.shelf.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Shelf {
    fn files(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, head: &str, connection: &mut TcpStream) -> io::Result<()> {
        let mut words = head.split([' ', '?']);
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{method} {path}"));
        let file = self.files().get(path).cloned();
        let (status, body) = file.map_or(("404 Not Found", Vec::new()), |file| ("200 OK", file));
        let headers = self.headers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        write!(
            connection,
            "HTTP/1.1 {status}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{headers}Connection: close\r\n\r\n",
            content_type(path),
            body.len()
        )?;
        connection.write_all(&body)?;
        connection.flush()
    }
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
