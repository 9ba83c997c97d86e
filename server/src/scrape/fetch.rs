//! Getting a page over HTTP: one request, redirects within its origin at most, a bounded body.
use crate::replica::tracker::Health;
use crate::scrape::body::{Body, LargeBuffers};
use crate::scrape::metrics_page::Page;
use crate::target::Endpoint;
use crate::target::failure::Failure;
use crate::target::secret::Secret;
use bytes::Bytes;
use exposition::Format;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Response, StatusCode};
use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Formats in the order of preference.
const METRICS: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
    text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.1";
const JSON: &str = "application/json";
const TIMEOUT_HEADER: HeaderName = HeaderName::from_static("x-prometheus-scrape-timeout-seconds");
const LONGEST_CONNECT: Duration = Duration::from_secs(5);
const MOST_REDIRECTS: usize = 3;

/// Where vLLM, SGLang, TGI, TEI, llama.cpp, LMDeploy and TensorRT-LLM's server all answer.
const HEALTH_PATH: &str = "/health";
const HEALTH_PATIENCE: Duration = Duration::from_secs(1);

/// What llama.cpp says while it loads: `{"error":{"message":"Loading model",…}}` (tools/server in its repository).
const LOADING: &[u8] = b"loading";

/// The HTTP client of all scrapes.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    large: Arc<LargeBuffers>,
}

/// An answer that may be a page.
struct Answer {
    body: Bytes,
    content_type: Option<HeaderValue>,
}

impl Client {
    /// A client that reads at most `body_bytes` of a page, counted after decompression.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(body_bytes: usize) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("inferboard/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::custom(within_origin))
            // A proxy from the environment would get the target's credentials.
            .no_proxy()
            .referer(false)
            .connect_timeout(LONGEST_CONNECT)
            .dns_resolver(Arc::new(Resolver))
            .build()?;
        Ok(Self { http, large: Arc::new(LargeBuffers::new(body_bytes)) })
    }

    /// Gets the metrics page of `endpoint`, where the last good one had `last_bytes`.
    pub(crate) async fn page(
        &self,
        endpoint: &Endpoint,
        timeout: Duration,
        last_bytes: usize,
    ) -> Result<Page, Failure> {
        let Answer { body, content_type } = self.get(endpoint, METRICS, timeout, last_bytes).await?;
        let header = content_type.as_ref().and_then(|value| value.to_str().ok());
        let format = Format::from_content_type(header.unwrap_or_default()).map_err(|_| Failure::ContentType)?;
        Ok(Page { body, format, content_type })
    }

    /// Gets the JSON of `endpoint`, whatever it says its type is.
    pub(crate) async fn json(&self, endpoint: &Endpoint, timeout: Duration) -> Result<Bytes, Failure> {
        Ok(self.get(endpoint, JSON, timeout, 0).await?.body)
    }

    /// Asks the server of `endpoint` at `/health`, where inference servers tell whether they are ready.
    pub(crate) async fn health(&self, endpoint: &Endpoint) -> Health {
        let mut url = endpoint.url.clone();
        url.set_path(HEALTH_PATH);
        url.set_query(None);
        let endpoint = Endpoint { url, authorization: endpoint.authorization.clone() };
        let asked = async {
            match self.send(&endpoint, "*/*", HEALTH_PATIENCE).await {
                Ok((response, _)) => health_of(response).await,
                Err(_) => Health::Silent,
            }
        };
        tokio::time::timeout(HEALTH_PATIENCE, asked).await.unwrap_or(Health::Silent)
    }

    async fn get(
        &self,
        endpoint: &Endpoint,
        accept: &'static str,
        timeout: Duration,
        last_bytes: usize,
    ) -> Result<Answer, Failure> {
        let (response, secret) = self.send(endpoint, accept, timeout).await?;
        let status = response.status();
        if status.is_redirection() {
            return Err(Failure::Redirect(status.as_u16()));
        }
        if status != StatusCode::OK {
            return Err(Failure::Status { code: status.as_u16(), retry_after: retry_after(&response) });
        }
        // The client unpacks gzip and takes the header away; what is still there is something else.
        if response.headers().get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
            return Err(Failure::Encoding);
        }
        let content_type = response.headers().get(CONTENT_TYPE).cloned();
        let body = self.read_limited(response, last_bytes).await?;
        if secret.is_some_and(|secret| holds(&body, secret.expose())) {
            return Err(Failure::SecretEcho);
        }
        Ok(Answer { body, content_type })
    }

    /// The answer, whatever its status, and the secret that was sent along.
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
        let response = request.send().await.map_err(|error| failure_of(&error))?;
        Ok((response, secret))
    }

    /// The body of `response`, unpacked; reading stops as soon as it is longer than the limit.
    async fn read_limited(&self, mut response: Response, last_bytes: usize) -> Result<Bytes, Failure> {
        let mut body = Body::new(Arc::clone(&self.large), last_bytes);
        while let Some(piece) = response.chunk().await.map_err(|error| failure_of(&error))? {
            body.push(&piece).await?;
        }
        Ok(body.finish())
    }
}

