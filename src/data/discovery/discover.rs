//! Asks the backend which series exist, and why GPUs are not measured.
use crate::data::discovery::counts::{Counts, NameCounts};
use crate::data::discovery::intervals::Intervals;
use crate::data::discovery::inventory::{Inventory, NamesByKey, ScopeKey};
use crate::data::http::client::Backend;
use crate::data::http::error::RequestError;
use crate::data::http::server_clock::browser_ms;
use crate::state::view::Range;
use crate::wasm_size::sort::set;
use catalogue::{DiscoveryQueries, GPU_FAULTS_QUERY, ScopeLabels};
use futures::future::join3;
use prometheus_api::{Data, InstantValue, Series};
use std::sync::Arc;

/// The shortest range that discovery covers, so that rarely scraped targets are found in short ranges too.
const MIN_LENGTH_MS: i64 = 300_000;

/// How long a discovery is valid, unless a target appears or vanishes or the range changes.
const MAX_AGE_MS: i64 = 15_000;

/// The result of a discovery, and for which range it holds.
#[derive(Clone, Debug)]
pub(crate) struct Discovered {
    pub(crate) inventory: Arc<Inventory>,
    /// How many keys have each name, from which the inventory follows.
    names: Arc<NameCounts>,
    /// The revision of the targets that were being scraped; none before they are known.
    pub(crate) targets: Option<u32>,
    /// What the visible range says of the scrape intervals; none before it was queried.
    pub(crate) counted: Option<Arc<Intervals>>,
    /// Why GPUs are not measured; none where the server did not answer that.
    pub(crate) gpu_faults: Option<Vec<String>>,
    /// When the server evaluated the query, by its own clock; none for a range in the past.
    pub(crate) server_ms: Option<i64>,
    /// When it was asked, by the browser's clock.
    pub(crate) asked_ms: i64,
    labels: ScopeLabels,
    range: Range,
}

impl Discovered {
    /// Whether it still holds for `range`.
    pub(crate) fn is_valid(&self, range: Range) -> bool {
        self.range == range && browser_ms() - self.asked_ms < MAX_AGE_MS
    }
}

/// Runs the discovery for a range; `now_ms` is the server's time. If the number of keys with each name is as it was in
/// `last`, so is all else.
pub(crate) async fn discover(
    backend: &Backend,
    range: Range,
    now_ms: i64,
    last: Option<&Discovered>,
) -> Result<Discovered, RequestError> {
    let asked_ms = browser_ms();
    let is_live = matches!(range, Range::Last(_));
    let range_ms = range.length_ms().max(MIN_LENGTH_MS);
    let time_ms = (!is_live).then_some(range.resolve(now_ms).end_ms);
    let last = last.filter(|last| last.range == range && last.labels == backend.labels);
    let discovery = Discovery { backend, queries: DiscoveryQueries { labels: &backend.labels, range_ms }, time_ms };
    let keys =
        async { if last.is_none() { discovery.vector(discovery.queries.keys()).await.map(Some) } else { Ok(None) } };
    let faults = backend.instant(GPU_FAULTS_QUERY.to_owned(), time_ms);
    let (names, keys, faults) = join3(discovery.vector(discovery.queries.names()), keys, faults).await;
    let vector = names?;
    let server_ms = vector.first().filter(|_| is_live).map(|series| (series.samples.value.0 * 1000.0) as i64);
    let names = Arc::new(NameCounts::from_vector(&vector, &backend.labels));
    // Without the faults the page says less, but is not wrong.
    let gpu_faults = match faults {
        Ok(Data::Vector(faults)) => {
            Some(faults.iter().filter_map(|series| series.metric.get("reason").cloned()).collect())
        }
        _ => None,
    };
    let labels = backend.labels.clone();
    if let Some(last) = last.filter(|last| last.names == names) {
        return Ok(Discovered { gpu_faults, server_ms, asked_ms, ..last.clone() });
    }
    let keys = match keys? {
        Some(keys) => keys,
        None => discovery.vector(discovery.queries.keys()).await?,
    };
    let inventory = Arc::new(discovery.inventory(&names, &keys).await?);
    Ok(Discovered { inventory, names, targets: None, counted: None, gpu_faults, server_ms, asked_ms, labels, range })
}

/// The queries of one discovery, and when they are evaluated.
struct Discovery<'a> {
    backend: &'a Backend,
    queries: DiscoveryQueries<'a>,
    time_ms: Option<i64>,
}

impl Discovery<'_> {
    async fn vector(&self, query: String) -> Result<Vec<Series<InstantValue>>, RequestError> {
        match self.backend.instant(query, self.time_ms).await? {
            Data::Vector(vector) => Ok(vector),
            _ => Err(RequestError::Foreign("discovery gave something other than a vector".into())),
        }
    }

    /// What exists, from the numbers of keys and names. What these leave open is queried.
    async fn inventory(&self, names: &NameCounts, keys: &[Series<InstantValue>]) -> Result<Inventory, RequestError> {
        let counts = Counts::new(names, keys, self.queries.labels);
        if let Some(open) = counts.open_keys() {
            let mut queried = NamesByKey::default();
            if !open.is_empty() {
                let values = |part: fn(&ScopeKey) -> &String| -> Vec<String> {
                    set(open.iter().map(|key| part(key).clone())).into_iter().collect()
                };
                let (instances, replicas) = (values(|key| &key.instance), values(|key| &key.replica));
                let query = self.queries.names_of(&counts.open_names(&open), &instances, &replicas);
                if let Some(query) = query {
                    queried = NamesByKey::from_vector(&self.vector(query).await?, self.queries.labels);
                    queried.0.retain(|(key, _)| open.contains(&key));
                }
            }
            if let Some(inventory) = counts.inventory(queried) {
                return Ok(inventory);
            }
        }
        Ok(Inventory::from_vector(&self.vector(self.queries.all_names()).await?, self.queries.labels))
    }
}
