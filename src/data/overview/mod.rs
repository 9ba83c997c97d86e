//! What is shown at a glance: figures of each model, or of the scope as a whole, with those of the range before.
pub(crate) mod figures;
pub(crate) mod models;

use crate::data::data_start::DataStart;
use crate::data::discovery::scope_key::Labels;
use crate::data::graph::frame::line_name;
use crate::data::graph::grid::Grid;
use crate::data::graph::request::is_still_valid;
use crate::data::http::error::RequestError;
use crate::data::http::request_limit::{RequestLimit, all};
use crate::data::overview::models::GPU_LINES;
use crate::data::round::Round;
use crate::state::time_range::TimeRange;
use crate::wasm_size::sort::sort_by;
use catalogue::{DrawStyle, Graph, QueryContext, Scope, graph, machines_overview_query, overview_query};
use futures::FutureExt;
use prometheus_api::Data;

/// The models that get the GPUs of their machines: each needs a query with a list of them.
const MAX_GPU_MODELS: usize = 40;
/// Queries are joined up to this length.
const MAX_GPU_QUERY_BYTES: usize = 8_000;

/// The number of values of a trend.
const TREND_STEPS: i64 = 32;

/// When the values are that are asked of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// At the end of the range.
    Now,
    /// Over the range.
    Range,
    /// Over the period of the same length before it.
    Before,
    /// At the start of the period before it.
    Earliest,
    /// At even distances within the range.
    Trend,
}

/// What is asked: a graph's id, and when.
pub(crate) type Ask = (&'static str, When);

/// The values of one line, of one model or of the scope.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reading {
    /// The model; empty for series that name none.
    pub(crate) model: String,
    /// The line, without its engine.
    pub(crate) line: String,
    /// One value, or those of a trend, NaN where there is none.
    pub(crate) values: Vec<f64>,
}

/// The answers to what was asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Overview {
    scope: Scope,
    /// The range of the values over it; it may lag a little behind the visible one.
    pub(crate) range: TimeRange,
    /// The end of trends: that of the range, or the server's time if that was earlier.
    until_ms: i64,
    /// Since when there are data in scope.
    data_start: DataStart,
    answers: Vec<(Ask, Vec<Reading>)>,
}

impl Overview {
    /// Asks again for what is no longer valid. Where there is no answer, the old one stays: the cards say why.
    pub(crate) async fn continued(
        old: Option<&Self>,
        round: &Round,
        asks: &[Ask],
        is_by_model: bool,
        limit: &RequestLimit,
    ) -> Self {
        let is_valid =
            |old: &&Self| old.range == round.range || round.is_live && is_still_valid(old.range, round.range);
        let same = old.filter(|old| old.scope == round.scope);
        let old = same.filter(is_valid);
        let answer = |ask: Ask| {
            async move {
                let known = old.filter(|_| ask.1 != When::Now).and_then(|old| old.answer(ask));
                match known {
                    Some(known) => (ask, known.to_vec()),
                    None => {
                        let answer = round.readings(ask, is_by_model, limit).await;
                        let last = || same.and_then(|same| same.answer(ask)).unwrap_or_default().to_vec();
                        (ask, answer.unwrap_or_else(|_| last()))
                    }
                }
            }
            .boxed_local()
        };
        let answers = all(asks.iter().map(|ask| answer(*ask))).await;
        Self {
            scope: round.scope.clone(),
            range: old.map_or(round.range, |old| old.range),
            until_ms: old.map_or(round.until_ms(), |old| old.until_ms),
            data_start: round.data_start,
            answers,
        }
    }

    fn answer(&self, ask: Ask) -> Option<&[Reading]> {
        self.answers.iter().find(|(own, _)| *own == ask).map(|(_, readings)| readings.as_slice())
    }

    /// The readings of a model, or of the scope as a whole.
    pub(crate) fn of<'a>(&'a self, ask: Ask, model: &'a str) -> impl Iterator<Item = &'a Reading> {
        of_model(self.answer(ask).unwrap_or_default(), model)
    }

