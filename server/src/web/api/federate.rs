//! `/federate`: the latest sample of each selected series as a metrics page. Source: Prometheus's `web/federate.go`.
use crate::clock::now_ms;
use crate::web::api::bad_parameter;
use crate::web::api::evaluator::{Evaluator, LONGEST, api_error};
use crate::web::api::parameters::Params;
use crate::web::api::series::{MATCH, selector};
use crate::web::api::text_response::{check_length, encoding, page_response, text_refusal};
use crate::web::assets::accepts;
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
    let gzip = accepts(request.headers(), "gzip");
    let encoding = encoding(request.headers());
    let params = match Params::read(request).await {
        Ok(params) => params,
        Err(refused) => return refused,
    };
    let answered = async {
        let selector = selector(&evaluator, &params)?
            .ok_or_else(|| bad_parameter(MATCH, "give at least one selector, such as match[]={job=\"vllm\"}"))?;
        let deadline = Instant::now() + LONGEST;
        let page = evaluator.run(deadline, move |own, interrupt| page(own, &selector, encoding, interrupt)).await?;
        Ok(page_response(page, encoding, gzip))
    };
    answered.await.unwrap_or_else(|error| text_refusal(&error))
}

/// A series' latest sample.
struct Latest {
    labels: Labels,
    time_ms: i64,
    value: f64,
}

impl Latest {
    /// The metric's name as the page has it.
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
    let mut series = latest(evaluator, selector, interrupt)?;
    series.sort_unstable_by(|a, b| a.cmp(b, encoding));
    let mut page = String::new();
    for of_name in series.chunk_by(|a, b| a.name(encoding) == b.name(encoding)) {
        write_part(&[family(of_name, encoding)], encoding, &mut page);
        check_length(&page)?;
        check_interrupt(interrupt)?;
    }
    page.push_str(encoding.eof_marker());
    Ok(page)
}

/// The selected series that have a sample within the lookback and do not end with it, in no particular order.
fn latest(evaluator: &Evaluator, selector: &Selector, interrupt: Interrupt<'_>) -> Result<Vec<Latest>, ApiError> {
    let until_ms = now_ms();
    let after_ms = until_ms - evaluator.options.lookback_ms;
    let mut series = Vec::new();
    let mut outcome = Ok(());
    let read = evaluator.storage.select_latest(selector, after_ms, until_ms, &mut |labels, column| {
        if let (Some(&time_ms), Some(&value)) = (column.times_ms.last(), column.values.last())
            && !is_stale(value)
        {
            series.push(Latest { labels: labels.clone(), time_ms, value });
        }
        outcome = check_interrupt(interrupt);
        if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    read.map_err(|error| api_error(&error.into()))?;
    outcome.map(|()| series)
}

/// The series of one name; the store knows no types.
fn family(series: &[Latest], encoding: Encoding) -> Family {
    let name = series.first().map(|first| first.name(encoding).into_owned()).unwrap_or_default();
    let samples = series.iter().map(|Latest { labels, time_ms, value }| Sample {
        name: name.clone(),
        labels: page_labels(labels),
        value: *value,
        timestamp: Some(Timestamp::from_ms(*time_ms)),
        exemplar: None,
    });
    let samples = samples.collect();
    Family { name, kind: Kind::Unknown, help: String::new(), unit: String::new(), samples }
}

/// All labels but the name. A series without `instance` says so by an empty one, lest the reader adds its own.
fn page_labels(labels: &Labels) -> Vec<(String, String)> {
    let instance = labels.get("instance").is_none().then_some(("instance", ""));
    let others = labels.iter().filter(|(name, _)| *name != METRIC_NAME);
    others.chain(instance).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn check_interrupt(interrupt: Interrupt<'_>) -> Result<(), ApiError> {
    match interrupt() {
        None => Ok(()),
        Some(Interruption::Timeout) => Err(ApiError::new(ErrorType::Timeout, "the page took too long to write")),
        Some(Interruption::Cancelled) => Err(ApiError::new(ErrorType::Canceled, "nobody waits for the page")),
    }
}
