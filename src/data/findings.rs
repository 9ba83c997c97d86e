//! What was found about a model, and the evidence that the findings read: queried once for each step, and continued by what
//! is new.
use crate::data::graph::frame::{frame, with_tail};
use crate::data::graph::grid::Grid;
use crate::data::http::request_limit::{RequestLimit, all};
use crate::data::round::Round;
use catalogue::{Scope, Window};
use findings::{Column, Evidence, Query, Report, find, queries};
use futures::FutureExt;
use plot::Frame;
use prometheus_api::Data;
use std::sync::Arc;

/// The longest time that is looked at: of a longer range its end.
const MAX_LENGTH_MS: i64 = 7 * 86_400_000;

/// The values of all replicas that one answer may have; beyond them only sums are read.
const MAX_DETAILS: usize = 40_000;

/// The steps of the evidence, in milliseconds: the shortest one with at most [`MAX_STEPS`] of them.
const STEPS_MS: [i64; 3] = [60_000, 120_000, 300_000];
const MAX_STEPS: i64 = 400;

/// What was found.
#[derive(Clone)]
pub(crate) struct Findings {
    scope: Scope,
    grid: Grid,
    answers: Vec<Answered>,
    /// What was found.
    pub(crate) report: Arc<Report>,
    /// Whether the range began before what was looked at.
    pub(crate) is_cut: bool,
}

/// A query with its answer so far.
#[derive(Clone)]
struct Answered {
    query: Query,
    frame: Frame,
}

impl Findings {
    /// Whether a round has nothing new: not another scope, and no other complete step.
    pub(crate) fn are_of(&self, round: &Round) -> bool {
        self.scope == round.scope && self.grid == round.findings_grid()
    }
}

impl Round {
    /// Complete steps up to the end of the range.
    fn findings_grid(&self) -> Grid {
        let end_ms = self.until_ms();
        let length_ms = (end_ms - self.range.start_ms).clamp(0, MAX_LENGTH_MS);
        let step_ms = STEPS_MS.into_iter().find(|step_ms| length_ms / step_ms <= MAX_STEPS).unwrap_or(STEPS_MS[2]);
        let end_ms = end_ms - end_ms.rem_euclid(step_ms);
        let interval_ms = self.intervals.of_scope(&self.scope).longest_ms;
        let window = Window::sliding((step_ms + interval_ms).max(4 * interval_ms));
        Grid { start_ms: end_ms - (length_ms / step_ms - 1).max(0) * step_ms, end_ms, step_ms, window, settling_ms: 0 }
    }

    /// Looks for findings. Where the server refuses a query, what reads it cannot tell.
    pub(crate) async fn findings(&self, old: Option<&Findings>, limit: &RequestLimit) -> Findings {
        let grid = self.findings_grid();
        let old = old.filter(|old| old.scope == self.scope && grid.continues(&old.grid));
        let names = self.names(&self.scope);
        let steps = ((grid.end_ms - grid.start_ms) / grid.step_ms + 1) as usize;
        let replicas = self.inventory.replicas(&self.scope).len();
        let is_small = self.has_few_replicas() && replicas * steps <= MAX_DETAILS;
        let asked = queries(&|name| names.contains(name), &self.context(grid.window));
        let asked = asked.into_iter().filter(|query| is_small || !query.is_detailed);
        let answers = asked.map(|query| self.answered(query, grid, old, limit).boxed_local());
        let answers: Vec<Answered> = all(answers).await.into_iter().flatten().collect();
        let mut evidence = Evidence::new(grid.start_ms, grid.step_ms, steps);
        for Answered { query, frame } in &answers {
            let column = |own: &plot::Column| Column { line: own.name.clone(), values: own.values.clone() };
            evidence.add(query.graph, query.is_detailed, frame.columns.iter().map(column).collect());
        }
        let report = Arc::new(find(&evidence, &self.backend.thresholds));
        let is_cut = grid.end_ms - self.range.start_ms > MAX_LENGTH_MS + grid.step_ms;
        Findings { scope: self.scope.clone(), grid, answers, report, is_cut }
    }

    /// The answer to a query over a grid, continued from what is known.
    async fn answered(
        &self,
        query: Query,
        grid: Grid,
        old: Option<&Findings>,
        limit: &RequestLimit,
    ) -> Option<Answered> {
        let known = old.and_then(|old| {
            let own = old.answers.iter().find(|own| own.query == query)?;
            Some((&own.frame, grid.tail_start_ms(old.grid.end_ms.min(grid.end_ms))))
        });
        let from_ms = known.map_or(grid.start_ms, |(_, from_ms)| from_ms);
        let permit = limit.permit().await;
        let answer = self.backend.range(query.promql.clone(), from_ms, grid.end_ms, grid.step_ms).await;
        drop(permit);
        let Ok(Data::Matrix(matrix)) = answer else { return None };
        let tail = frame(&matrix, grid, from_ms);
        let frame = match known {
            Some((frame, _)) => with_tail(frame, tail, grid.start_ms),
            None => tail,
        };
        Some(Answered { query, frame })
    }
}
