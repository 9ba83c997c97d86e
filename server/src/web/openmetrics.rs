//! Pages of hosted platforms for other readers: `GET /openmetrics/<name>` gives the last one read, so that any number
//! of readers costs the platform nothing and needs no credentials.
use crate::scrape::metrics_page::MetricsPage;
use crate::scrape::scrapers::Scrapers;
use crate::target::failure::Failure;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::sync::Arc;
use std::time::Duration;

/// How long a reader waits for the first page after the start.
const PATIENCE: Duration = Duration::from_secs(15);

/// The routes over the shared pages of `scrapers`.
pub(crate) fn routes(scrapers: Arc<Scrapers>) -> Router {
    Router::new().route("/openmetrics/{name}", get(page)).with_state(scrapers)
}

async fn page(State(scrapers): State<Arc<Scrapers>>, Path(name): Path<String>) -> Response {
    let Some(mut latest) = scrapers.shared(&name) else {
        return (StatusCode::NOT_FOUND, "no hosted page of this name is configured\n").into_response();
    };
    let waited = tokio::time::timeout(PATIENCE, latest.wait_for(Option::is_some)).await;
    match waited.ok().and_then(Result::ok).and_then(|latest| latest.clone()) {
        Some(Ok(page)) => whole(page),
        Some(Err(failure)) => refusal(failure),
        None => refusal(Failure::Timeout),
    }
}

/// The page as it came.
fn whole(MetricsPage { body, content_type, .. }: MetricsPage) -> Response {
    let content_type = content_type.unwrap_or(HeaderValue::from_static("text/plain; version=0.0.4"));
    ([(CONTENT_TYPE, content_type), (CACHE_CONTROL, HeaderValue::from_static("no-store"))], body).into_response()
}

/// What went wrong, without a word of the platform's own: its answer is an error of a gateway here, as the reader's own
/// request was right.
fn refusal(failure: Failure) -> Response {
    let mut headers = HeaderMap::from_iter([(CACHE_CONTROL, HeaderValue::from_static("no-store"))]);
    let status = match failure {
        Failure::Timeout => StatusCode::GATEWAY_TIMEOUT,
        Failure::Status { code: 429 | 503, retry_after } => {
            headers.extend(retry_after.map(|wait| (RETRY_AFTER, HeaderValue::from(wait.as_secs()))));
            StatusCode::SERVICE_UNAVAILABLE
        }
        _ => StatusCode::BAD_GATEWAY,
    };
    (status, headers, format!("the platform's page cannot be had ({}): {failure}\n", failure.reason().id()))
        .into_response()
}
