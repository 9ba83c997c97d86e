//! A target whose metrics page depends on the time, as a server on loopback.
use crate::loopback_server::LoopbackServer;
use crate::{Result, now_ms};
use std::io::Write;

/// The server, which stops on drop.
#[derive(Debug)]
pub struct MetricsServer {
    server: LoopbackServer,
}

impl MetricsServer {
    /// Serves at `/metrics` what `page` returns for the time of the request, in Unix milliseconds. Where that is None,
    /// it closes the connection without a response.
    ///
    /// # Errors
    /// When no port is available.
    pub fn start(page: impl Fn(i64) -> Option<String> + Send + Sync + 'static) -> Result<Self> {
        let server = LoopbackServer::start(0, move |request, connection| {
            let Some(page) = page(now_ms()) else { return Ok(()) };
            let is_metrics = request.split_whitespace().nth(1).is_some_and(|path| path.starts_with("/metrics"));
            let (status, body) = if is_metrics { ("200 OK", page.as_str()) } else { ("404 Not Found", "") };
            write!(
                connection,
                "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\n\
                 Connection: close\r\n\r\n{body}",
                body.len()
            )
        })?;
        Ok(Self { server })
    }

    /// Its address and port.
    pub fn instance(&self) -> String {
        self.server.address.to_string()
    }
}
