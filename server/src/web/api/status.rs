//! Fixed answers: the version, whether the server is there, and where the page asks.
use crate::web::api::json_response;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

/// What is running; the fields of Prometheus, as data sources look at them.
pub(crate) async fn build_info() -> Response {
    let data = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "revision": "",
        "branch": "",
        "buildUser": "",
        "buildDate": "",
        "goVersion": "",
        "application": "inferboard",
    });
    json_response(StatusCode::OK, json!({ "status": "success", "data": data }).to_string().into_bytes())
}

/// Where the page asks: here, by the names that the companion gives the scope.
pub(crate) async fn config() -> Response {
    let config = json!({ "backends": [{ "name": "here", "url": "." }], "labels": {} });
    json_response(StatusCode::OK, config.to_string().into_bytes())
}

pub(crate) async fn healthy() -> &'static str {
    "Inferboard is healthy.\n"
}

pub(crate) async fn ready() -> &'static str {
    "Inferboard is ready.\n"
}
