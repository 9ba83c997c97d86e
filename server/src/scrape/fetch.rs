//! Getting a page over HTTP: one request, no redirects, a bounded body.
use super::failure::Failure;
use super::page::Page;
use crate::secret::Secret;
use bytes::{Bytes, BytesMut};
use exposition::Format;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Response, StatusCode, Url, redirect};
use std::error::Error;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Formats in the order of preference.
const ACCEPTED: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
    text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.1";
const TIMEOUT_HEADER: HeaderName = HeaderName::from_static("x-prometheus-scrape-timeout-seconds");
const LONGEST_CONNECT: Duration = Duration::from_secs(5);

/// A page longer than this waits for one of a few places, so that many hostile targets at once cannot fill the memory.
const LARGE_BYTES: usize = 512 << 10;
const LARGE_AT_ONCE: usize = 2;

/// What is sent as `Authorization` to one target.
#[derive(Debug)]
pub struct Authorization {
    scheme: String,
    /// Where the credentials are read again for every scrape, so that a new token needs no restart.
    file: Option<PathBuf>,
    credentials: Mutex<Secret>,
}

impl Authorization {
    /// Credentials that stay as they are.
    pub fn fixed(scheme: String, credentials: Secret) -> Self {
        Self { scheme, file: None, credentials: Mutex::new(credentials) }
    }

    /// Credentials in a file.
    ///
    /// # Errors
    /// When it cannot be read now. Later the last ones read are used.
    pub fn from_file(scheme: String, path: PathBuf) -> std::io::Result<Self> {
        let credentials = Secret::new(std::fs::read_to_string(&path)?.trim());
        Ok(Self { scheme, file: Some(path), credentials: Mutex::new(credentials) })
    }

    async fn current(&self) -> Secret {
        let read = match &self.file {
            Some(path) => tokio::fs::read_to_string(path).await.ok(),
            None => None,
        };
        if let Some(text) = read {
            *self.credentials.lock().unwrap_or_else(PoisonError::into_inner) = Secret::new(text.trim());
        }
        self.last_read()
    }

    fn last_read(&self) -> Secret {
        self.credentials.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Equal where the same would be sent, as far as it is configured: a file may hold other credentials by now.
impl PartialEq for Authorization {
    fn eq(&self, other: &Self) -> bool {
        let fixed = |own: &Self| own.file.is_none().then(|| own.last_read());
        self.scheme == other.scheme && self.file == other.file && fixed(self) == fixed(other)
    }
}

/// The HTTP client of all scrapes.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    body_bytes: usize,
    large: Arc<Semaphore>,
}

impl Client {
    /// A client that reads at most `body_bytes` of a page, counted after decompression.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(body_bytes: usize) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("inferboard/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            // A proxy from the environment would get the target's credentials.
            .no_proxy()
            .referer(false)
            .connect_timeout(LONGEST_CONNECT)
            .dns_resolver(Arc::new(Resolver))
            .build()?;
        Ok(Self { http, body_bytes, large: Arc::new(Semaphore::new(LARGE_AT_ONCE)) })
    }

    /// Gets the page at `url`.
    pub(crate) async fn fetch(
        &self,
        url: &Url,
        authorization: Option<&Authorization>,
        timeout: Duration,
    ) -> Result<Page, Failure> {
        let mut request = self
            .http
            .get(url.clone())
            .header(ACCEPT, ACCEPTED)
            .header(TIMEOUT_HEADER, timeout.as_secs_f64().to_string());
        let mut secret = None;
        if let Some(authorization) = authorization {
            let credentials = authorization.current().await;
            let text = format!("{} {}", authorization.scheme, credentials.expose());
            // A header cannot hold such credentials, so the target would refuse them too.
            let mut value =
                HeaderValue::try_from(text).map_err(|_| Failure::Status(StatusCode::UNAUTHORIZED.as_u16()))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
            secret = Some(credentials);
        }
        let response = request.send().await.map_err(|error| failure_of(&error))?;
        let status = response.status();
        if status.is_redirection() {
            return Err(Failure::Redirect(status.as_u16()));
        }
        if status != StatusCode::OK {
            return Err(Failure::Status(status.as_u16()));
        }
        // The client unpacks gzip and takes the header away; what is still there is something else.
        if response.headers().get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
            return Err(Failure::Encoding);
        }
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let format = Format::from_content_type(content_type.unwrap_or_default()).map_err(|_| Failure::ContentType)?;
        let body = self.read_limited(response).await?;
        if secret.is_some_and(|secret| holds(&body, secret.expose())) {
            return Err(Failure::SecretEcho);
        }
        Ok(Page { body, format })
    }

    /// The body of `response`, unpacked; reading stops as soon as it is longer than the limit.
    async fn read_limited(&self, mut response: Response) -> Result<Bytes, Failure> {
        let mut body = BytesMut::new();
        let mut place = None;
        while let Some(chunk) = response.chunk().await.map_err(|error| failure_of(&error))? {
            let length = body.len() + chunk.len();
            if length > self.body_bytes {
                return Err(Failure::BodyLimit);
            }
            if length > LARGE_BYTES && place.is_none() {
                place = self.large.acquire().await.ok();
                // Once, as a buffer that doubles is there twice while it is copied.
                body.reserve(self.body_bytes - body.len());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
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
    let mut failure = if error.is_decode() { Failure::Encoding } else { Failure::Connect };
    let mut cause = error.source();
    while let Some(current) = cause {
        if current.is::<DnsError>() {
            failure = Failure::Dns;
        } else if current.is::<hyper::Error>() {
            failure = Failure::Connect;
        } else if is_tls(current) {
            failure = Failure::Tls;
        }
        cause = current.source();
    }
    failure
}

/// Whether it is an error of TLS, which comes wrapped in errors of I/O that do not name it as their source.
fn is_tls(error: &(dyn Error + 'static)) -> bool {
    match error.downcast_ref::<std::io::Error>() {
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
