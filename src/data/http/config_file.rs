//! The file `config.json` beside the page: which server to ask, how that names the scope, and where a visit begins.
use crate::data::http::client::Failure;
use crate::state::url::range;
use crate::state::view::Range;
use catalogue::{Scope, ScopeLabels};
use serde_json::{Map, Value};

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    /// The address of the server without a slash at its end; `.` is where the page came from.
    pub(crate) base: String,
    /// Its labels for the scope.
    pub(crate) labels: ScopeLabels,
    /// What is selected where a link selects nothing.
    pub(crate) scope: Scope,
    /// The range where a link has none.
    pub(crate) range: Option<Range>,
}

impl Default for Config {
    fn default() -> Self {
        Self { base: ".".into(), labels: ScopeLabels::default(), scope: Scope::default(), range: None }
    }
}

impl Config {
    /// Reads the text of the file.
    ///
    /// # Errors
    /// When it is not what it should be, with what is wrong.
    pub(crate) fn read(text: &str) -> Result<Self, Failure> {
        let bad = |what: String| Failure::Config(what);
        let value: Value = serde_json::from_str(text).map_err(|error| bad(error.to_string()))?;
        let Value::Object(file) = value else { return Err(bad("it is no object".into())) };
        let mut config = Self::default();
        if let Some(backends) = file.get("backends") {
            let url = backends.get(0).and_then(|first| first.get("url")).and_then(Value::as_str);
            let url = url.ok_or_else(|| bad("backends names no url".into()))?;
            if url.contains(':') && !url.starts_with("http://") && !url.starts_with("https://") {
                return Err(bad(format!("{url:?} is no address of http or https")));
            }
            config.base = url.trim_end_matches('/').to_owned();
        }
        let own = ScopeLabels::default();
        let [model, environment, deployment, replica] = names(&file, "labels")?;
        config.labels = ScopeLabels {
            model: model.unwrap_or(own.model),
            environment: environment.unwrap_or(own.environment),
            deployment: deployment.unwrap_or(own.deployment),
            replica: replica.unwrap_or(own.replica),
        };
        let [model, environment, deployment, replica] = names(&file, "scope")?;
        config.scope = Scope { model, environment, deployment, replica };
        if let Some(length) = file.get("range") {
            let read = length.as_str().and_then(|length| range(&format!("now-{length}"), None));
            config.range = Some(read.ok_or_else(|| bad("range is no length such as \"1h\"".into()))?);
        }
        Ok(config)
    }
}

/// The texts of an object in the file for model, environment, deployment and replica.
fn names(file: &Map<String, Value>, key: &str) -> Result<[Option<String>; 4], Failure> {
    let Some(object) = file.get(key) else { return Ok([const { None }; 4]) };
    match object.as_object() {
        Some(object) if object.values().all(Value::is_string) => {
            let text = |word| object.get(word).and_then(Value::as_str).map(str::to_owned);
            Ok(["model", "environment", "deployment", "replica"].map(text))
        }
        _ => {
            let what = "something other than texts for model, environment, deployment, replica";
            Err(Failure::Config(format!("{key} holds {what}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_where_to_ask_and_where_to_begin() {
        let config = Config::read(
            r#"{"backends":[{"name":"prometheus","url":"https://prometheus.example/x/"}],
                "labels":{"model":"model_name","replica":"instance"},"scope":{"model":"m"},"range":"3h"}"#,
        )
        .expect("a configuration");
        assert_eq!(config.base, "https://prometheus.example/x");
        assert_eq!((config.labels.model.as_str(), config.labels.replica.as_str()), ("model_name", "instance"));
        assert_eq!(config.labels.deployment, ScopeLabels::default().deployment);
        assert_eq!((config.scope.model.as_deref(), config.range), (Some("m"), Some(Range::Last(3 * 3_600_000))));
        assert_eq!(Config::read("{}"), Ok(Config::default()));
        let own = r#"{"backends":[{"name":"here","url":"."}],"labels":{}}"#;
        assert_eq!(Config::read(own), Ok(Config::default()));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (text, told) in [
            ("", "EOF"),
            ("[]", "no object"),
            (r#"{"backends":[]}"#, "names no url"),
            (r#"{"backends":[{"url":"javascript:alert(1)"}]}"#, "no address"),
            (r#"{"backends":[{"url":7}]}"#, "names no url"),
            (r#"{"labels":{"model":7}}"#, "labels holds"),
            (r#"{"scope":"m"}"#, "scope holds"),
            (r#"{"range":"soon"}"#, "range is no length"),
            ("<!doctype html>", "expected value"),
        ] {
            let error = Config::read(text).expect_err(text).to_string();
            assert!(error.contains(told) && error.contains("config.json"), "{text}: {error}");
        }
    }
}
