//! The file `config.json` beside the page: which server to query, how it names the scope, and the initial view.
use crate::data::http::error::RequestError;
use crate::state::url::parse_range;
use crate::state::view::Range;
use catalogue::{OwnName, OwnType, Scope, ScopeLabels};
use findings::Thresholds;
use serde_json::{Map, Value};
use std::sync::Arc;

/// The keys of the file.
const KEYS: [&str; 11] = [
    "backends",
    "labels",
    "scope",
    "range",
    "demo",
    "open",
    "frame_ancestors",
    "metrics",
    "notes",
    "servers",
    "findings",
];

/// The content of the file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Config {
    /// The address of the server without a slash at its end; `.` is where the page came from.
    pub(crate) base: String,
    /// The servers that have a page: a list of pairs, each with a name and where the page is.
    pub(crate) servers: Value,
    /// The server's labels for the scope.
    pub(crate) labels: ScopeLabels,
    /// The scope of a link that has none.
    pub(crate) scope: Scope,
    /// The range of a link that has none.
    pub(crate) range: Option<Range>,
    /// Whether what the server has is simulated.
    pub(crate) is_demo: bool,
    /// Whether everyone on a network can read.
    pub(crate) is_open: bool,
    /// Whether the server keeps notes and layouts.
    pub(crate) has_notes: bool,
    /// Who may embed the page, as Content-Security-Policy names them; none if that is not known.
    pub(crate) frame_ancestors: Option<Vec<String>>,
    /// Metrics of the user's own, and the graphs that they feed.
    pub(crate) metrics: Vec<OwnName>,
    /// The thresholds of findings.
    pub(crate) thresholds: Arc<Thresholds>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            base: ".".into(),
            servers: Value::Null,
            labels: ScopeLabels::default(),
            scope: Scope::default(),
            range: None,
            is_demo: false,
            is_open: false,
            has_notes: false,
            frame_ancestors: None,
            metrics: Vec::new(),
            thresholds: Arc::default(),
        }
    }
}

impl Config {
    /// Parses the text of the file.
    ///
    /// # Errors
    /// When the file is invalid; the error says what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, RequestError> {
        let invalid = |what: String| RequestError::Config(what);
        let value: Value = serde_json::from_str(text).map_err(|error| invalid(error.to_string()))?;
        let Value::Object(file) = value else { return Err(invalid("it is no object".into())) };
        if let Some(unknown) = file.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(invalid(format!("unknown key {unknown:?}; the keys are {}", KEYS.join(", "))));
        }
        let mut config = Self::default();
        if let Some(backends) = file.get("backends") {
            let url = backends.get(0).and_then(|first| first.get("url")).and_then(Value::as_str);
            let url = url.ok_or_else(|| invalid("backends names no url".into()))?;
            if url.contains(':') && !url.starts_with("http://") && !url.starts_with("https://") {
                return Err(invalid(format!("{url:?} is no address of http or https")));
            }
            let base = url.trim_end_matches('/');
            if let Some(before) = base.strip_suffix("/api/v1") {
                return Err(invalid(format!("the page adds /api/v1 to a url itself: write {before:?} for {url:?}")));
            }
            config.base = base.to_owned();
        }
        config.servers = file.get("servers").cloned().unwrap_or_default();
        let default = ScopeLabels::default();
        let labels = scope(&file, "labels")?;
        config.labels = ScopeLabels {
            model: labels.model.unwrap_or(default.model),
            environment: labels.environment.unwrap_or(default.environment),
            deployment: labels.deployment.unwrap_or(default.deployment),
            replica: labels.replica.unwrap_or(default.replica),
        };
        config.scope = scope(&file, "scope")?;
        if let Some(length) = file.get("range") {
            let range = length.as_str().and_then(|length| parse_range(&format!("now-{length}"), None));
            config.range = Some(range.ok_or_else(|| invalid("range is no length such as \"1h\"".into()))?);
        }
        let is_on = |key: &str| file.get(key) == Some(&Value::Bool(true));
        (config.is_demo, config.is_open, config.has_notes) = (is_on("demo"), is_on("open"), is_on("notes"));
        if let Some(Value::Array(ancestors)) = file.get("frame_ancestors") {
            config.frame_ancestors = Some(ancestors.iter().filter_map(Value::as_str).map(str::to_owned).collect());
        }
        if let Some(Value::Array(metrics)) = file.get("metrics") {
            for (at, metric) in metrics.iter().enumerate() {
                let own = own_name(metric).ok_or_else(|| invalid(format!("metric {} lacks a key", at + 1)))?;
                config.metrics.push(own);
            }
        }
        if let Some(Value::Object(thresholds)) = file.get("findings") {
            let mut own = Thresholds::default();
            for (name, value) in thresholds {
                own.set(name, value.as_f64().unwrap_or(f64::NAN)).map_err(|error| invalid(error.to_string()))?;
            }
            config.thresholds = Arc::new(own);
        }
        Ok(config)
    }
}