/// What an answer of a health endpoint says.
async fn health_of(mut response: Response) -> Health {
    match response.status().as_u16() {
        200..=299 => Health::Ready,
        503 => match response.chunk().await {
            Ok(Some(words)) if words.to_ascii_lowercase().windows(LOADING.len()).any(|word| word == LOADING) => {
                Health::Loading
            }
            _ => Health::Unavailable,
        },
        500..=599 => Health::Broken,
        _ => Health::Silent,
    }
}

/// Goes along with a redirect to the same scheme, host and port; of others the redirect itself is the answer.
fn within_origin(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let same = attempt.previous().first().is_some_and(|first| first.origin() == attempt.url().origin());
    if same && attempt.previous().len() <= MOST_REDIRECTS { attempt.follow() } else { attempt.stop() }
}

/// The wait that an answer asks for, in seconds or as a date.
fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::now()).ok(),
    }
}

fn holds(body: &[u8], secret: &str) -> bool {
    !secret.is_empty() && body.windows(secret.len()).any(|window| window == secret.as_bytes())
}

/// The failure behind an error of the client.
fn failure_of(error: &reqwest::Error) -> Failure {
    if error.is_timeout() {
        return Failure::Timeout;
    }
    // The client calls a body that breaks off undecodable too.
    let otherwise = if error.is_decode() { Failure::Encoding } else { Failure::Connect };
    of_causes(error.source(), otherwise)
}

/// The failure that a chain of causes tells, the innermost that tells one; `otherwise` where none does.
pub(crate) fn of_causes(first: Option<&(dyn Error + 'static)>, otherwise: Failure) -> Failure {
    let mut failure = otherwise;
    let mut cause = first;
    while let Some(current) = cause {
        if current.is::<DnsError>() {
            failure = Failure::Dns;
        } else if let Some(known) = current.downcast_ref().and_then(of_io) {
            failure = known;
        } else if current.is::<hyper::Error>() {
            failure = Failure::Connect;
        } else if is_tls(current) {
            failure = Failure::Tls;
        }
        cause = current.source();
    }
    failure
}

fn of_io(error: &io::Error) -> Option<Failure> {
    match error.kind() {
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Some(Failure::Unreachable),
        io::ErrorKind::TimedOut => Some(Failure::Timeout),
        _ => None,
    }
}

/// Whether it is an error of TLS, which comes wrapped in errors of I/O that do not name it as their source.
fn is_tls(error: &(dyn Error + 'static)) -> bool {
    match error.downcast_ref::<io::Error>() {
        Some(outer) => outer.get_ref().is_some_and(|inner| is_tls(inner)),
        None => error.is::<rustls::Error>(),
    }
}

/// The system's resolver, with an error that can be told from a failed connection.
struct Resolver;

#[derive(Debug, thiserror::Error)]
#[error("cannot resolve the name")]
struct DnsError;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(|_| DnsError)?;
            let found: Vec<_> = found.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
