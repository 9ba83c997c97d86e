//! `/api/v1/series`, `/api/v1/labels` and `/api/v1/label/<name>/values`: which series and labels exist.
use crate::web::accept_encoding::accepts_encoding;
use crate::web::api::body::{CountedBody, CountedMemory};
use crate::web::api::compress::{VARY_ENCODING, compressed};
use crate::web::api::evaluator::{Evaluator, MAX_QUERY_TIME, Work, parse_error};
use crate::web::api::json::{push_labels, push_quoted};
use crate::web::api::parameters::Params;
use crate::web::api::query::time;
use crate::web::api::{bad_parameter, error_response};
use axum::extract::{Path, Request, State};
use axum::response::Response;
use prometheus_api::{ApiError, ErrorType};
use promql::{Label, Labels, MatchOp, Matcher, SelectedSeries, Selector};
use std::collections::{BTreeSet, HashSet};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Instant;
use tsdb::Store;

pub(crate) const MATCH: &str = "match[]";

/// The maximum number of names, values or series in a response.
const MAX_RESULTS: usize = 100_000;

/// How many alternatives of a selector are looked up at once: the index is locked for writers meanwhile.
const ALTERNATIVES_AT_ONCE: usize = 16;

/// How many series are visited, and results written, between two checks of time and memory.
const BETWEEN_CHECKS: usize = 512;

/// About what a result takes before it is written.
const RESULT_BYTES: usize = 64;

/// The largest label set whose memory may wait for the next check.
const MAX_UNCOUNTED_BYTES: usize = 2 << 10;

const ADVICE: &str = "select fewer series with match[]";

/// The state of these routes.
#[derive(Clone)]
pub(crate) struct SeriesState {
    pub(crate) evaluator: Arc<Evaluator>,
    pub(crate) store: Store,
}

/// `/api/v1/series`
pub(crate) async fn series(State(state): State<SeriesState>, request: Request) -> Response {
    respond(state, request, |search, limit, body| {
        if search.selector.any_of.is_empty() {
            return Err(ApiError::new(ErrorType::BadData, "no match[] parameter provided"));
        }
        let mut found = HashSet::new();
        search.for_each(&mut |labels| {
            found.insert(labels.clone());
            found.len() <= limit
        })?;
        let mut series: Vec<Labels> = found.into_iter().collect();
        series.sort_unstable();
        body.write(series.iter(), limit, push_labels)
    })
    .await
}

/// `/api/v1/labels`
pub(crate) async fn label_names(State(state): State<SeriesState>, request: Request) -> Response {
    respond(state, request, |search, limit, body| {
        if search.selector.any_of.is_empty() {
            let names = search.store.label_names(&all_series(), search.times_ms.clone(), limit.saturating_add(1));
            return body.write(names.iter(), limit, |out, name| push_quoted(out, name));
        }
        let mut names = BTreeSet::new();
        search.for_each(&mut |labels| {
            for name in labels.labels().iter().map(Label::name) {
                if names.len() <= limit && !names.contains(name) {
                    names.insert(Arc::clone(name));
                }
            }
            names.len() <= limit
        })?;
        body.write(names.iter(), limit, |out, name| push_quoted(out, name))
    })
    .await
}

/// `/api/v1/label/<name>/values`
pub(crate) async fn label_values(
    State(state): State<SeriesState>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_name {
        return error_response(ApiError::new(ErrorType::BadData, format!("invalid label name: {name:?}")));
    }
    respond(state, request, move |search, limit, body| {
        if search.selector.any_of.is_empty() {
            let times_ms = search.times_ms.clone();
            let values = search.store.label_values(&name, &all_series(), times_ms, limit.saturating_add(1));
            return body.write(values.iter(), limit, |out, value| push_quoted(out, value));
        }
        let mut values = BTreeSet::new();
        search.for_each(&mut |labels| {
            let value = labels.labels().iter().find(|label| **label.name() == *name).map(Label::value);
            if let Some(value) = value.filter(|value| !values.contains(*value)) {
                values.insert(Arc::clone(value));
            }
            values.len() <= limit
        })?;
        body.write(values.iter(), limit, |out, value| push_quoted(out, value))
    })
    .await
}

/// The series that a request selects.
struct Search<'w> {
    work: &'w Work<'w>,
    store: &'w Store,
    /// Without an alternative it selects every series.
    selector: &'w Selector,
    times_ms: RangeInclusive<i64>,
}

