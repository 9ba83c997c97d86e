//! Serves HTTP/1.1, over TLS or plain, with limits on connections and on how long an idle or slow client may hold one.
pub mod address;
pub mod certificate;
pub mod connections;
pub mod listener;
pub mod request_ends;
pub mod timeouts;
pub(crate) mod tls;

use crate::web::arrival::{Arrival, ArrivalRules};
use crate::web::listen::connections::{Connections, Slot};
use crate::web::listen::listener::{Accepted, Listener};
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
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
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
    /// What is made of requests as they come in.
    pub(crate) rules: ArrivalRules,
    /// The clients.
    pub(crate) peers: Arc<Peers>,
}

/// Serves `service` on `listener` until `stop`, then finishes the responses under way, for a few seconds at most. Each
/// request carries its [`Peer`] and its [`Arrival`] as extensions.
pub(crate) async fn serve(listener: Listener, service: Served, stop: impl Future<Output = ()>) {
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
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
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
        let peer = service.peers.at(address);
        match connections.admit(number, &peer) {
            Some(slot) => {
                let (service, watcher) = (service.clone(), graceful.watcher());
                tokio::spawn(Connection { slot, address, peer, watcher, service }.begin(stream, stopped.clone()));
            }
            // It could be read only after a handshake.
            None if service.tls.is_some() => {}
            None => stream.try_write(OVERLOADED_RESPONSE),
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
    /// The address from which it comes, and the client there, which is perhaps a proxy.
    address: IpAddr,
    peer: Arc<Peer>,
    watcher: Watcher,
    service: Served,
}

impl Connection {
    /// Serves the connection, encrypted if it is to be.
    async fn begin(self, stream: Accepted, stopped: watch::Receiver<()>) {
        match stream {
            Accepted::Network(stream) => self.begin_on_network(stream, stopped).await,
            Accepted::Socket(stream) => self.serve(stream, false).await,
        }
    }

    /// Encrypts the connection if it is to be, and serves it. While its handshake is not complete, it counts as waiting, and
    /// it ends when the server stops.
    async fn begin_on_network(self, stream: TcpStream, mut stopped: watch::Receiver<()>) {
        // Responses are written in one piece; waiting to fill a packet would only delay them.
        let _ = stream.set_nodelay(true);
        let Some(tls) = &self.service.tls else { return self.serve(stream, false).await };
        let encrypted = tokio::select! {
            encrypted = tls.accept(stream) => encrypted,
            () = self.slot.state.closed() => None,
            _ = stopped.changed() => None,
        };
        if let Some(stream) = encrypted {
            self.serve(stream, true).await;
        }
    }

    async fn serve<S>(self, stream: S, is_tls: bool)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let Self { slot, address, peer, watcher, service } = self;
        let Served { router, rules, peers, .. } = service;
        let state = Arc::clone(&slot.state);
        let stream = TokioIo::new(TimedStream::new(stream, Arc::clone(&state)));
        let router = TowerToHyperService::new(router);
        let service = service_fn(move |mut request: Request<Incoming>| {
            state.begin_work();
            let arrival = rules.receive(address, is_tls, &mut request);
            // Behind a proxy that is believed, each client has its own share.
            let peer = if arrival.client == address { Arc::clone(&peer) } else { peers.at(arrival.client) };
            let arrival = Arrival { client: peer.address, ..arrival };
            request.extensions_mut().insert(peer);
            request.extensions_mut().insert(Arc::new(arrival));
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
