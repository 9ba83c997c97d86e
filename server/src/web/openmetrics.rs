//! `GET /openmetrics/<name>`: the latest metrics page of a hosted platform, for other scrapers.
//!
//! They need no credentials, and cause no requests to the platform.
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

/// How long a request waits for the first scrape after the companion starts.
const FIRST_SCRAPE_TIMEOUT: Duration = Duration::from_secs(15);

/// The routes to the metrics pages that `scrapers` share.
pub(crate) fn routes(scrapers: Arc<Scrapers>) -> Router {
    Router::new().route("/openmetrics/{name}", get(page)).with_state(scrapers)
}

async fn page(State(scrapers): State<Arc<Scrapers>>, Path(name): Path<String>) -> Response {
    let Some(mut latest) = scrapers.shared(&name) else {
        return (StatusCode::NOT_FOUND, "no hosted endpoint with this name is configured\n").into_response();
    };
    let waited = tokio::time::timeout(FIRST_SCRAPE_TIMEOUT, latest.wait_for(Option::is_some)).await;
    match waited.ok().and_then(Result::ok).and_then(|latest| latest.clone()) {
        Some(Ok(page)) => page_response(page),
        Some(Err(failure)) => failure_response(failure),
        None => failure_response(Failure::Timeout),
    }
}

/// The metrics page, unchanged, with a media type of this server's making.
fn page_response(MetricsPage { body, media_type, .. }: MetricsPage) -> Response {
    ([(CONTENT_TYPE, media_type), (CACHE_CONTROL, "no-store")], body).into_response()
}

/// A gateway error that says why the platform could not be scraped, without quoting its response.
fn failure_response(failure: Failure) -> Response {
    let mut headers = HeaderMap::from_iter([(CACHE_CONTROL, HeaderValue::from_static("no-store"))]);
    let status = match failure {
        Failure::Timeout => StatusCode::GATEWAY_TIMEOUT,
        Failure::Status { code: 429 | 503, retry_after } => {
            headers.extend(retry_after.map(|wait| (RETRY_AFTER, HeaderValue::from(wait.as_secs()))));
            StatusCode::SERVICE_UNAVAILABLE
        }
        _ => StatusCode::BAD_GATEWAY,
    };
    let text = format!("the platform could not be scraped ({}): {failure}\n", failure.reason().id());
    (status, headers, text).into_response()
}
