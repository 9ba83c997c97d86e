//! Parameters of a request: the URL's query and, on POST, a form.
use crate::web::api::{bad_parameter, refusal};
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use prometheus_api::{ApiError, ErrorType};
use std::time::Duration;

/// The longest form.
const BODY_BYTES: usize = 256 << 10;

/// How long a client may take to send it.
const BODY_TIME: Duration = Duration::from_secs(15);

/// Names and values, the form's first: of a name given twice the first value counts, as in Go's `FormValue`.
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Reads the parameters of `request`.
    ///
    /// # Errors
    /// The answer that refuses a form that is compressed, too long or too slow.
    pub(crate) async fn read(request: Request) -> Result<Self, Response> {
        let (head, body) = request.into_parts();
        let mut pairs = Vec::new();
        let form = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
            value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
        });
        if head.method == Method::POST && form {
            if head.headers.contains_key(CONTENT_ENCODING) {
                return Err(refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send the form without compression"));
            }
            pairs.extend(decoded(&read_body(body).await?));
        }
        pairs.extend(decoded(head.uri.query().unwrap_or_default().as_bytes()));
        Ok(Self(pairs))
    }

    /// The value of `name`; none where it is absent or empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(own, _)| own == name)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    /// The number `name`, as a limit: absent or 0 is none.
    ///
    /// # Errors
    /// When it is no number.
    pub(crate) fn limit(&self, name: &str) -> Result<usize, ApiError> {
        let Some(text) = self.get(name) else { return Ok(usize::MAX) };
        match text.parse() {
            Ok(0) => Ok(usize::MAX),
            Ok(limit) => Ok(limit),
            Err(_) => Err(bad_parameter(name, format_args!("{text:?} is not a number of at least 0"))),
        }
    }

    /// All values of `name`.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

fn decoded(text: &[u8]) -> impl Iterator<Item = (String, String)> {
    form_urlencoded::parse(text).map(|(name, value)| (name.into_owned(), value.into_owned()))
}

async fn read_body(body: Body) -> Result<Bytes, Response> {
    match tokio::time::timeout(BODY_TIME, Limited::new(body, BODY_BYTES).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(refused(StatusCode::PAYLOAD_TOO_LARGE, "the form is longer than 256 KiB"))
        }
        Ok(Err(_)) => Err(refused(StatusCode::BAD_REQUEST, "the form cannot be read")),
        Err(_) => Err(refused(StatusCode::REQUEST_TIMEOUT, "the form did not arrive in time")),
    }
}

fn refused(status: StatusCode, problem: &str) -> Response {
    refusal(status, ApiError::new(ErrorType::BadData, problem))
}
