//! The page's only HTTP: `config.json`, `features`, `query`, `query_range`, and what the companion keeps for people.
use crate::data::http::chunked_json;
use crate::data::http::config_file::Config;
use crate::data::http::error::{RequestError, TIMEOUT_MS};
use catalogue::{COUNTING_QUERY, Counting, ScopeLabels, add_own_names};
use findings::Thresholds;
use gloo_net::Error;
use gloo_net::http::{Method, Request, RequestBuilder};
use leptos::prelude::{document, window};
use prometheus_api::{Data, format_time};
use serde_json::Value;
use std::sync::Arc;
use web_sys::{AbortSignal, RequestMode};

/// Characters of an error text from outside that reach the page.
const MAX_TEXT_CHARS: usize = 300;

/// The header in which M3 says that an answer lacks series or samples.
const RESULTS_LIMITED: &str = "M3-Results-Limited";

/// The result of a query, and what the server says of it: warnings, hints, limits.
pub(crate) struct Answer {
    pub(crate) data: Data,
    pub(crate) notes: Vec<String>,
}

/// Where a server's build information has its version.
const VERSION: &str = "\"version\":\"";

/// What the build information of a companion contains.
const COMPANION: &str = "\"inferboard\"";

/// Whether a server with this build information may have `/api/v1/features`: the companion does, and Prometheus from 3.9
/// on, or in a build of one's own, which has no version.
fn may_have_features(info: &str) -> bool {
    let Some((_, rest)) = info.split_once(VERSION) else { return false };
    let mut numbers = rest.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse().unwrap_or(0));
    let version: (u32, u32) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let is_unversioned = rest.starts_with('"') && info.contains("\"goVersion\"");
    info.contains(COMPANION) || is_unversioned || version >= (3, 9)
}

/// The server to query, and how it names the scope.
#[derive(Clone, Debug, PartialEq)]
pub struct Backend {
    pub(crate) base: String,
    /// Its labels for model, environment, deployment and replica.
    pub labels: ScopeLabels,
    /// How it counts.
    pub(crate) counting: Counting,
    /// Whether it keeps notes and layouts.
    pub(crate) has_notes: bool,
    /// The thresholds of findings.
    pub(crate) thresholds: Arc<Thresholds>,
    /// Lets a sandboxed iframe read the answers of the server that it came from.
    frame_key: Option<String>,
}

impl Backend {
    /// Reads `config.json` beside the page; without the file, the backend is where the page came from.
    ///
    /// # Errors
    /// When the server does not answer, or the file is invalid.
    pub(crate) async fn find() -> Result<(Self, Config), RequestError> {
        let frame_key = frame_key();
        let file = fetch(Request::get("config.json"), None, frame_key.as_deref()).await?;
        let text = String::from_utf8_lossy(&file.body);
        // Many static hosts answer with the page itself if a file is absent.
        let is_absent = file.status == 404 || text.trim_start().starts_with("<!");
        let config = match (is_absent, file.is_ok) {
            (true, _) => Config::default(),
            (false, true) => Config::parse(&text)?,
            (false, false) => return Err(RequestError::Config(format!("HTTP status {}", file.status))),
        };
        // Only the first one that is read counts: the catalogue of a page does not change.
        add_own_names(&config.metrics).map_err(|error| RequestError::Config(error.to_string()))?;
        let is_own = !config.base.contains(':');
        let (base, labels, frame_key) = (config.base.clone(), config.labels.clone(), frame_key.filter(|_| is_own));
        let (has_notes, thresholds) = (config.has_notes, Arc::clone(&config.thresholds));
        Ok((Self { base, labels, counting: Counting::default(), has_notes, thresholds, frame_key }, config))
    }

    /// Asks the server how it counts. It is asked only for what it should have, because a refusal is an error in the
    /// browser's console.
    pub(crate) async fn find_counting(&self) -> Counting {
        if let Ok(Data::Vector(vector)) = self.instant(COUNTING_QUERY.to_owned(), None).await
            && vector.is_empty()
        {
            return Counting::Difference;
        }
        let info = self.text("status/buildinfo").await;
        if !may_have_features(&info) {
            return Counting::Extrapolated;
        }
        let features = self.text("features").await;
        let has = |name: &str| features.contains(&format!("\"{name}\":true"));
        match has("anchored") && has("smoothed") {
            true if info.contains(COMPANION) => Counting::AnchoredFromZero,
            true => Counting::Anchored,
            false => Counting::Extrapolated,
        }
    }

    /// What the server says at a path of its API; empty if it does not answer.
    async fn text(&self, path: &str) -> String {
        let request = Request::get(&format!("{}/api/v1/{path}", self.base));
        let answer = fetch(request, None, self.frame_key.as_deref()).await;
        answer.ok().and_then(|answer| String::from_utf8(answer.body).ok()).unwrap_or_default()
    }

    /// Reads or writes what the companion keeps for people. Returns the status and the JSON of the answer.
    ///
    /// # Errors
    /// Why there is no answer.
    pub(crate) async fn kept(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
        headers: &[(&str, String)],
    ) -> Result<(u16, Value), String> {
        let request = RequestBuilder::new(&format!("{}/api/v1/inferboard/{path}", self.base)).method(method);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        let body = body.map(|body| ("application/json", body));
        let answer = fetch(request, body, self.frame_key.as_deref()).await.map_err(|error| error.to_string())?;
        // Reading bytes as JSON would be a second parser on the page.
        let text = String::from_utf8(answer.body).unwrap_or_default();
        let json = serde_json::from_str(&text).map_err(|_| format!("HTTP status {}", answer.status))?;
        Ok((answer.status, json))
    }

