//! Asks the backend which series exist, and why GPUs are not measured.
use crate::data::discovery::intervals::Intervals;
use crate::data::discovery::inventory::{Inventory, Labels};
use crate::data::http::client::Backend;
use crate::data::http::error::RequestError;
use crate::data::http::server_clock::browser_ms;
use crate::state::view::Range;
use catalogue::{GPU_FAULTS_QUERY, discovery_query};
use futures::future::join;
use prometheus_api::Data;
use std::sync::Arc;

/// The shortest range that discovery covers, so that rarely scraped targets are found in short ranges too.
const MIN_LENGTH_MS: i64 = 300_000;

/// How long a discovery is valid, unless a target appears or vanishes or the range changes.
const MAX_AGE_MS: i64 = 15_000;

/// The result of a discovery, and for which range it holds.
#[derive(Clone, Debug)]
pub(crate) struct Discovered {
    pub(crate) inventory: Arc<Inventory>,
    /// The labels of the targets that were being scraped; none before they are known.
    pub(crate) targets: Option<Vec<Labels>>,
    /// What the visible range says of the scrape intervals; none before it was asked.
    pub(crate) counted: Option<Intervals>,
    /// Why GPUs are not measured; none where the server did not answer that.
    pub(crate) gpu_faults: Option<Vec<String>>,
    /// When the server evaluated the query, by its own clock; none for a range in the past.
    pub(crate) server_ms: Option<i64>,
    /// When it was asked, by the browser's clock.
    pub(crate) asked_ms: i64,
    range: Range,
}

impl Discovered {
    /// Whether it still holds for `range`.
    pub(crate) fn is_valid(&self, range: Range) -> bool {
        self.range == range && browser_ms() - self.asked_ms < MAX_AGE_MS
    }
}

/// Runs the discovery for a range; `now_ms` is the server's time.
pub(crate) async fn discover(backend: &Backend, range: Range, now_ms: i64) -> Result<Discovered, RequestError> {
    let asked_ms = browser_ms();
    let is_live = matches!(range, Range::Last(_));
    let query = discovery_query(&backend.labels, range.length_ms().max(MIN_LENGTH_MS));
    let time_ms = (!is_live).then_some(range.resolve(now_ms).end_ms);
    let faults = backend.instant(GPU_FAULTS_QUERY.to_owned(), time_ms);
    let (series, faults) = join(backend.instant(query, time_ms), faults).await;
    let Data::Vector(vector) = series? else {
        return Err(RequestError::Foreign("discovery gave something other than a vector".into()));
    };
    let server_ms = vector.first().filter(|_| is_live).map(|series| (series.samples.value.0 * 1000.0) as i64);
    let inventory = Arc::new(Inventory::from_vector(&vector, &backend.labels));
    // Without the faults the page says less, but is not wrong.
    let gpu_faults = match faults {
        Ok(Data::Vector(faults)) => {
            Some(faults.iter().filter_map(|series| series.metric.get("reason").cloned()).collect())
        }
        _ => None,
    };
    Ok(Discovered { inventory, targets: None, counted: None, gpu_faults, server_ms, asked_ms, range })
}
