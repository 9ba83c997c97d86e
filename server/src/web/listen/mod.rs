//! Serves HTTP/1.1, over TLS or plain, with limits on connections and on how long an idle or slow client may hold one.
pub mod certificate;
pub mod connections;
pub mod request_ends;
pub mod timeouts;
pub(crate) mod tls;

use crate::web::arrival::Arrival;
use crate::web::listen::connections::{Connections, Slot};
use crate::web::listen::timeouts::TimedStream;
use crate::web::listen::tls::Tls;
use crate::web::peers::{Peer, Peers};
use axum::Router;
use axum::extract::Request;
use axum::http::header::{CONNECTION, HeaderValue, TRANSFER_ENCODING};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{debug, warn};

/// The largest request head. The longest query fits, even percent-encoded.
const MAX_HEAD_BYTES: usize = 64 << 10;

/// The largest buffer of a connection, beyond a request's head: of a long answer, this much waits for the client.
const MAX_BUFFER_BYTES: usize = 128 << 10;

/// How long unfinished responses may take when the server stops.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(3);

/// The pause after a failure to accept a connection, for example because the process is out of file descriptors, and how
/// often that is logged.
const ACCEPT_PAUSE: Duration = Duration::from_millis(250);
const ACCEPT_LOG_PERIOD: Duration = Duration::from_secs(60);

/// The pause after closing a connection so that another one can be accepted.
const CLOSE_PAUSE: Duration = Duration::from_millis(5);

const OVERLOADED_RESPONSE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// What is served, and how.
#[derive(Clone)]
pub(crate) struct Served {
    /// The routes.
    pub(crate) router: Router,
    /// Encrypts connections; none for plain HTTP.
    pub(crate) tls: Option<Tls>,
}

/// Serves `service` to `peers` on `listener` until `stop`, then finishes the responses under way, for a few seconds at
/// most. Each request carries its [`Peer`] and its [`Arrival`] as extensions.
pub(crate) async fn serve(listener: TcpListener, service: Served, peers: Arc<Peers>, stop: impl Future<Output = ()>) {
    let graceful = GracefulShutdown::new();
    // Its receivers learn that the server stops when it is dropped.
    let (running, stopped) = watch::channel(());
    let connections = Arc::new(Connections::new());
    let mut logged_at = None;
    tokio::pin!(stop);
    for number in 0_u64.. {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let (stream, peer) = match accepted {
            Ok((stream, address)) => (stream, peers.at(address.ip())),
            Err(error) => {
                if logged_at.is_none_or(|at: Instant| at.elapsed() >= ACCEPT_LOG_PERIOD) {
                    logged_at = Some(Instant::now());
                    warn!(%error, "cannot accept a connection");
                }
                let has_closed = connections.close_one();
                tokio::time::sleep(if has_closed { CLOSE_PAUSE } else { ACCEPT_PAUSE }).await;
                continue;
            }
        };
        match connections.admit(number, &peer) {
            Some(slot) => {
                let connection = Connection { slot, peer, watcher: graceful.watcher() };
                tokio::spawn(connection.begin(stream, service.clone(), stopped.clone()));
            }
            // It could be read only after a handshake.
            None if service.tls.is_some() => {}
            // Best effort: a client that is gone or slow misses the response.
            None => drop(stream.try_write(OVERLOADED_RESPONSE)),
        }
    }
    drop((listener, running));
    if tokio::time::timeout(SHUTDOWN_TIMEOUT, graceful.shutdown()).await.is_err() {
        warn!("some responses were cut off because they took too long to finish");
    }
}

/// A connection that was accepted.
struct Connection {
    slot: Slot,
    peer: Arc<Peer>,
    watcher: Watcher,
}

impl Connection {
    /// Encrypts the connection if it is to be, and serves it. While its handshake is not complete, it counts as waiting, and
    /// it ends when the server stops.
    async fn begin(self, stream: TcpStream, service: Served, mut stopped: watch::Receiver<()>) {
        // Responses are written in one piece; waiting to fill a packet would only delay them.
        let _ = stream.set_nodelay(true);
        let Some(tls) = &service.tls else {
            return self.serve(stream, service.router, Arrival { is_https: false }).await;
        };
        let encrypted = tokio::select! {
            encrypted = tls.accept(stream) => encrypted,
            () = self.slot.state.closed() => None,
            _ = stopped.changed() => None,
        };
        if let Some(stream) = encrypted {
            self.serve(stream, service.router, Arrival { is_https: true }).await;
        }
    }

    async fn serve<S>(self, stream: S, router: Router, arrival: Arrival)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let Self { slot, peer, watcher } = self;
        let state = Arc::clone(&slot.state);
        let stream = TokioIo::new(TimedStream::new(stream, Arc::clone(&state)));
        let router = TowerToHyperService::new(router);
        let service = service_fn(move |mut request: Request<Incoming>| {
            state.begin_work();
            request.extensions_mut().insert(Arc::clone(&peer));
            request.extensions_mut().insert(arrival);
            let is_chunked = request.headers().contains_key(TRANSFER_ENCODING);
            let response = router.call(request);
            async move {
                let mut response = response.await?;
                if is_chunked {
                    // What follows the body has not been checked.
                    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, std::convert::Infallible>(response)
            }
        });
        let connection = http1::Builder::new()
            .header_read_timeout(None)
            .max_header_size(MAX_HEAD_BYTES)
            .max_buf_size(MAX_BUFFER_BYTES)
            .serve_connection(stream, service);
        tokio::select! {
            served = watcher.watch(connection) => {
                if let Err(error) = served {
                    debug!(%error, "a connection ended early");
                }
            }
            () = slot.state.closed() => debug!("a connection was closed to make room for another"),
        }
    }
}