    /// The value of a line; of several engines the highest. None without one.
    pub(crate) fn value(&self, ask: Ask, model: &str, line: &str) -> Option<f64> {
        let own = self.of(ask, model).filter(|reading| reading.line == line);
        own.filter_map(|reading| reading.values.first().copied()).filter(|value| value.is_finite()).reduce(f64::max)
    }

    /// The answer to one question that has no model.
    #[cfg(test)]
    pub(crate) fn of_values(ask: Ask, lines: &[(&str, f64)]) -> Self {
        let reading =
            |(line, value): &(&str, f64)| Reading { model: String::new(), line: (*line).into(), values: vec![*value] };
        Self { answers: vec![(ask, lines.iter().map(reading).collect())], ..Self::default() }
    }

    /// The sum of the lines that pass a test; none without any.
    pub(crate) fn sum(&self, ask: Ask, model: &str, is_wanted: &dyn Fn(&str) -> bool) -> Option<f64> {
        let own = self.of(ask, model).filter(|reading| is_wanted(&reading.line));
        let values = own.filter_map(|reading| reading.values.first().copied()).filter(|value| value.is_finite());
        values.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
    }

    /// The time that trends stand for.
    pub(crate) fn trend_range(&self) -> TimeRange {
        TimeRange::new(self.until_ms - self.range.length_ms(), self.until_ms)
    }

    /// The values of a trend, of several lines their sum or the highest; empty without any.
    pub(crate) fn trend(&self, graph: &'static str, model: &str, join: fn(f64, f64) -> f64) -> Vec<f64> {
        let mut trend: Vec<f64> = Vec::new();
        for reading in self.of((graph, When::Trend), model) {
            if trend.is_empty() {
                trend.clone_from(&reading.values);
                continue;
            }
            for (value, more) in trend.iter_mut().zip(&reading.values) {
                *value = match (value.is_nan(), more.is_nan()) {
                    (true, _) => *more,
                    (_, true) => *value,
                    _ => join(*value, *more),
                };
            }
        }
        trend
    }
}

/// The readings of a model among those in order of models: a table asks for each of hundreds.
fn of_model<'a>(readings: &'a [Reading], model: &'a str) -> impl Iterator<Item = &'a Reading> {
    let first = readings.partition_point(|reading| reading.model.as_str() < model);
    readings[first..].iter().take_while(move |reading| reading.model == model)
}

impl Round {
    /// The readings of one graph, in order of models; none if it has no metrics.
    async fn readings(
        &self,
        (id, when): Ask,
        is_by_model: bool,
        limit: &RequestLimit,
    ) -> Result<Vec<Reading>, RequestError> {
        let Some(graph) = graph(id) else { return Ok(Vec::new()) };
        let range_ms = matches!(when, When::Range | When::Before).then(|| self.range.length_ms());
        let step_ms = (self.range.length_ms() / TREND_STEPS).max(1);
        let mut context = self.context(self.overview_window(graph));
        if when == When::Trend {
            context.window.length_ms = context.window.length_ms.max(step_ms);
        }
        let names = self.names(&self.scope);
        let overview = catalogue::Overview { is_by_model, range_ms };
        let query = overview_query(graph, &|name| names.contains(name), &context, overview);
        let Some(query) = query else { return Ok(Vec::new()) };
        let _permit = limit.permit().await;
        let answer = match when {
            When::Now | When::Range => self.backend.instant(query, self.end_ms()).await,
            When::Before => self.backend.instant(query, Some(self.range.start_ms)).await,
            When::Earliest => {
                let start_ms = self.range.start_ms - self.range.length_ms();
                self.backend.instant(query, Some(start_ms)).await
            }
            When::Trend => {
                let end_ms = self.until_ms();
                self.backend.range(query, end_ms - (TREND_STEPS - 1) * step_ms, end_ms, step_ms).await
            }
        };
        let mut readings = self.read(answer?, step_ms);
        if is_by_model && id == "gpu" {
            // Where this fails, the other models keep theirs.
            readings.extend(self.gpu_readings(graph, &context, &readings).await.unwrap_or_default());
        }
        sort_by(&mut readings, |a, b| a.model.cmp(&b.model));
        Ok(readings)
    }

