//! Fixed responses: the version, the health checks, and the page's configuration.
use crate::web::api::{json_response, success};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

/// `/api/v1/status/buildinfo`, with Prometheus's fields, which data sources read.
pub(crate) async fn build_info() -> Response {
    success(&json!({
        "version": env!("CARGO_PKG_VERSION"),
        "revision": "",
        "branch": "",
        "buildUser": "",
        "buildDate": "",
        "goVersion": "",
        "application": "inferboard",
    }))
}

/// `/config.json`: the page queries this server, which uses the default label names.
pub(crate) async fn config() -> Response {
    let config = json!({ "backends": [{ "name": "here", "url": "." }], "labels": {} });
    json_response(StatusCode::OK, config.to_string().into_bytes())
}

/// `/-/healthy`
pub(crate) async fn healthy() -> &'static str {
    "Inferboard is healthy.\n"
}

/// `/-/ready`
pub(crate) async fn ready() -> &'static str {
    "Inferboard is ready.\n"
}
