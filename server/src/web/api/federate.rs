//! `/federate`: a metrics page with the latest sample of each selected series. Source: Prometheus's `web/federate.go`.
use crate::clock::now_ms;
use crate::web::accept_encoding::accepts_encoding;
use crate::web::api::bad_parameter;
use crate::web::api::evaluator::{Evaluator, MAX_QUERY_TIME, api_error};
use crate::web::api::parameters::Params;
use crate::web::api::series::{MATCH, selector};
use crate::web::api::text_response::{check_length, encoding, page_response, text_error};
use axum::extract::{Request, State};
use axum::response::Response;
use exposition::{Encoding, Family, Kind, Sample, Timestamp, write_part};
use prometheus_api::{ApiError, ErrorType};
use promql::{Interrupt, Interruption, Labels, METRIC_NAME, Selector, is_stale};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

/// `/federate?match[]=…`
pub(crate) async fn federate(State(evaluator): State<Arc<Evaluator>>, request: Request) -> Response {
    let gzip = accepts_encoding(request.headers(), "gzip");
    let encoding = encoding(request.headers());
    let params = match Params::read(request).await {
        Ok(params) => params,
        Err(response) => return response,
    };
    let response = async {
        let selector = selector(&evaluator, &params)?
            .ok_or_else(|| bad_parameter(MATCH, "give at least one selector, such as match[]={job=\"vllm\"}"))?;
        let deadline = Instant::now() + MAX_QUERY_TIME;
        let page = evaluator
            .run(deadline, move |evaluator, interrupt| page(evaluator, &selector, encoding, interrupt))
            .await?;
        Ok(page_response(page, encoding, gzip))
    };
    response.await.unwrap_or_else(|error| text_error(&error))
}

/// The latest sample of a series.
struct LatestSample {
    labels: Labels,
    time_ms: i64,
    value: f64,
}

impl LatestSample {
    /// The metric's name as it is written on the page.
    fn name(&self, encoding: Encoding) -> Cow<'_, str> {
        encoding.encoded_name(self.labels.metric_name().unwrap_or_default())
    }

    fn cmp(&self, other: &Self, encoding: Encoding) -> Ordering {
        self.name(encoding).cmp(&other.name(encoding)).then_with(|| self.labels.cmp(&other.labels))
    }
}

fn page(
    evaluator: &Evaluator,
    selector: &Selector,
    encoding: Encoding,
    interrupt: Interrupt<'_>,
) -> Result<String, ApiError> {
    let mut samples = latest_samples(evaluator, selector, interrupt)?;
    samples.sort_unstable_by(|a, b| a.cmp(b, encoding));
    let mut page = String::new();
    for samples in samples.chunk_by(|a, b| a.name(encoding) == b.name(encoding)) {
        write_part(&[family(samples, encoding)], encoding, &mut page);
        check_length(&page)?;
        check_interrupt(interrupt)?;
    }
    page.push_str(encoding.eof_marker());
    Ok(page)
}

/// The latest sample of each selected series within the lookback, unless it is a stale marker. They have no order.
fn latest_samples(
    evaluator: &Evaluator,
    selector: &Selector,
    interrupt: Interrupt<'_>,
) -> Result<Vec<LatestSample>, ApiError> {
    let until_ms = now_ms();
    let after_ms = until_ms - evaluator.options.lookback_ms;
    let mut latest = Vec::new();
    let mut outcome = Ok(());
    let read = evaluator.storage.select_latest(selector, after_ms, until_ms, &mut |labels, column| {
        if let (Some(&time_ms), Some(&value)) = (column.times_ms.last(), column.values.last())
            && !is_stale(value)
        {
            latest.push(LatestSample { labels: labels.clone(), time_ms, value });
        }
        outcome = check_interrupt(interrupt);
        if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    read.map_err(|error| api_error(&error.into()))?;
    outcome.map(|()| latest)
}

/// The family of these samples, which share one name. Its type is unknown, because the store has none.
fn family(samples: &[LatestSample], encoding: Encoding) -> Family {
    let name = samples.first().map(|first| first.name(encoding).into_owned()).unwrap_or_default();
    let samples = samples.iter().map(|LatestSample { labels, time_ms, value }| Sample {
        name: name.clone(),
        labels: page_labels(labels),
        value: *value,
        timestamp: Some(Timestamp::from_ms(*time_ms)),
        exemplar: None,
    });
    let samples = samples.collect();
    Family { name, kind: Kind::Unknown, help: String::new(), unit: String::new(), samples }
}

/// All labels but the name. An empty `instance` keeps the scraper from adding its own to a series that has none.
fn page_labels(labels: &Labels) -> Vec<(String, String)> {
    let instance = labels.get("instance").is_none().then_some(("instance", ""));
    let others = labels.iter().filter(|(name, _)| *name != METRIC_NAME);
    others.chain(instance).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn check_interrupt(interrupt: Interrupt<'_>) -> Result<(), ApiError> {
    match interrupt() {
        None => Ok(()),
        Some(Interruption::Timeout) => {
            Err(ApiError::new(ErrorType::Timeout, "the metrics page took too long; select fewer series with match[]"))
        }
        Some(Interruption::Cancelled) => Err(ApiError::new(ErrorType::Canceled, "the request was cancelled")),
    }
}
