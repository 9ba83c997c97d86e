//! The HTTP client of scrapes: redirects stay within the origin, and bodies are bounded.
use crate::replica::tracker::Health;
use crate::scrape::body::{Body, LargeBuffers};
use crate::scrape::connections::{NoticeConnections, is_closed_before_response, note_redirect, notice};
use crate::scrape::lookup::Lookups;
use crate::scrape::metrics_page::{MetricsPage, media_type};
use crate::target::Endpoint;
use crate::target::echo::Echo;
use crate::target::error_causes::{DnsError, failure_of_causes};
use crate::target::failure::Failure;
use crate::target::secret::Secret;
use bytes::Bytes;
use exposition::Format;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{ClientBuilder, Response, StatusCode};
use std::error::Error as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The `Accept` header for metrics pages.
const ACCEPT_METRICS: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
    text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.1";
const ACCEPT_JSON: &str = "application/json";
const TIMEOUT_HEADER: HeaderName = HeaderName::from_static("x-prometheus-scrape-timeout-seconds");
const MAX_CONNECT_TIME: Duration = Duration::from_secs(5);
const MAX_REDIRECTS: usize = 3;

const HEALTH_TIMEOUT: Duration = Duration::from_secs(1);

/// Part of llama.cpp's answer while it loads: `{"error":{"message":"Loading model",…}}` (tools/server in its repository).
const LOADING: &[u8] = b"loading";

/// The HTTP client that all targets share.
#[derive(Clone, Debug)]
pub struct Client {
    /// Keeps connections open between requests.
    http: reqwest::Client,
    /// Opens a connection for each request.
    unpooled: reqwest::Client,
    large: Arc<LargeBuffers>,
}

/// A response with status 200.
struct OkResponse {
    body: Bytes,
    content_type: Option<HeaderValue>,
}

impl Client {
    /// A client that accepts bodies of at most `body_bytes` after decompression.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn new(body_bytes: usize) -> Result<Self, reqwest::Error> {
        let resolver = Arc::new(Resolver(Arc::default()));
        let http = builder(&resolver).connector_layer(NoticeConnections).build()?;
        let unpooled = builder(&resolver).pool_max_idle_per_host(0).build()?;
        Ok(Self { http, unpooled, large: Arc::new(LargeBuffers::new(body_bytes)) })
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
        let format = Format::from_content_type(header).map_err(|_| Failure::ContentType)?;
        Ok(MetricsPage { body, format, media_type: media_type(format, header) })
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
        let authorization = endpoint.authorization.clone().filter(|_| is_authorized);
        let endpoint = Endpoint { url, authorization };
        let probe = async {
            match self.send(&endpoint, "*/*", HEALTH_TIMEOUT).await {
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
        let (response, secret) = self.send(endpoint, accept, timeout).await?;
        let echo = secret.as_ref().map(Echo::of);
        let repeats = |text: &[u8]| echo.as_ref().is_some_and(|echo| echo.is_in(text));
        if response.headers().iter().any(|(name, value)| repeats(value.as_bytes()) || repeats(name.as_str().as_bytes()))
        {
            return Err(Failure::SecretEcho);
        }
        let status = response.status();
        if status.is_redirection() {
            return Err(Failure::Redirect(status.as_u16()));
        }
        if status != StatusCode::OK {
            return Err(Failure::Status { code: status.as_u16(), retry_after: retry_after(&response) });
        }
        // The client decompresses gzip and removes the header; any other encoding remains.
        if response.headers().get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
            return Err(Failure::Encoding);
        }
        let content_type = response.headers().get(CONTENT_TYPE).cloned();
        let body = self.read_limited(response, last_bytes).await?;
        if repeats(&body) {
            return Err(Failure::SecretEcho);
        }
        Ok(OkResponse { body, content_type })
    }

    /// The response, whatever its status, and the secret that was sent.
    ///
    /// A request on a kept connection that the server has closed is sent once more, on a new connection: every request is
    /// a GET, which may be repeated.
    async fn send(
        &self,
        endpoint: &Endpoint,
        accept: &'static str,
        timeout: Duration,
    ) -> Result<(Response, Option<Secret>), Failure> {
        let mut request = self
            .http
            .get(endpoint.url.clone())
            .header(ACCEPT, accept)
            .header(TIMEOUT_HEADER, timeout.as_secs_f64().to_string());
        let mut secret = None;
        if let Some(authorization) = &endpoint.authorization {
            let (header, credentials) = authorization.header().await?;
            request = request.header(AUTHORIZATION, header);
            secret = Some(credentials);
        }
        let request = request.build().map_err(|error| failure_of(&error))?;
        let again = request.try_clone();
        let sent = notice(self.http.execute(request)).await;
        let result = match (sent.result, again) {
            (Err(error), Some(again)) if sent.is_reused && is_closed_before_response(&error) => {
                self.unpooled.execute(again).await
            }
            (result, _) => result,
        };
        Ok((result.map_err(|error| failure_of(&error))?, secret))
    }

    /// The decompressed body of `response`; reading stops as soon as it exceeds the limit.
    async fn read_limited(&self, mut response: Response, last_bytes: usize) -> Result<Bytes, Failure> {
        let mut body = Body::new(Arc::clone(&self.large), last_bytes);
        while let Some(piece) = response.chunk().await.map_err(|error| failure_of(&error))? {
            body.push(&piece).await?;
        }
        Ok(body.finish())
    }
}

/// What both HTTP clients have in common.
fn builder(resolver: &Arc<Resolver>) -> ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("inferboard/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::custom(within_origin))
        // A proxy from the environment would receive the target's credentials.
        .no_proxy()
        .referer(false)
        .connect_timeout(MAX_CONNECT_TIME)
        .dns_resolver(Arc::clone(resolver))
}

/// What the response of a health endpoint means.
async fn health_of(mut response: Response) -> Health {
    match response.status().as_u16() {
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

/// Follows redirects to the same scheme, host and port; any other redirect is returned as the response.
fn within_origin(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    note_redirect();
    let same = attempt.previous().first().is_some_and(|first| first.origin() == attempt.url().origin());
    if same && attempt.previous().len() <= MAX_REDIRECTS { attempt.follow() } else { attempt.stop() }
}

/// The `Retry-After` header, which is in seconds or a date.
fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::now()).ok(),
    }
}

/// The failure behind an HTTP client's error.
fn failure_of(error: &reqwest::Error) -> Failure {
    if error.is_timeout() {
        return Failure::Timeout;
    }
    // The client also reports an interrupted body as a decoding error.
    let otherwise = if error.is_decode() { Failure::Encoding } else { Failure::Broken };
    failure_of_causes(error.source(), otherwise)
}

/// The system's resolver, with an error that is distinguishable from a failed connection.
struct Resolver(Arc<Lookups>);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let lookups = Arc::clone(&self.0);
        Box::pin(async move {
            let found = lookups.addresses(name.as_str()).await.ok_or(DnsError)?;
            let addresses: Vec<_> = found.iter().copied().collect();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
