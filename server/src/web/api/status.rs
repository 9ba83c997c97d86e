//! Fixed responses: the version, the health checks, and the page's configuration.
use crate::own_names::to_json;
use crate::web::api::{json_response, success};
use axum::http::StatusCode;
use axum::response::Response;
use catalogue::OwnName;
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

/// What the page is told about this server.
#[derive(Clone, Debug)]
pub(crate) struct PageConfig {
    /// Whether what the store holds is simulated.
    pub(crate) is_demo: bool,
    /// Whether everyone on a network can read.
    pub(crate) is_open: bool,
    /// Who may embed the page.
    pub(crate) frame_ancestors: Vec<String>,
    /// Metrics of the user's own, and the graphs that they feed.
    pub(crate) own_names: Vec<OwnName>,
}

/// `/config.json`: the page queries this server, which uses the default label names.
pub(crate) fn config(page: &PageConfig) -> Response {
    let mut config = json!({
        "backends": [{ "name": "here", "url": "." }],
        "labels": {},
        "frame_ancestors": page.frame_ancestors,
        "notes": true,
    });
    if page.is_demo {
        config["demo"] = true.into();
    }
    if page.is_open {
        config["open"] = true.into();
    }
    if !page.own_names.is_empty() {
        config["metrics"] = to_json(&page.own_names);
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_page_is_told_what_is_not_as_usual() {
        let text = async |is_demo: bool, is_open: bool| {
            let page = PageConfig { is_demo, is_open, frame_ancestors: Vec::new(), own_names: Vec::new() };
            let body = axum::body::to_bytes(config(&page).into_body(), 10_000).await.expect("a body");
            String::from_utf8_lossy(&body).into_owned()
        };
        let usual = text(false, false).await;
        assert!(!usual.contains("\"open\"") && !usual.contains("\"demo\""), "{usual}");
        assert!(text(false, true).await.contains("\"open\":true"));
        assert!(text(true, false).await.contains("\"demo\":true"));
    }
}
