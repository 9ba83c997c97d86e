//! The page's only HTTP: `config.json`, `features`, `query` and `query_range`.
use crate::data::http::chunked_json;
use crate::data::http::config_file::Config;
use crate::data::http::error::{RequestError, TIMEOUT_MS};
use catalogue::{Counting, ScopeLabels};
use gloo_net::Error;
use gloo_net::http::{Request, RequestBuilder};
use leptos::prelude::{document, window};
use prometheus_api::{ApiResponse, Data, format_time};
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

/// A query that Prometheus refuses, because only MetricsQL has the function.
const METRICSQL: &str = "now()";

/// What a server says it can do, as far as the page asks.
#[derive(serde::Deserialize)]
struct Features {
    promql: PromqlFeatures,
}

#[derive(serde::Deserialize)]
#[serde(default)]
#[derive(Default)]
struct PromqlFeatures {
    anchored: bool,
    smoothed: bool,
}

/// The server to query, and how it names the scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backend {
    base: String,
    /// Its labels for model, environment, deployment and replica.
    pub labels: ScopeLabels,
    /// How it counts.
    pub(crate) counting: Counting,
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
        let is_own = !config.base.contains(':');
        let (base, labels, frame_key) = (config.base.clone(), config.labels.clone(), frame_key.filter(|_| is_own));
        let mut backend = Self { base, labels, counting: Counting::default(), frame_key };
        backend.counting = backend.find_counting().await?;
        Ok((backend, config))
    }

    /// Asks the server how it counts. One that does not say so is asked for a function that only MetricsQL has.
    async fn find_counting(&self) -> Result<Counting, RequestError> {
        let request = Request::get(&format!("{}/api/v1/features", self.base));
        // A server of another origin may refuse what it does not know without letting the page read that.
        let answer = fetch(request, None, self.frame_key.as_deref()).await.ok();
        let features = answer.and_then(|answer| serde_json::from_slice::<ApiResponse<Features>>(&answer.body).ok());
        let promql = features.and_then(|features| features.into_result().ok()).map(|features| features.promql);
        if promql.is_some_and(|promql| promql.anchored && promql.smoothed) {
            return Ok(Counting::Anchored);
        }
        match self.instant(METRICSQL.to_owned(), None).await {
            Err(error) if error.is_connection() => Err(error),
            Err(_) => Ok(Counting::Extrapolated),
            Ok(_) => Ok(Counting::Difference),
        }
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
        self.range_with_notes(query, start_ms, end_ms, step_ms).await.map(|answer| answer.data)
    }

    /// As [`Backend::range`], with what the server says of the answer.
    pub(crate) async fn range_with_notes(
        &self,
        query: String,
        start_ms: i64,
        end_ms: i64,
        step_ms: i64,
    ) -> Result<Answer, RequestError> {
        let [start, end, step] = [start_ms, end_ms, step_ms].map(format_time);
        self.query("query_range", &[("query", query), ("start", start), ("end", end), ("step", step)]).await
    }

    async fn query(&self, endpoint: &str, form: &[(&str, String)]) -> Result<Answer, RequestError> {
        let foreign = |error: &dyn std::fmt::Display| RequestError::Foreign(clipped(&error.to_string()));
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = Request::post(&format!("{}/api/v1/{endpoint}", self.base));
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

/// Sends a request, with a form if there is one, and waits for the whole answer.
async fn fetch(
    request: RequestBuilder,
    form: Option<String>,
    frame_key: Option<&str>,
) -> Result<HttpAnswer, RequestError> {
    let mut request = request.abort_signal(Some(&AbortSignal::timeout_with_u32(TIMEOUT_MS)));
    if let Some(key) = frame_key {
        request = request.header("Frame-Key", key);
    }
    let request = match form {
        Some(form) => request.header("Content-Type", "application/x-www-form-urlencoded").body(form),
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
