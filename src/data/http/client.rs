//! The page's only HTTP: `config.json`, `query` and `query_range`.
use crate::data::http::chunked_json as answer;
use crate::data::http::config_file::Config;
use crate::data::http::error::{RequestError, TIMEOUT_MS};
use catalogue::ScopeLabels;
use js_sys::{Promise, Uint8Array};
use leptos::prelude::{document, window};
use prometheus_api::{Data, format_time};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, DomException, Headers, RequestInit, RequestMode, Response};

/// Where to ask, and how it names the scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backend {
    base: String,
    /// Its labels for model, environment, deployment and replica.
    pub labels: ScopeLabels,
    /// Lets a frame without an origin read the answers of the server that it came from.
    key: Option<String>,
}

impl Backend {
    /// Reads `config.json` beside the page; without one, the backend is where the page came from. With it comes what
    /// else the file says.
    ///
    /// # Errors
    /// When the server does not answer, or the file cannot be used.
    pub(crate) async fn find() -> Result<(Self, Config), RequestError> {
        let key = frame_key();
        let file = fetched("config.json", RequestInit::new(), key.as_deref()).await?;
        let text = String::from_utf8_lossy(&file.bytes);
        // RangeValues static hosts answer with the page itself where a file is absent.
        let is_absent = file.status == 404 || text.trim_start().starts_with("<!");
        let config = match (is_absent, file.is_ok) {
            (true, _) => Config::default(),
            (false, true) => Config::parse(&text)?,
            (false, false) => return Err(RequestError::Config(format!("HTTP status {}", file.status))),
        };
        let is_own = !config.base.contains(':');
        let backend = Self { base: config.base.clone(), labels: config.labels.clone(), key: key.filter(|_| is_own) };
        Ok((backend, config))
    }

    /// Evaluates a query at one time, or at the server's own now.
    ///
    /// # Errors
    /// As [`RequestError`] says.
    pub async fn instant(&self, query: String, time_ms: Option<i64>) -> Result<Data, RequestError> {
        let mut form = vec![("query", query)];
        form.extend(time_ms.map(|time_ms| ("time", format_time(time_ms))));
        self.ask("query", &form).await
    }

    /// Evaluates a query at every step of a range.
    ///
    /// # Errors
    /// As [`RequestError`] says.
    pub async fn range(&self, query: String, start_ms: i64, end_ms: i64, step_ms: i64) -> Result<Data, RequestError> {
        let [start, end, step] = [start_ms, end_ms, step_ms].map(format_time);
        self.ask("query_range", &[("query", query), ("start", start), ("end", end), ("step", step)]).await
    }

    async fn ask(&self, verb: &str, parameters: &[(&str, String)]) -> Result<Data, RequestError> {
        let foreign = |error: &dyn std::fmt::Display| RequestError::Foreign(clipped(&error.to_string()));
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let request = RequestInit::new();
        request.set_method("POST");
        request.set_body(&body.into());
        let received = fetched(&format!("{}/api/v1/{verb}", self.base), request, self.key.as_deref()).await?;
        let (is_ok, status) = (received.is_ok, received.status);
        // As bytes: of a long answer, the copy of a text would hold the page up.
        let text = String::from_utf8(received.bytes).map_err(|error| foreign(&error))?;
        let answer = answer::parse(&text).await.map_err(|error| {
            if is_ok { foreign(&error) } else { RequestError::Refused(format!("HTTP status {status}")) }
        })?;
        answer.into_result().map_err(|error| RequestError::Refused(clipped(&error.message)))
    }
}

/// Loads a sandboxed frame anew where the server is there after all: it has started again, and the frame's key is of the
/// process before. Any answer will do as a sign of life, also one that the frame may not read.
pub(crate) async fn reload_sandboxed_frame() {
    if window().origin() == "null" && frame_key().is_some() {
        let sign = RequestInit::new();
        sign.set_mode(RequestMode::NoCors);
        if fetched("config.json", sign, None).await.is_ok() {
            let _ = window().location().reload();
        }
    }
}

/// The key that the companion writes into a page in a frame.
fn frame_key() -> Option<String> {
    let meta = document().query_selector("meta[name=frame-key]").ok()??;
    meta.get_attribute("content").filter(|key| !key.is_empty())
}

/// What came, whole.
struct Received {
    status: u16,
    is_ok: bool,
    bytes: Vec<u8>,
}

/// Sends a request, a body as a form, and waits for all of the answer.
async fn fetched(url: &str, request: RequestInit, key: Option<&str>) -> Result<Received, RequestError> {
    request.set_signal(Some(&AbortSignal::timeout_with_u32(TIMEOUT_MS)));
    let why = |error: JsValue| match error.dyn_into::<DomException>() {
        Ok(error) if error.name() == "TimeoutError" => RequestError::Late,
        _ => RequestError::Unreachable,
    };
    let headers = Headers::new().map_err(why)?;
    headers.set("Content-Type", "application/x-www-form-urlencoded").map_err(why)?;
    if let Some(key) = key {
        headers.set("Frame-Key", key).map_err(why)?;
    }
    request.set_headers(&headers);
    let wait = async |promise: Promise| JsFuture::from(promise).await.map_err(why);
    let response: Response = wait(window().fetch_with_str_and_init(url, &request)).await?.unchecked_into();
    let body = wait(response.array_buffer().map_err(why)?).await?;
    Ok(Received { status: response.status(), is_ok: response.ok(), bytes: Uint8Array::new(&body).to_vec() })
}

/// Long texts from outside are cut before they reach the page.
fn clipped(text: &str) -> String {
    let mut short: String = text.chars().take(300).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
