//! Which rows of the table need figures: all of a small fleet, and of a large one those on screen.
use crate::data::http::request_limit::RequestLimit;
use crate::data::replicas::fleet::TableFigures;
use crate::data::round::Round;
use crate::state::replica_table::SortKey;
use crate::wasm_size::sort::set;
use catalogue::{ReplicaTableQueries, Window, replica_table_queries};
use futures::future::join3;
use std::collections::BTreeSet;

/// Of more replicas than this, only the figures on screen are queried.
const MAX_WHOLE_TABLE: usize = 50;

/// The rows of the table whose figures are queried.
#[derive(Clone, Debug, Default)]
pub(crate) struct TableRows {
    /// The replicas; none for all.
    replicas: Option<Vec<String>>,
    sort_key: SortKey,
}

impl TableRows {
    /// All rows.
    pub(crate) fn all() -> Self {
        Self::default()
    }

    /// The rows of some replicas.
    pub(crate) fn of(replicas: Vec<String>) -> Self {
        Self { replicas: Some(replicas), ..Self::default() }
    }

    /// The rows on screen, of a round's replicas. A table that is sorted by a figure needs that of all.
    pub(crate) fn on_screen(replicas: &[String], sort_key: SortKey, round: &Round) -> Self {
        let is_whole = round.inventory.replicas(&round.scope).len() <= MAX_WHOLE_TABLE;
        Self { replicas: (!is_whole).then(|| replicas.to_vec()), sort_key }
    }

    /// The names of the replicas; none for all.
    pub(crate) fn named(&self) -> Option<BTreeSet<String>> {
        self.replicas.as_ref().map(|replicas| set(replicas.iter().cloned()))
    }

    /// Queries the figures. They are an extra: where the server refuses, there are none.
    pub(crate) async fn figures(&self, round: &Round, window: Window, limit: &RequestLimit) -> TableFigures {
        let names = round.names(&round.scope);
        let queries = |replicas| replica_table_queries(&|name| names.contains(name), &round.context(window), replicas);
        let some = match self.replicas.as_deref() {
            Some([]) => ReplicaTableQueries { load: None, cpu: None, gpu: None },
            replicas => queries(replicas),
        };
        let all = queries(None);
        let ask = async |some: Option<String>, all: Option<String>, sorted_by: &[SortKey]| {
            let query = if sorted_by.contains(&self.sort_key) { all } else { some };
            let _permit = limit.permit().await;
            round.backend.instant(query?, round.end_ms()).await.ok()
        };
        let load = ask(some.load, all.load, &[SortKey::Running, SortKey::Waiting]);
        let (cores, gpu) = (ask(some.cpu, all.cpu, &[SortKey::Cores]), ask(some.gpu, all.gpu, &[SortKey::Gpu]));
        let (load, cores, gpu) = join3(load, cores, gpu).await;
        TableFigures { load, cores, gpu }
    }
}
