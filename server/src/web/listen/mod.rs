//! Serving HTTP/1.1: an accept loop with a cap on connections, and connections that cannot be held open for nothing.
pub mod timeouts;

use crate::web::listen::timeouts::{Answering, TimedStream};
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

/// Connections at a time; more are turned away at once.
const CONNECTIONS: usize = 1024;

/// The longest request head; a query of the longest length fits, percent-encoded.
const HEAD_BYTES: usize = 64 << 10;

/// How long answers that are under way may take at the end.
const GRACE: Duration = Duration::from_secs(4);

/// How long to wait when no connection can be accepted, as when files run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(250);

const TURNED_AWAY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// Serves `router` on `listener` until `stop`; then answers what was asked already, for a few seconds at most.
pub(crate) async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else {
            // The peer may be gone or slow; either way it gets no more than this.
            let _ = stream.try_write(TURNED_AWAY);
            continue;
        };
        let connection = answer(stream, router.clone(), graceful.watcher());
        tokio::spawn(async move {
            connection.await;
            drop(slot);
        });
    }
    drop(listener);
    if tokio::time::timeout(GRACE, graceful.shutdown()).await.is_err() {
        warn!("some answers were not finished in time");
    }
}

async fn answer(stream: TcpStream, router: Router, watcher: Watcher) {
    // Answers are written in one piece; waiting to fill a packet would only delay them.
    let _ = stream.set_nodelay(true);
    let answering = Answering::default();
    let stream = TokioIo::new(TimedStream::new(stream, answering.clone()));
    let routed = TowerToHyperService::new(router);
    let service = service_fn(move |request: Request<Incoming>| {
        answering.begin();
        routed.call(request)
    });
    let connection =
        http1::Builder::new().header_read_timeout(None).max_header_size(HEAD_BYTES).serve_connection(stream, service);
    if let Err(error) = watcher.watch(connection).await {
        debug!(%error, "a connection ended early");
    }
}