impl Search<'_> {
    /// Calls `visit` with each series, until it returns false. A series may be visited more than once.
    fn for_each(&self, visit: &mut dyn FnMut(&Labels) -> bool) -> Result<(), ApiError> {
        let all = all_series();
        let any_of = if self.selector.any_of.is_empty() { &all.any_of } else { &self.selector.any_of };
        let mut memory = CountedMemory::new(&self.work.peer.memory)?;
        let (mut visited, mut label_bytes, mut outcome) = (0, 0, Ok(()));
        for alternatives in any_of.chunks(ALTERNATIVES_AT_ONCE) {
            self.work.check_interrupt(ADVICE)?;
            let selector = Selector { any_of: alternatives.to_vec() };
            let mut wants_more = true;
            self.store.for_each_present(&selector, self.times_ms.clone(), |labels, size_bytes| {
                visited += 1;
                label_bytes += size_bytes;
                if visited % BETWEEN_CHECKS == 0 || size_bytes > MAX_UNCOUNTED_BYTES {
                    let counted = memory.grow_to(visited.min(MAX_RESULTS) * RESULT_BYTES + label_bytes);
                    outcome = counted.and_then(|()| self.work.check_interrupt(ADVICE));
                }
                wants_more = outcome.is_ok() && visit(labels);
                wants_more
            });
            if !wants_more {
                break;
            }
        }
        outcome
    }
}

/// The list of results as it is written.
struct ResultList {
    body: CountedBody,
    is_truncated: bool,
}

impl ResultList {
    /// Writes at most `limit` of `items`, each as `push` does.
    fn write<T>(
        &mut self,
        items: impl Iterator<Item = T>,
        limit: usize,
        push: impl Fn(&mut Vec<u8>, T),
    ) -> Result<(), ApiError> {
        self.body.text.push(b'[');
        for (number, item) in items.enumerate() {
            if number == limit {
                self.is_truncated = true;
                break;
            }
            if number > 0 {
                self.body.text.push(b',');
            }
            push(&mut self.body.text, item);
            if number % BETWEEN_CHECKS == 0 {
                self.body.check()?;
            }
        }
        self.body.text.push(b']');
        self.body.check()
    }
}

/// Responds with the results that `find` writes, and with a warning if the limit truncates them.
async fn respond(
    SeriesState { evaluator, store }: SeriesState,
    request: Request,
    find: impl FnOnce(&Search<'_>, usize, &mut ResultList) -> Result<(), ApiError> + Send + 'static,
) -> Response {
    let (gzip, peer) = (accepts_encoding(request.headers(), "gzip"), evaluator.peer_of(&request));
    let params = match Params::read(request).await {
        Ok(params) => params,
        Err(response) => return response,
    };
    let response = async {
        let times_ms = times_ms(&params)?;
        let limit = params.limit("limit")?.min(MAX_RESULTS);
        let work = evaluator.run(peer, Instant::now() + MAX_QUERY_TIME, move |work| {
            let selected = selected(work, &params)?;
            let search = Search { work, store: &store, selector: &selected.selector, times_ms };
            let mut list = ResultList { body: CountedBody::new(work.peer)?, is_truncated: false };
            list.body.text.extend_from_slice(br#"{"status":"success","data":"#);
            find(&search, limit, &mut list)?;
            let warnings = if list.is_truncated { r#","warnings":["results truncated due to limit"]}"# } else { "}" };
            list.body.text.extend_from_slice(warnings.as_bytes());
            Ok(compressed("application/json", VARY_ENCODING, list.body, gzip))
        });
        work.await
    };
    response.await.unwrap_or_else(error_response)
}

fn times_ms(params: &Params) -> Result<RangeInclusive<i64>, ApiError> {
    let start_ms = params.get("start").map_or(Ok(i64::MIN), |text| time("start", text))?;
    let end_ms = params.get("end").map_or(Ok(i64::MAX), |text| time("end", text))?;
    if end_ms < start_ms {
        return Err(bad_parameter("end", "end timestamp must not be before start time"));
    }
    Ok(start_ms..=end_ms)
}

/// The series that any parameter `match[]` selects.
///
/// # Errors
/// If one of them is not a selector, or if they exceed the limits of a request together.
pub(crate) fn selected(work: &Work<'_>, params: &Params) -> Result<SelectedSeries, ApiError> {
    let selected = promql::parse_selectors(params.all(MATCH), &work.options, work.interrupt);
    selected.map_err(|error| parse_error(MATCH, &error))
}

/// Selects every series: each has a name.
fn all_series() -> Selector {
    let named = Matcher { name: promql::METRIC_NAME.into(), op: MatchOp::NotEqual, value: String::new() };
    Selector { any_of: vec![vec![named]] }
}
