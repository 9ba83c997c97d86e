//! Serves HTTP/1.1, with limits on connections and on how long an idle or slow client may hold one.
pub mod timeouts;

use crate::web::listen::timeouts::{RequestInFlight, TimedStream};
use crate::web::peers::{Peer, Peers};
use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tracing::{debug, warn};

/// The maximum number of open connections. Further ones are rejected at once.
const MAX_CONNECTIONS: usize = 1024;

/// The largest request head. The longest query fits, even percent-encoded.
const MAX_HEAD_BYTES: usize = 64 << 10;

/// The largest buffer of a connection, beyond a request's head: of a long answer, this much waits for the client.
const MAX_BUFFER_BYTES: usize = 128 << 10;

/// How long unfinished responses may take when the server stops.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(3);

/// The pause after a failure to accept a connection, for example because the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(250);

const OVERLOADED_RESPONSE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// Serves `router` to `peers` on `listener` until `stop`, then finishes the responses under way, for a few seconds at most.
/// Each request carries its [`Peer`] as an extension.
pub(crate) async fn serve(listener: TcpListener, router: Router, peers: Arc<Peers>, stop: impl Future<Output = ()>) {
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let (stream, peer) = match accepted {
            Ok((stream, address)) => (stream, peers.at(address.ip())),
            Err(error) => {
                warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else {
            // Best effort: a client that is gone or slow misses the response.
            let _ = stream.try_write(OVERLOADED_RESPONSE);
            continue;
        };
        let connection = serve_connection(stream, peer, router.clone(), graceful.watcher());
        tokio::spawn(async move {
            connection.await;
            drop(slot);
        });
    }
    drop(listener);
    if tokio::time::timeout(SHUTDOWN_TIMEOUT, graceful.shutdown()).await.is_err() {
        warn!("some responses were cut off because they took too long to finish");
    }
}

async fn serve_connection(stream: TcpStream, peer: Arc<Peer>, router: Router, watcher: Watcher) {
    // Responses are written in one piece; waiting to fill a packet would only delay them.
    let _ = stream.set_nodelay(true);
    let in_flight = RequestInFlight::default();
    let stream = TokioIo::new(TimedStream::new(stream, in_flight.clone()));
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        in_flight.begin();
        request.extensions_mut().insert(Arc::clone(&peer));
        router.call(request)
    });
    let connection = http1::Builder::new()
        .header_read_timeout(None)
        .max_header_size(MAX_HEAD_BYTES)
        .max_buf_size(MAX_BUFFER_BYTES)
        .serve_connection(stream, service);
    if let Err(error) = watcher.watch(connection).await {
        debug!(%error, "a connection ended early");
    }
}
