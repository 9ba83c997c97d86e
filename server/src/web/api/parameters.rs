//! The parameters of a request: from the URL, and from the form of a POST.
use crate::web::api::{bad_parameter, error_with_status};
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use prometheus_api::{ApiError, ErrorType};
use std::time::Duration;

const MAX_BODY_BYTES: usize = 256 << 10;

/// The maximum number of parameters.
const MAX_PARAMETERS: usize = 4096;

/// How long a client may take to send a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// Names and values, the form's before the URL's. The first value of a name counts, as in Go's `FormValue`.
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Reads the parameters of `request`.
    ///
    /// # Errors
    /// An error response, if the form is compressed, too long or too slow, or if there are too many parameters.
    pub(crate) async fn read(request: Request) -> Result<Self, Response> {
        let (head, body) = request.into_parts();
        let mut pairs = Vec::new();
        let is_form = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
            value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
        });
        if head.method == Method::POST && is_form {
            if head.headers.contains_key(CONTENT_ENCODING) {
                let problem = "the form is compressed; send it uncompressed";
                return Err(body_error(StatusCode::UNSUPPORTED_MEDIA_TYPE, problem));
            }
            pairs.extend(decoded(&read_body(body).await?));
        }
        pairs.extend(decoded(head.uri.query().unwrap_or_default().as_bytes()));
        if pairs.len() > MAX_PARAMETERS {
            let problem = format!("there are more than {MAX_PARAMETERS} parameters; send several requests");
            return Err(body_error(StatusCode::BAD_REQUEST, &problem));
        }
        Ok(Self(pairs))
    }

    /// The value of `name`, unless it is missing or empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(candidate, _)| candidate == name)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    /// The value of `name` as a limit. There is none if it is missing or 0.
    ///
    /// # Errors
    /// If it is not a number.
    pub(crate) fn limit(&self, name: &str) -> Result<usize, ApiError> {
        let Some(text) = self.get(name) else { return Ok(usize::MAX) };
        match text.parse::<i64>() {
            Ok(0) => Ok(usize::MAX),
            Ok(limit) => usize::try_from(limit).map_err(|_| bad_parameter(name, "limit must be non-negative")),
            Err(_) => Err(bad_parameter(name, format_args!("{text:?} is not a number"))),
        }
    }

    /// The value of `name` as a limit of metadata, where 0 is a limit and a negative number is none.
    ///
    /// # Errors
    /// If it is not a number.
    pub(crate) fn metadata_limit(&self, name: &str) -> Result<usize, ApiError> {
        let Some(text) = self.get(name) else { return Ok(usize::MAX) };
        let limit = text.parse::<i64>();
        let limit = limit.map_err(|_| ApiError::new(ErrorType::BadData, format!("{name} must be a number")))?;
        Ok(usize::try_from(limit).unwrap_or(usize::MAX))
    }

    /// All of them, in order.
    pub(crate) fn into_pairs(self) -> Vec<(String, String)> {
        self.0
    }

    /// All values of `name`.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(candidate, _)| candidate == name).map(|(_, value)| value.as_str())
    }
}

fn decoded(text: &[u8]) -> impl Iterator<Item = (String, String)> {
    form_urlencoded::parse(text).take(MAX_PARAMETERS + 1).map(|(name, value)| (name.into_owned(), value.into_owned()))
}

/// A whole body.
///
/// # Errors
/// An error response, if it is too long, too slow or malformed.
pub(super) async fn read_body(body: Body) -> Result<Bytes, Response> {
    match tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, MAX_BODY_BYTES).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(body_error(StatusCode::PAYLOAD_TOO_LARGE, "the body is longer than 256 KiB"))
        }
        Ok(Err(_)) => Err(body_error(StatusCode::BAD_REQUEST, "the body ended early or is malformed")),
        Err(_) => Err(body_error(StatusCode::REQUEST_TIMEOUT, "the body did not arrive within 15 seconds")),
    }
}

/// An error response about what a client sent.
pub(super) fn body_error(status: StatusCode, problem: &str) -> Response {
    error_with_status(status, ApiError::new(ErrorType::BadData, problem))
}
