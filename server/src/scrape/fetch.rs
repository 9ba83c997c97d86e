//! Fetches metrics pages, JSON and health from targets: bodies are bounded, and secrets must not come back.
use crate::replica::tracker::Health;
use crate::scrape::body::{Body, LargeBuffers};
use crate::scrape::http_client::Response;
use crate::scrape::metrics_page::{MetricsPage, media_type};
use crate::scrape::routes::Routes;
use crate::target::Endpoint;
use crate::target::echo::Echo;
use crate::target::failure::Failure;
use crate::target::secret::Secret;
use bytes::Bytes;
use exposition::Format;
use http::StatusCode;
use http::header::{
    ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHORIZATION, RETRY_AFTER,
};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The `Accept` header for metrics pages.
const ACCEPT_METRICS: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
    text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.1";
const ACCEPT_JSON: &str = "application/json";

/// The media type of a form.
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
const TIMEOUT_HEADER: HeaderName = HeaderName::from_static("x-prometheus-scrape-timeout-seconds");

const HEALTH_TIMEOUT: Duration = Duration::from_secs(1);

/// Part of llama.cpp's answer while it loads: `{"error":{"message":"Loading model",…}}` (tools/server in its repository).
const LOADING: &[u8] = b"loading";

/// The client that all targets share.
#[derive(Clone, Debug)]
pub struct Client {
    pub(super) routes: Routes,
    large: Arc<LargeBuffers>,
}

/// A response with status 200.
struct OkResponse {
    body: Bytes,
    content_type: Option<HeaderValue>,
}

