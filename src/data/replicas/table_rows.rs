//! Which rows of the table need figures: all of a small fleet, and of a large one those on screen.
use crate::data::graph::request::is_still_valid;
use crate::data::http::request_limit::{RequestLimit, all};
use crate::data::replicas::fleet::TableFigures;
use crate::data::round::Round;
use crate::state::replica_figure::ReplicaFigure;
use crate::state::replica_table::SortKey;
use crate::state::time_range::TimeRange;
use crate::wasm_size::sort::set;
use catalogue::{Window, graph, replica_figures_query};
use futures::FutureExt;
use prometheus_api::Data;
use std::collections::BTreeSet;

/// The figures over a range that were queried so far: they read all of it, so that they stay while they are valid, as the
/// summaries of cards do.
#[derive(Clone, Debug, Default)]
pub(crate) struct RangeFigures {
    rows: TableRows,
    range: TimeRange,
    answers: Vec<(&'static str, Data)>,
}

impl RangeFigures {
    fn are_valid(&self, rows: &TableRows, round: &Round) -> bool {
        let follows = || round.is_live && is_still_valid(self.range, round.range);
        self.rows == *rows && (self.range == round.range || follows())
    }
}

/// The rows of the table whose figures are queried.
#[derive(Clone, Debug, Default, PartialEq)]
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
        Self { replicas: (!round.has_few_replicas()).then(|| replicas.to_vec()), sort_key }
    }

    /// The names of the replicas; none for all.
    pub(crate) fn named(&self) -> Option<BTreeSet<String>> {
        self.replicas.as_ref().map(|replicas| set(replicas.iter().cloned()))
    }

    /// Queries the figures, but those over the range only where `known` is no longer valid. They are an extra: where the
    /// server refuses, there are none.
    pub(crate) async fn figures(
        &self,
        round: &Round,
        window: Window,
        limit: &RequestLimit,
        known: &RangeFigures,
    ) -> (TableFigures, RangeFigures) {
        let moment = self.answers(round, window, limit, false).await;
        let over_range = match known.are_valid(self, round) {
            true => known.clone(),
            false => {
                let answers = self.answers(round, window, limit, true).await;
                RangeFigures { rows: self.clone(), range: round.range, answers }
            }
        };
        (TableFigures(moment.into_iter().chain(over_range.answers.iter().cloned()).collect()), over_range)
    }

    /// The answers for the figures over the range, or for those of its end.
    async fn answers(
        &self,
        round: &Round,
        window: Window,
        limit: &RequestLimit,
        is_over_range: bool,
    ) -> Vec<(&'static str, Data)> {
        let names = round.names(&round.scope);
        let mut figures: Vec<ReplicaFigure> = ReplicaFigure::ALL.into();
        figures.retain(|figure| figure.is_over_range() == is_over_range);
        figures.dedup_by_key(|figure| figure.graph());
        let asks = figures.into_iter().map(|figure| {
            let is_sorted_by = matches!(self.sort_key, SortKey::Figure(own) if own.graph() == figure.graph());
            let replicas = self.replicas.as_deref().filter(|_| !is_sorted_by);
            let context = round.context(window);
            let range_ms = is_over_range.then(|| round.range.length_ms());
            let query = graph(figure.graph()).filter(|_| replicas.is_none_or(|replicas| !replicas.is_empty()));
            let query = query.and_then(|graph| {
                replica_figures_query(graph, &|name| names.contains(name), &context, replicas, range_ms)
            });
            async move {
                let _permit = limit.permit().await;
                let answer = round.backend.instant(query?, round.end_ms()).await.ok()?;
                Some((figure.graph(), answer))
            }
            .boxed_local()
        });
        all(asks).await.into_iter().flatten().collect()
    }
}
