//! Fixed responses: the version, the health checks, and the page's configuration.
use crate::own_names::to_json;
use crate::web::api::compress::uncached;
use crate::web::api::success;
use crate::web::backends::Backend;
use crate::web::backends::paths::base_path;
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use catalogue::{OwnName, ScopeLabels};
use findings::Thresholds;
use serde_json::{Map, Value, json};
use std::sync::Arc;

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
    /// Engines that have a page of their own.
    pub(crate) backends: Vec<Arc<Backend>>,
    /// Metrics of the user's own, and the graphs that they feed.
    pub(crate) own_names: Vec<OwnName>,
    /// The thresholds of findings.
    pub(crate) thresholds: Thresholds,
}

/// The name of this server among those that the page offers.
const OWN_NAME: &str = "here";

/// `config.json` for the page of `backend`, or of this server's own history, which has the default label names. The page
/// queries the folder that it came from.
pub(crate) fn config(page: &PageConfig, backend: Option<&Backend>) -> Bytes {
    let name = backend.map_or(OWN_NAME, |backend| &backend.name);
    let labels = match backend {
        Some(Backend { labels: ScopeLabels { model, environment, deployment, replica }, .. }) => {
            json!({ "model": model, "environment": environment, "deployment": deployment, "replica": replica })
        }
        None => json!({}),
    };
    let mut config = json!({
        "backends": [{ "name": name, "url": "." }],
        "labels": labels,
        "frame_ancestors": page.frame_ancestors,
        "notes": backend.is_none(),
    });
    if !page.backends.is_empty() {
        config["servers"] = servers(page, backend);
    }
    if page.is_demo && backend.is_none() {
        config["demo"] = true.into();
    }
    if page.is_open {
        config["open"] = true.into();
    }
    if !page.own_names.is_empty() {
        config["metrics"] = to_json(&page.own_names);
    }
    let thresholds: Map<String, Value> =
        page.thresholds.configured().map(|(name, value)| (name, value.into())).collect();
    if !thresholds.is_empty() {
        config["findings"] = thresholds.into();
    }
    config.to_string().into()
}

/// The names of all servers that have a page, with where that is as seen from the page of `backend`, which is at `./`.
fn servers(page: &PageConfig, backend: Option<&Backend>) -> Value {
    let root = if backend.is_some() { "../../" } else { "./" };
    let address = |own: &Backend| match backend {
        Some(backend) if backend.name == own.name => "./".to_owned(),
        _ => format!("{root}{}/", base_path(&own.name).trim_start_matches('/')),
    };
    let others = page.backends.iter().map(|own| json!([own.name, address(own)]));
    std::iter::once(json!([OWN_NAME, root])).chain(others).collect()
}

/// The response with a configuration.
pub(crate) fn config_response(config: Bytes) -> Response {
    uncached(StatusCode::OK, "application/json", config)
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
    use crate::target::Endpoint;
    use std::time::Duration;

    fn page(is_demo: bool, is_open: bool, backends: Vec<Arc<Backend>>) -> PageConfig {
        let (frame_ancestors, own_names, thresholds) = (Vec::new(), Vec::new(), Thresholds::default());
        PageConfig { is_demo, is_open, frame_ancestors, backends, own_names, thresholds }
    }

    fn json_of(page: &PageConfig, backend: Option<&Backend>) -> Value {
        serde_json::from_slice(&config(page, backend)).expect("JSON")
    }

    #[test]
    fn the_page_knows_what_is_not_as_usual() {
        let usual = json_of(&page(false, false, Vec::new()), None);
        assert!(["open", "demo", "servers", "findings"].iter().all(|key| usual.get(key).is_none()), "{usual}");
        assert_eq!(json_of(&page(false, true, Vec::new()), None)["open"], true);
        assert_eq!(json_of(&page(true, false, Vec::new()), None)["demo"], true);
        let mut strict = page(false, false, Vec::new());
        strict.thresholds.set("errors.share", 0.01).expect("a threshold");
        assert_eq!(json_of(&strict, None)["findings"], json!({ "errors.share": 0.01 }));
    }

    #[test]
    fn the_page_of_a_backend_has_its_labels_and_leads_to_the_others() {
        let url = "http://prometheus.example:9090".parse().expect("a URL");
        let labels = ScopeLabels { replica: "pod".into(), ..ScopeLabels::default() };
        let (endpoint, timeout) = (Endpoint::open(url), Duration::from_secs(1));
        let fleet = Arc::new(Backend { name: "fleet".into(), endpoint, parameters: Vec::new(), labels, timeout });
        let page = page(true, false, vec![Arc::clone(&fleet)]);
        let own = json_of(&page, None);
        assert_eq!(own["servers"], json!([["here", "./"], ["fleet", "./backend/fleet/"]]));
        let other = json_of(&page, Some(&fleet));
        assert_eq!(other["servers"], json!([["here", "../../"], ["fleet", "./"]]));
        assert_eq!((&other["backends"][0]["name"], &other["labels"]["replica"]), (&json!("fleet"), &json!("pod")));
        assert_eq!((&other["notes"], other.get("demo")), (&json!(false), None));
        assert!(!other.to_string().contains("example"), "the browser does not get the address: {other}");
    }
}
