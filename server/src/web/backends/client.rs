//! Sends a query to a backend, and receives its answer.
use crate::scrape::fetch::Client;
use crate::scrape::http_client::Response;
use crate::target::Endpoint;
use crate::target::echo::Echo;
use crate::target::failure::Failure;
use crate::web::api::body::CountedBody;
use crate::web::backends::Backend;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use bytes::Bytes;
use prometheus_api::ApiError;
use std::sync::Arc;
use std::time::Instant;

/// Headers of an answer that a client gets: how long it should wait, and that the answer lacks something, as M3 says it.
const KEPT_HEADERS: [HeaderName; 2] = [header::RETRY_AFTER, HeaderName::from_static("m3-results-limited")];

/// Why a client gets no answer of the backend. Each message names the backend and what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackendError {
    /// It does not answer as it should.
    #[error("the backend {name:?} did not answer: {failure}")]
    Failed {
        /// Its name.
        name: String,
        /// What went wrong.
        failure: Failure,
    },
    /// The answer takes too long.
    #[error(
        "the backend {name:?} did not answer within {seconds} s; ask for less, or raise its timeout in the configuration"
    )]
    Late {
        /// Its name.
        name: String,
        /// How long it may take.
        seconds: f64,
    },
    /// It does not accept the credentials.
    #[error(
        "the backend {name:?} refused the companion with status {status}; check its credentials in the configuration"
    )]
    Refused {
        /// Its name.
        name: String,
        /// 401 or 403.
        status: u16,
    },
    /// Something else answers.
    #[error("the backend {name:?} answered with status {status} and no JSON; check its url, which ends before /api/v1")]
    Foreign {
        /// Its name.
        name: String,
        /// The status.
        status: u16,
    },
    /// The answer contains a secret of the configuration.
    #[error("the answer of the backend {name:?} repeats its credentials, so it is not passed on")]
    SecretEcho {
        /// Its name.
        name: String,
    },
    /// The answer is too long, or there is no memory for it.
    #[error("{}", _0.message)]
    Memory(ApiError),
}

impl BackendError {
    /// The status of the response to the client. It is never 401, which would be about the client's own token.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Late { .. } | Self::Failed { failure: Failure::Timeout, .. } => StatusCode::GATEWAY_TIMEOUT,
            Self::Memory(error) => StatusCode::from_u16(error.kind.status()).unwrap_or(StatusCode::BAD_GATEWAY),
            Self::Foreign { status: 429, .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Foreign { status: 503, .. } => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_GATEWAY,
        }
    }
}

/// What a client asks a backend for.
#[derive(Debug)]
pub(crate) struct BackendQuery {
    /// The part of the path after `/api/v1/`.
    pub(crate) path: String,
    pub(crate) parameters: Vec<(String, String)>,
    /// Whether the parameters are sent as a form.
    pub(crate) is_post: bool,
}

/// An answer of a backend: JSON, which may say that something is wrong.
pub(crate) struct BackendAnswer {
    pub(crate) status: StatusCode,
    /// The headers that the client gets.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: CountedBody,
    /// What the secrets that were sent look like.
    echoes: Vec<Echo>,
}

impl Backend {
    /// The answer to a query, within `body`, before `deadline`.
    ///
    /// # Errors
    /// If there is none that a client could read.
    pub(crate) async fn answer(
        &self,
        client: &Client,
        query: BackendQuery,
        body: CountedBody,
        deadline: Instant,
    ) -> Result<BackendAnswer, BackendError> {
        let (endpoint, form) = self.request(query);
        let answer = async {
            let answer = client.query(&endpoint, form).await.map_err(|failure| self.failed(failure))?;
            self.receive(answer, body).await
        };
        let late = || BackendError::Late { name: self.name.clone(), seconds: self.timeout.as_secs_f64() };
        tokio::time::timeout_at(deadline.into(), answer).await.unwrap_or_else(|_| Err(late()))
    }

    /// Where a query goes, and its form, if it has one. The configured parameters replace those of the client.
    fn request(&self, BackendQuery { path, mut parameters, is_post }: BackendQuery) -> (Endpoint, Option<Bytes>) {
        parameters.retain(|(name, _)| !self.parameters.iter().any(|(own, _)| own == name));
        parameters.extend(self.parameters.iter().cloned());
        let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let mut url = self.endpoint.url.clone();
        url.set_path(&format!("{}/api/v1/{path}", url.path().trim_end_matches('/')));
        let form = is_post.then(|| Bytes::from(text.clone()));
        url.set_query((!is_post && !text.is_empty()).then_some(&text));
        (Endpoint { url, access: Arc::clone(&self.endpoint.access) }, form)
    }

    async fn receive(
        &self,
        (mut response, echoes): (Response, Vec<Echo>),
        mut body: CountedBody,
    ) -> Result<BackendAnswer, BackendError> {
        let status = response.status;
        let name = || self.name.clone();
        if matches!(
            status,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::PROXY_AUTHENTICATION_REQUIRED
        ) {
            return Err(BackendError::Refused { name: name(), status: status.as_u16() });
        }
        if status.is_redirection() {
            return Err(self.failed(Failure::Redirect(status.as_u16())));
        }
        while let Some(piece) = response.chunk().await.map_err(|failure| self.failed(failure))? {
            body.text.extend_from_slice(&piece);
            body.check().map_err(BackendError::Memory)?;
        }
        if !body.text.trim_ascii_start().starts_with(b"{") {
            return Err(BackendError::Foreign { name: name(), status: status.as_u16() });
        }
        let kept = |name: &HeaderName| Some((name.clone(), response.headers.get(name)?.clone()));
        Ok(BackendAnswer { status, headers: KEPT_HEADERS.iter().filter_map(kept).collect(), body, echoes })
    }

    fn failed(&self, failure: Failure) -> BackendError {
        BackendError::Failed { name: self.name.clone(), failure }
    }
}

impl BackendAnswer {
    /// The same, unless it contains a secret. Reading a long one takes a while, so it belongs on a thread for that.
    ///
    /// # Errors
    /// If it does.
    pub(crate) fn without_secrets(self, backend: &Backend) -> Result<Self, BackendError> {
        let repeats = |text: &[u8]| self.echoes.iter().any(|echo| echo.is_in(text));
        match repeats(&self.body.text) || self.headers.iter().any(|(_, value)| repeats(value.as_bytes())) {
            true => Err(BackendError::SecretEcho { name: backend.name.clone() }),
            false => Ok(self),
        }
    }
}
