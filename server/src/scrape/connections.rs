//! Opens connections to targets, and tells whether a request was sent on a new one or on one that an earlier request had
//! left open.
//!
//! A server may close an idle connection at the moment at which a request is sent on it. That says nothing about the
//! server, so such a request is sent again; see `docs/decisions/scraping-a-closed-connection-is-tried-again.md`.
use crate::scrape::dialer::{Dialed, Dialer};
use crate::scrape::lookup::Lookups;
use crate::target::access::Route;
use futures::future::BoxFuture;
use http::Uri;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use std::cell::Cell;
use std::error::Error;
use std::future::Future;
use std::io;
use std::io::ErrorKind;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tower::Service;

/// How long a connection may take, with its handshake.
const MAX_CONNECT_TIME: Duration = Duration::from_secs(5);

/// How long a connection stays open without a request.
const MAX_IDLE_TIME: Duration = Duration::from_secs(90);

/// What is read from a connection at once, and the longest head of a response. A connection keeps a buffer of this size
/// while it is idle, and there is one for each target: with buffers that grow with the pages, a thousand targets took a
/// hundred megabytes.
const READ_BYTES: usize = 16 << 10;

/// Connections to targets, which are kept open or not.
pub(crate) type Connections = Client<Connector, Full<Bytes>>;

tokio::task_local! {
    /// Whether the current task has opened a connection for the request that it is sending.
    static IS_NEW: Cell<bool>;
}

/// The result of a request.
pub(crate) struct Sent<T> {
    pub(crate) result: T,
    /// Whether it was sent on a connection that an earlier request had left open.
    pub(crate) is_reused: bool,
}

/// Runs `send`, which sends one request over [`Connections`].
pub(crate) async fn notice<T>(send: impl Future<Output = T>) -> Sent<T> {
    let send = async {
        let result = send.await;
        Sent { result, is_reused: !IS_NEW.with(Cell::get) }
    };
    IS_NEW.scope(Cell::new(false), send).await
}

/// Opens connections, encrypted ones for `https`.
#[derive(Clone, Debug)]
pub(crate) struct Connector(HttpsConnector<Dialer>);

impl Connector {
    /// A connector for `route`, with this TLS configuration.
    pub(crate) fn new(route: &Route, tls: ClientConfig, lookups: Arc<Lookups>) -> Self {
        let dialer = Dialer::new(lookups, route.proxy.clone(), MAX_CONNECT_TIME);
        let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
        let https = match route.tls.as_ref().and_then(|tls| tls.server_name.clone()) {
            Some(name) => https.with_server_name_resolver(FixedServerNameResolver::new(name)),
            None => https,
        };
        Self(https.enable_http1().wrap_connector(dialer))
    }

    /// Connections that stay open for the next request, at most `max_idle` of each host.
    pub(crate) fn connections(self, max_idle: usize) -> Connections {
        Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(MAX_IDLE_TIME)
            .pool_max_idle_per_host(max_idle)
            .http1_read_buf_exact_size(READ_BYTES)
            .build(self)
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<Dialed>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let _ = IS_NEW.try_with(|is_new| is_new.set(true));
        let opened = self.0.call(uri);
        Box::pin(async move {
            let opened = tokio::time::timeout(MAX_CONNECT_TIME, opened).await;
            opened.unwrap_or_else(|_| Err(io::Error::from(ErrorKind::TimedOut).into()))
        })
    }
}

/// Whether the connection was closed before the response, as far as the causes of a client's error tell.
pub(crate) fn is_closed_before_response(error: &ClientError) -> bool {
    if error.is_connect() {
        return false;
    }
    let mut cause = error.source();
    while let Some(current) = cause {
        let is_closed = match (current.downcast_ref::<hyper::Error>(), current.downcast_ref::<io::Error>()) {
            (Some(http), _) => http.is_incomplete_message() || http.is_canceled() || http.is_closed(),
            (_, Some(io)) => matches!(
                io.kind(),
                ErrorKind::ConnectionReset
                    | ErrorKind::ConnectionAborted
                    | ErrorKind::BrokenPipe
                    | ErrorKind::NotConnected
                    | ErrorKind::UnexpectedEof
            ),
            (None, None) => false,
        };
        if is_closed {
            return true;
        }
        cause = current.source();
    }
    false
}
