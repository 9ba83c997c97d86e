//! Asks a server which model it serves, for engines whose metrics do not name it.
use crate::scrape::fetch::Client;
use crate::target::Endpoint;
use crate::target::failure::Failure;
use catalogue::{Engine, ModelApi};
use reqwest::Url;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// The longest time that a scrape waits for the answer.
const MAX_TIME: Duration = Duration::from_secs(1);

/// With less time than this the server is not asked, but at the next scrape.
const MIN_TIME: Duration = Duration::from_millis(50);

/// The longest answer that is read.
const MAX_ANSWER_BYTES: usize = 256 << 10;

/// The longest name of a model.
const MAX_NAME_BYTES: usize = 200;

/// How a request for the model ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ModelAnswer {
    /// The server answered: with the model, or without a single one. It need not be asked again.
    Answered(Option<String>),
    /// The server did not answer, or not now.
    Failed,
}

/// The model of the server with the metrics page at `endpoint`, within `time_left`. Requests have the credentials of the
/// endpoint.
pub(crate) async fn served_model(
    client: &Client,
    endpoint: &Endpoint,
    engine: &Engine,
    time_left: Duration,
) -> ModelAnswer {
    // llama.cpp's router serves the metrics page of one of its models by this parameter.
    if let Some((_, model)) = endpoint.url.query_pairs().find(|(name, _)| name == "model") {
        return ModelAnswer::Answered(valid_name(&model));
    }
    let time_left = time_left.min(MAX_TIME);
    if time_left < MIN_TIME {
        return ModelAnswer::Failed;
    }
    let ask = async {
        for api in engine.model_apis {
            let Some(url) = api_url(&endpoint.url, *api) else { continue };
            let endpoint = Endpoint { url, access: Arc::clone(&endpoint.access) };
            match client.json(&endpoint, time_left).await {
                Ok(body) => {
                    if let Some(model) = model_in(*api, &body) {
                        return ModelAnswer::Answered(Some(model));
                    }
                }
                Err(Failure::Status { code: 400..=499, .. } | Failure::Redirect(_)) => {}
                Err(_) => return ModelAnswer::Failed,
            }
        }
        ModelAnswer::Answered(None)
    };
    tokio::time::timeout(time_left, ask).await.unwrap_or(ModelAnswer::Failed)
}

/// The URL of an API of the server with this metrics page. A server behind a path of a proxy has its API there too.
fn api_url(metrics: &Url, api: ModelApi) -> Option<Url> {
    let base = metrics.path().strip_suffix("/metrics")?;
    let base = base.strip_suffix("/prometheus").or(base.strip_suffix("/v1")).unwrap_or(base);
    let mut url = metrics.clone();
    url.set_path(&format!("{base}{}", api.path()));
    url.set_query(None);
    Some(url)
}

/// The model that an answer names; none if it names several.
fn model_in(api: ModelApi, body: &[u8]) -> Option<String> {
    if body.len() > MAX_ANSWER_BYTES {
        return None;
    }
    let answer: Value = serde_json::from_slice(body).ok()?;
    let name = match api {
        ModelApi::Models => {
            let is_base = |model: &&Value| model.get("parent").is_none_or(Value::is_null);
            let mut models = answer.get("data")?.as_array()?.iter().filter(is_base);
            let only = models.next().filter(|_| models.next().is_none())?;
            only.get("id")?.as_str()?.to_owned()
        }
        ModelApi::Info => answer.get("model_id")?.as_str()?.to_owned(),
        ModelApi::Props => {
            let text = |key: &str| answer.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
            text("model_alias").or(text("model_path"))?.to_owned()
        }
    };
    valid_name(&name)
}

/// A name for the label `model`: of a path on the server's disk only its last part.
fn valid_name(name: &str) -> Option<String> {
    let name = if name.starts_with('/') { name.rsplit('/').next().unwrap_or_default() } else { name };
    let name = name.trim();
    let is_valid = !name.is_empty() && name.len() <= MAX_NAME_BYTES && !name.chars().any(char::is_control);
    is_valid.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_names_one_model_or_none() {
        let models = |body: &str| model_in(ModelApi::Models, body.as_bytes());
        assert_eq!(models(r#"{"data":[{"id":"acme/tiny-a"}]}"#).as_deref(), Some("acme/tiny-a"));
        assert_eq!(models(r#"{"data":[{"id":"/models/tiny.gguf"}]}"#).as_deref(), Some("tiny.gguf"));
        let adapters = r#"{"data":[{"id":"base","parent":null},{"id":"lora","parent":"base"}]}"#;
        assert_eq!(models(adapters).as_deref(), Some("base"));
        for body in [r#"{"data":[{"id":"a"},{"id":"b"}]}"#, r#"{"data":[]}"#, "[]", "no", r#"{"data":[{"id":""}]}"#] {
            assert_eq!(models(body), None, "{body}");
        }
        assert_eq!(model_in(ModelApi::Info, br#"{"model_id":"acme/embed"}"#).as_deref(), Some("acme/embed"));
        let props = br#"{"model_alias":"","model_path":"/m/tiny.gguf"}"#;
        assert_eq!(model_in(ModelApi::Props, props).as_deref(), Some("tiny.gguf"));
    }

    #[test]
    fn the_api_is_beside_the_metrics_page() {
        for (metrics, expected) in [
            ("http://h:1/metrics?token=x", Some("http://h:1/v1/models")),
            ("http://h:1/engine-a/metrics", Some("http://h:1/engine-a/v1/models")),
            ("http://h:1/prometheus/metrics", Some("http://h:1/v1/models")),
            ("http://h:1/v1/metrics", Some("http://h:1/v1/models")),
            ("http://h:1/other", None),
        ] {
            let url = api_url(&metrics.parse().expect("a URL"), ModelApi::Models);
            assert_eq!(url.as_ref().map(Url::as_str), expected, "{metrics}");
        }
    }
}