impl Client {
    /// A client that keeps buffers of `buffer_bytes` for large bodies.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn new(buffer_bytes: usize) -> Result<Self, rustls::Error> {
        Ok(Self { routes: Routes::new()?, large: Arc::new(LargeBuffers::new(buffer_bytes)) })
    }

    /// Gets the metrics page of `endpoint`, whose last valid page had `last_bytes`.
    pub(crate) async fn metrics_page(
        &self,
        endpoint: &Endpoint,
        timeout: Duration,
        last_bytes: usize,
    ) -> Result<MetricsPage, Failure> {
        let OkResponse { body, content_type } = self.get(endpoint, ACCEPT_METRICS, timeout, last_bytes).await?;
        let header = content_type.as_ref().and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (format, header) = match (Format::from_content_type(header), endpoint.access.fallback) {
            (Ok(format), _) => (format, header),
            (Err(_), Some(format)) => (format, ""),
            (Err(_), None) => return Err(Failure::ContentType),
        };
        let limits = endpoint.access.limits;
        Ok(MetricsPage { body, format, media_type: media_type(format, header), limits })
    }

    /// Gets the JSON of `endpoint`, whatever its content type.
    pub(crate) async fn json(&self, endpoint: &Endpoint, timeout: Duration) -> Result<Bytes, Failure> {
        Ok(self.get(endpoint, ACCEPT_JSON, timeout, 0).await?.body)
    }

    /// Requests the health endpoint `path` from the server of `endpoint`, with the credentials for the metrics page only
    /// if `is_authorized`.
    pub(crate) async fn health(&self, endpoint: &Endpoint, path: &str, is_authorized: bool) -> Health {
        let mut url = endpoint.url.clone();
        url.set_path(path);
        url.set_query(None);
        let access = match is_authorized {
            true => Arc::clone(&endpoint.access),
            false => Arc::new(endpoint.access.without_secrets()),
        };
        let endpoint = Endpoint { url, access };
        let probe = async {
            match self.send(&endpoint, "*/*", Some(HEALTH_TIMEOUT), None).await {
                Ok((response, _)) => health_of(response).await,
                Err(_) => Health::Silent,
            }
        };
        tokio::time::timeout(HEALTH_TIMEOUT, probe).await.unwrap_or(Health::Silent)
    }

    async fn get(
        &self,
        endpoint: &Endpoint,
        accept: &'static str,
        timeout: Duration,
        last_bytes: usize,
    ) -> Result<OkResponse, Failure> {
        let (response, secrets) = self.send(endpoint, accept, Some(timeout), None).await?;
        let echoes: Vec<Echo> = secrets.iter().map(Echo::of).collect();
        let repeats = |text: &[u8]| echoes.iter().any(|echo| echo.is_in(text));
        if response.headers.iter().any(|(name, value)| repeats(value.as_bytes()) || repeats(name.as_str().as_bytes())) {
            return Err(Failure::SecretEcho);
        }
        let status = response.status;
        if status.is_redirection() {
            return Err(Failure::Redirect(status.as_u16()));
        }
        if status != StatusCode::OK {
            return Err(Failure::Status { code: status.as_u16(), retry_after: retry_after(&response) });
        }
        // The client decompresses gzip and removes the header; any other encoding remains.
        if response.headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
            return Err(Failure::Encoding);
        }
        let content_type = response.headers.get(CONTENT_TYPE).cloned();
        let body = self.read_limited(response, endpoint.access.limits.body_bytes, last_bytes).await?;
        if repeats(&body) {
            return Err(Failure::SecretEcho);
        }
        Ok(OkResponse { body, content_type })
    }

    /// Asks `endpoint` for JSON, with a form if there is one. Returns the response, whatever its status, and what the secrets
    /// that were sent look like.
    pub(crate) async fn query(
        &self,
        endpoint: &Endpoint,
        form: Option<Bytes>,
    ) -> Result<(Response, Vec<Echo>), Failure> {
        let (response, secrets) = self.send(endpoint, ACCEPT_JSON, None, form).await?;
        Ok((response, secrets.iter().map(Echo::of).collect()))
    }

    /// The response, whatever its status, and the secrets that were sent. A scrape says its `timeout`.
    async fn send(
        &self,
        endpoint: &Endpoint,
        accept: &'static str,
        timeout: Option<Duration>,
        form: Option<Bytes>,
    ) -> Result<(Response, Vec<Secret>), Failure> {
        let Endpoint { url, access } = endpoint;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        if let Some(Ok(seconds)) = timeout.map(|timeout| HeaderValue::from_str(&timeout.as_secs_f64().to_string())) {
            headers.insert(TIMEOUT_HEADER, seconds);
        }
        let mut secrets = access.add_headers(&mut headers).await?;
        secrets.extend(add_proxy_headers(endpoint, &mut headers).await?);
        let http = self.routes.client(&access.route).await?;
        let response = match form {
            Some(form) => {
                headers.insert(CONTENT_TYPE, FORM);
                http.post(url, &headers, form).await?
            }
            None => http.get(url.clone(), &headers).await?,
        };
        match response.status {
            StatusCode::PROXY_AUTHENTICATION_REQUIRED if access.route.proxy.is_some() => Err(Failure::Proxy(Some(407))),
            _ => Ok((response, secrets)),
        }
    }

    /// The decompressed body of `response`; reading stops as soon as it exceeds the limit.
    async fn read_limited(
        &self,
        mut response: Response,
        max_bytes: usize,
        last_bytes: usize,
    ) -> Result<Bytes, Failure> {
        let mut body = Body::new(Arc::clone(&self.large), max_bytes, last_bytes);
        while let Some(piece) = response.chunk().await? {
            body.push(&piece).await?;
        }
        Ok(body.finish())
    }
}

/// Adds the credentials for the proxy, if it forwards the request itself, and returns the secret in them. A tunnel gets
/// them when it is opened, and the target behind it never.
pub(super) async fn add_proxy_headers(endpoint: &Endpoint, headers: &mut HeaderMap) -> Result<Option<Secret>, Failure> {
    let Some(proxy) = endpoint.access.route.proxy.as_ref().filter(|_| endpoint.url.scheme() == "http") else {
        return Ok(None);
    };
    let uri = endpoint.url.as_str().parse().map_err(|_| Failure::Broken)?;
    let Some(authorization) = proxy.server_for(&uri).and_then(|server| server.authorization.as_ref()) else {
        return Ok(None);
    };
    let (value, secret) = authorization.header().await?;
    headers.insert(PROXY_AUTHORIZATION, value);
    Ok(Some(secret))
}

/// What the response of a health endpoint means.
async fn health_of(mut response: Response) -> Health {
    match response.status.as_u16() {
        200..=299 => Health::Ready,
        503 => match response.chunk().await {
            Ok(Some(words)) if words.to_ascii_lowercase().windows(LOADING.len()).any(|word| word == LOADING) => {
                Health::Loading
            }
            _ => Health::Unavailable,
        },
        401 | 403 => Health::Refused,
        500..=599 => Health::Broken,
        _ => Health::Absent,
    }
}

/// The `Retry-After` header, which is in seconds or a date.
pub(super) fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::now()).ok(),
    }
}
