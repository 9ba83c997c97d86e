//! Tells whether a request was sent on a new connection, or on one that an earlier request had left open.
//!
//! A server may close an idle connection at the moment at which a request is sent on it. That says nothing about the
//! server, so such a request is sent again; see `docs/decisions/scraping-a-closed-connection-is-tried-again.md`.
use std::cell::Cell;
use std::error::Error;
use std::future::Future;
use std::io::ErrorKind;
use std::task::{Context, Poll};
use tower::{Layer, Service};

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

/// Runs `send`, which sends one request and follows its redirects with a client that has [`NoticeConnections`].
pub(crate) async fn notice<T>(send: impl Future<Output = T>) -> Sent<T> {
    let send = async {
        let result = send.await;
        Sent { result, is_reused: !IS_NEW.with(Cell::get) }
    };
    IS_NEW.scope(Cell::new(false), send).await
}

/// Notes that the current request was answered with a redirect: the next one may be sent on the same connection.
pub(crate) fn note_redirect() {
    // Clients without this layer follow redirects too.
    let _ = IS_NEW.try_with(|is_new| is_new.set(false));
}

/// Notices each connection that a client opens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoticeConnections;

/// A connector that notes its calls.
#[derive(Clone, Debug)]
pub(crate) struct NoticingConnector<S>(S);

impl<S> Layer<S> for NoticeConnections {
    type Service = NoticingConnector<S>;

    fn layer(&self, connector: S) -> Self::Service {
        NoticingConnector(connector)
    }
}

impl<R, S: Service<R>> Service<R> for NoticingConnector<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let _ = IS_NEW.try_with(|is_new| is_new.set(true));
        self.0.call(request)
    }
}

/// Whether the connection was closed before the response, as far as the causes of an HTTP client's error tell.
pub(crate) fn is_closed_before_response(error: &reqwest::Error) -> bool {
    if !error.is_request() || error.is_connect() || error.is_timeout() {
        return false;
    }
    let mut cause = error.source();
    while let Some(current) = cause {
        let is_closed = match (current.downcast_ref::<hyper::Error>(), current.downcast_ref::<std::io::Error>()) {
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
