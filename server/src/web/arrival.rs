//! How a request has reached the server.
use axum::extract::Request;

/// What is known of the way of a request, besides what it says itself. Each request carries it as an extension.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Arrival {
    /// Whether the browser speaks HTTPS.
    pub(crate) is_https: bool,
}

impl Arrival {
    /// That of `request`.
    pub(crate) fn of(request: &Request) -> Self {
        request.extensions().get().copied().unwrap_or_default()
    }
}
