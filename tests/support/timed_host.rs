//! A host of the page whose API is that of a backend at a fixed time: history that ends then looks as it did then.
use crate::Result;
use crate::loopback_server::LoopbackServer;
use crate::static_host::{StaticHost, fields};
use prometheus_api::format_time;
use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The host. It forwards `/api/` to the backend, adds the time to queries that have none, and serves the built page.
#[derive(Debug)]
pub struct TimedHost {
    time_ms: Arc<AtomicI64>,
    server: LoopbackServer,
}

impl TimedHost {
    /// Starts a host on a free port for a backend on loopback, such as `http://127.0.0.1:9090`.
    ///
    /// # Errors
    /// When the page is not built, or no port is available.
    pub fn start(backend: &str, time_ms: i64) -> Result<Self> {
        let files = StaticHost::start()?;
        files.put_page("/")?;
        files.put("/config.json", "{}");
        let backend = backend.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let time = Arc::new(AtomicI64::new(time_ms));
        let server = LoopbackServer::start(0, {
            let time = Arc::clone(&time);
            move |request, connection| match forwarded(request, &backend, time.load(Ordering::Acquire)) {
                Some(request) => forward(&backend, &request, connection),
                None => files.answer(request, connection),
            }
        })?;
        Ok(Self { time_ms: time, server })
    }

    /// Its origin.
    pub fn origin(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// Sets the time of queries without one, in Unix milliseconds.
    pub fn set_time_ms(&self, time_ms: i64) {
        self.time_ms.store(time_ms, Ordering::Release);
    }
}

/// The request for the backend; None if it is for a file.
fn forwarded(request: &str, backend: &str, time_ms: i64) -> Option<String> {
    let (head, body) = request.split_once("\r\n\r\n")?;
    let mut words = head.split_whitespace();
    let (method, target) = (words.next()?, words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    path.starts_with("/api/").then_some(())?;
    let mut parts = [query.to_owned(), body.to_owned()];
    if path.ends_with("/query") && !parts.iter().any(|part| fields(part).contains_key("time")) {
        let part = &mut parts[usize::from(method == "POST")];
        let and = if part.is_empty() { "" } else { "&" };
        part.push_str(&format!("{and}time={}", format_time(time_ms)));
    }
    let [query, body] = parts;
    let mark = if query.is_empty() { "" } else { "?" };
    Some(format!(
        "{method} {path}{mark}{query} HTTP/1.1\r\nHost: {backend}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ))
}

fn forward(backend: &str, request: &str, connection: &mut TcpStream) -> io::Result<()> {
    let mut answering = TcpStream::connect(backend)?;
    answering.write_all(request.as_bytes())?;
    io::copy(&mut answering, connection)?;
    connection.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_queries_without_a_time_get_one() {
        let post =
            |path: &str, body: &str| forwarded(&format!("POST {path} HTTP/1.1\r\nHost: a\r\n\r\n{body}"), "b:1", 1500);
        let body = |request: Option<String>| request.and_then(|text| Some(text.split_once("\r\n\r\n")?.1.to_owned()));
        assert_eq!(body(post("/api/v1/query", "query=up")).as_deref(), Some("query=up&time=1.500"));
        assert_eq!(body(post("/api/v1/query", "query=up&time=7")).as_deref(), Some("query=up&time=7"));
        assert_eq!(body(post("/api/v1/query_range", "query=up")).as_deref(), Some("query=up"));
        assert_eq!(post("/index.html", ""), None);
        let got = forwarded("GET /api/v1/query?query=up HTTP/1.1\r\n\r\n", "b:1", 1500).expect("a request");
        assert!(got.starts_with("GET /api/v1/query?query=up&time=1.500 HTTP/1.1\r\nHost: b:1\r\n"), "{got}");
    }
}