/// A metric and the graph that it feeds.
fn own_name(metric: &Value) -> Option<OwnName> {
    let text = |key: &str| metric.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(OwnName {
        name: text("name")?,
        kind: OwnType::from_id(&text("type")?)?,
        graph: text("graph")?,
        scale: metric.get("scale").map_or(Some(1.0), Value::as_f64)?,
        label: text("label").unwrap_or_default(),
        per: text("per").unwrap_or_default(),
        is_gateway: text("at").as_deref() == Some("gateway"),
    })
}

/// A text for each part of the scope, from an object in the file.
fn scope(file: &Map<String, Value>, key: &str) -> Result<Scope, RequestError> {
    let Some(object) = file.get(key) else { return Ok(Scope::default()) };
    match object.as_object() {
        Some(object) if object.values().all(Value::is_string) => {
            let text = |part| object.get(part).and_then(Value::as_str).map(str::to_owned);
            let [model, environment, deployment, replica] = ["model", "environment", "deployment", "replica"].map(text);
            Ok(Scope { model, environment, deployment, replica })
        }
        _ => {
            let what = "something other than texts for model, environment, deployment, replica";
            Err(RequestError::Config(format!("{key} holds {what}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_the_server_and_the_initial_view() {
        let config = Config::parse(
            r#"{"backends":[{"name":"prometheus","url":"https://prometheus.example/x/"}],
                "labels":{"model":"model_name","replica":"instance"},"scope":{"model":"m"},"range":"3h"}"#,
        )
        .expect("a configuration");
        assert_eq!(config.base, "https://prometheus.example/x");
        assert_eq!((config.labels.model.as_str(), config.labels.replica.as_str()), ("model_name", "instance"));
        assert_eq!(config.labels.deployment, ScopeLabels::default().deployment);
        assert_eq!((config.scope.model.as_deref(), config.range), (Some("m"), Some(Range::Last(3 * 3_600_000))));
        assert_eq!(Config::parse("{}"), Ok(Config::default()));
        let own = r#"{"backends":[{"name":"here","url":"."}],"labels":{}}"#;
        assert_eq!(Config::parse(own), Ok(Config::default()));
        let several = r#"{"servers":[["here","./"],["fleet","backend/fleet/"]]}"#;
        assert_eq!(Config::parse(several).expect("a configuration").servers[1][1], "backend/fleet/");
        let framed = Config::parse(r#"{"frame_ancestors":["'self'"]}"#).expect("a configuration");
        assert_eq!(framed.frame_ancestors, Some(vec!["'self'".to_owned()]));
        let own = r#"{"metrics":[{"name":"a_ms","type":"histogram","graph":"queue-time","scale":0.001}]}"#;
        let metrics = Config::parse(own).expect("a configuration").metrics;
        assert_eq!((metrics[0].kind, metrics[0].scale, &*metrics[0].graph), (OwnType::Histogram, 0.001, "queue-time"));
        let limits = Config::parse(r#"{"findings":{"errors.share":0.2}}"#).expect("a configuration").thresholds;
        assert_eq!(limits.configured().collect::<Vec<_>>(), [("errors.share".to_owned(), 0.2)]);
        assert!(Config::parse(r#"{"demo":true}"#).expect("a configuration").is_demo);
        assert!(Config::parse(r#"{"notes":true}"#).expect("a configuration").has_notes);
    }

    #[test]
    fn errors_name_what_is_invalid() {
        for (text, expected) in [
            ("", "EOF"),
            ("[]", "no object"),
            (r#"{"backends":[]}"#, "names no url"),
            (r#"{"backends":[{"url":"javascript:alert(1)"}]}"#, "no address"),
            (r#"{"backends":[{"url":7}]}"#, "names no url"),
            (r#"{"backend":[]}"#, "unknown key \"backend\"; the keys are backends, labels"),
            (r#"{"backends":[{"url":"http://h/api/v1/"}]}"#, "write \"http://h\" for \"http://h/api/v1/\""),
            (r#"{"labels":{"model":7}}"#, "labels holds"),
            (r#"{"scope":"m"}"#, "scope holds"),
            (r#"{"range":"soon"}"#, "range is no length"),
            (r#"{"metrics":[{"name":"a","type":"gauge"}]}"#, "metric 1 lacks a key"),
            (r#"{"findings":{"errors.hours":1}}"#, "there is no threshold \"errors.hours\""),
            (r#"{"findings":{"errors.share":"much"}}"#, "errors.share must be a positive number"),
            ("<!doctype html>", "expected value"),
        ] {
            let error = Config::parse(text).expect_err(text).to_string();
            assert!(error.contains(expected) && error.contains("config.json"), "{text}: {error}");
        }
    }
}