    /// Evaluates a query at one time, or at the server's own now.
    ///
    /// # Errors
    /// As [`RequestError`] says.
    pub async fn instant(&self, query: String, time_ms: Option<i64>) -> Result<Data, RequestError> {
        self.instant_with_notes(query, time_ms).await.map(|answer| answer.data)
    }

    /// As [`Backend::instant`], with what the server says of the answer.
    pub(crate) async fn instant_with_notes(&self, query: String, time_ms: Option<i64>) -> Result<Answer, RequestError> {
        let mut form = vec![("query", query)];
        form.extend(time_ms.map(|time_ms| ("time", format_time(time_ms))));
        self.query("query", &form).await
    }

    /// Evaluates a query at every step of a range.
    ///
    /// # Errors
    /// As [`RequestError`] says.
    pub async fn range(&self, query: String, start_ms: i64, end_ms: i64, step_ms: i64) -> Result<Data, RequestError> {
        self.range_with_notes(query, start_ms, end_ms, step_ms, None).await.map(|answer| answer.data)
    }

    /// As [`Backend::range`], with what the server says of the answer. With a lookback `end_ms` may be later than the newest
    /// samples: values as old as `lookback_ms` count.
    pub(crate) async fn range_with_notes(
        &self,
        query: String,
        start_ms: i64,
        end_ms: i64,
        step_ms: i64,
        lookback_ms: Option<i64>,
    ) -> Result<Answer, RequestError> {
        let [start, end, step] = [start_ms, end_ms, step_ms].map(format_time);
        let mut form = vec![("query", query), ("start", start), ("end", end), ("step", step)];
        form.extend(lookback_ms.map(|lookback_ms| ("lookback_delta", format_time(lookback_ms))));
        self.query("query_range", &form).await
    }

    async fn query(&self, endpoint: &str, form: &[(&str, String)]) -> Result<Answer, RequestError> {
        let foreign = |error: &dyn std::fmt::Display| RequestError::Foreign(clipped(&error.to_string()));
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = Request::post(&format!("{}/api/v1/{endpoint}", self.base));
        let form = ("application/x-www-form-urlencoded", form);
        let answer = fetch(request, Some(form), self.frame_key.as_deref()).await?;
        let (is_ok, status) = (answer.is_ok, answer.status);
        // The body comes as bytes: of a long answer, copying a JavaScript string would block the page.
        let text = String::from_utf8(answer.body).map_err(|error| foreign(&error))?;
        let refused = |text: String| RequestError::Refused(text);
        let response = chunked_json::parse(&text)
            .await
            .map_err(|error| if is_ok { foreign(&error) } else { refused(format!("HTTP status {status}")) })?;
        let (data, mut notes) = response.into_noted_result().map_err(|error| refused(clipped(&error.message)))?;
        notes.extend(answer.limited.map(|limit| format!("the results are limited: {limit}")));
        Ok(Answer { data, notes: notes.iter().map(|note| clipped(note)).collect() })
    }
}

/// Reloads a sandboxed iframe if the server is there after all: it has restarted, and the frame key is of the process
/// before. Any answer is a sign of life, even one that the iframe may not read.
pub(crate) async fn reload_sandboxed_frame() {
    if window().origin() == "null" && frame_key().is_some() {
        let request = Request::get("config.json").mode(RequestMode::NoCors);
        if fetch(request, None, None).await.is_ok() {
            let _ = window().location().reload();
        }
    }
}

/// The key that the companion writes into a page for an iframe.
fn frame_key() -> Option<String> {
    let meta = document().query_selector("meta[name=frame-key]").ok()??;
    meta.get_attribute("content").filter(|key| !key.is_empty())
}

/// A complete answer.
struct HttpAnswer {
    status: u16,
    is_ok: bool,
    /// What the header [`RESULTS_LIMITED`] says.
    limited: Option<String>,
    body: Vec<u8>,
}

/// Sends a request, with a body of a media type if there is one, and waits for the whole answer.
async fn fetch(
    request: RequestBuilder,
    body: Option<(&str, String)>,
    frame_key: Option<&str>,
) -> Result<HttpAnswer, RequestError> {
    let mut request = request.abort_signal(Some(&AbortSignal::timeout_with_u32(TIMEOUT_MS)));
    if let Some(key) = frame_key {
        request = request.header("Frame-Key", key);
    }
    let request = match body {
        Some((media_type, body)) => request.header("Content-Type", media_type).body(body),
        None => request.build(),
    };
    let response = request.map_err(failure)?.send().await.map_err(failure)?;
    let body = response.binary().await.map_err(failure)?;
    let limited = response.headers().get(RESULTS_LIMITED);
    Ok(HttpAnswer { status: response.status(), is_ok: response.ok(), limited, body })
}

fn failure(error: Error) -> RequestError {
    match error {
        Error::JsError(error) if error.name == "TimeoutError" => RequestError::Late,
        _ => RequestError::Unreachable,
    }
}

/// Cuts long texts from outside.
fn clipped(text: &str) -> String {
    let mut short: String = text.chars().take(MAX_TEXT_CHARS).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_asked_for_features_that_their_version_may_have() {
        for (info, expected) in [
            (r#"{"data":{"version":"3.16.0","revision":"x"}}"#, true),
            (r#"{"data":{"version":"3.9.1","revision":"x"}}"#, true),
            (r#"{"data":{"version":"3.8.0","revision":"x"}}"#, false),
            (r#"{"data":{"version":"2.42.0","revision":"x"}}"#, false),
            (r#"{"data":{"version":"2.24.0"}}"#, false),
            (r#"{"data":{"version":"0.2.0","application":"inferboard"}}"#, true),
            (r#"{"data":{"version":"","goVersion":"go1.26.8"}}"#, true),
            ("", false),
        ] {
            assert_eq!(may_have_features(info), expected, "{info}");
        }
    }
}