    /// The readings of GPUs whose exporter names no model, for the models whose replicas run on its machines.
    async fn gpu_readings(
        &self,
        graph: &Graph,
        context: &QueryContext<'_>,
        known: &[Reading],
    ) -> Result<Vec<Reading>, RequestError> {
        if known.iter().all(|reading| !reading.model.is_empty()) {
            return Ok(Vec::new());
        }
        let is_missing = |model: &&str| known.iter().all(|reading| reading.model != *model);
        let of_model = |model: &str| Scope { model: Some(model.to_owned()), ..self.scope.clone() };
        let models = self.inventory.models();
        let scopes = models.into_iter().filter(is_missing).take(MAX_GPU_MODELS).map(of_model);
        let scopes: Vec<Scope> = scopes
            .filter(|scope| self.inventory.machines(scope).of_replicas.is_some_and(|own| !own.is_empty()))
            .collect();
        let names = self.names(&self.scope);
        let mut queries: Vec<String> = Vec::new();
        for scope in &scopes {
            let context = QueryContext { scope, ..context.clone() };
            let query = machines_overview_query(graph, &|name| names.contains(name), &context, &GPU_LINES);
            match (queries.last_mut(), query) {
                (_, None) => {}
                (Some(last), Some(query)) if last.len() + query.len() < MAX_GPU_QUERY_BYTES => {
                    last.push_str(" or ");
                    last.push_str(&query);
                }
                (_, Some(query)) => queries.push(query),
            }
        }
        let mut readings = Vec::new();
        for query in queries {
            readings.extend(self.read(self.backend.instant(query, self.end_ms()).await?, 1));
        }
        Ok(readings)
    }

    /// The window of rates on the card of a graph with lines.
    fn overview_window(&self, graph: &Graph) -> catalogue::Window {
        let intervals = self.intervals(graph, &self.scope);
        Grid::over(self.range, self.now_ms, intervals, DrawStyle::Lines, self.backend.counting).window
    }

    fn read(&self, answer: Data, step_ms: i64) -> Vec<Reading> {
        let reading = |labels: &Labels, line: String, values: Vec<f64>| Reading {
            model: labels.get(&self.backend.labels.model).cloned().unwrap_or_default(),
            line: catalogue::line_name(&line).to_owned(),
            values,
        };
        match answer {
            Data::Vector(vector) => {
                let one = vector.iter();
                one.map(|own| reading(&own.metric, line_name(own), vec![own.samples.value.1.0])).collect()
            }
            Data::Matrix(matrix) => {
                let start_ms = self.until_ms() - (TREND_STEPS - 1) * step_ms;
                let mut all = Vec::with_capacity(matrix.len());
                for own in &matrix {
                    let mut values = vec![f64::NAN; TREND_STEPS as usize];
                    for (time_s, number) in &own.samples.values {
                        let at = (time_s * 1000.0 - start_ms as f64) / step_ms as f64;
                        if let Some(value) = values.get_mut(at.round().max(0.0) as usize) {
                            *value = number.0;
                        }
                    }
                    all.push(reading(&own.metric, line_name(own), values));
                }
                all
            }
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readings_of_a_model_are_found_among_those_of_many() {
        let reading = |model: &str, line: &str| Reading { model: model.into(), line: line.into(), values: Vec::new() };
        let all = [reading("", "x"), reading("a", "x"), reading("b", "y"), reading("b", "x"), reading("c", "x")];
        let lines = |model| of_model(&all, model).map(|reading| reading.line.as_str()).collect::<Vec<_>>();
        assert_eq!(["", "a", "b", "c"].map(lines), [vec!["x"], vec!["x"], vec!["y", "x"], vec!["x"]]);
        assert_eq!(["aa", "d"].map(lines), [vec![""; 0], vec![""; 0]]);
    }
}
