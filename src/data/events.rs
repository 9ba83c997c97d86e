//! Events within the range: processes that started, replicas that vanished, engines of a new version.
use crate::data::graph::grid::Grid;
use crate::data::http::error::RequestError;
use crate::data::round::Round;
use crate::state::time_range::TimeRange;
use crate::wasm_size::sort::sort_by;
use crate::wasm_size::table::Table;
use catalogue::{DrawStyle, GONE, engine, events_query};
use prometheus_api::{Data, InstantValue, RangeValues, Series};

/// The kind of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventKind {
    /// A replica's process started.
    Started,
    /// A replica stopped sending metrics: it was removed, or it is down.
    Vanished,
    /// An engine of a new version appeared.
    Appeared,
}

/// A moment that is marked on every graph.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    /// Unix milliseconds.
    pub time_ms: i64,
    /// What happened.
    pub kind: EventKind,
    /// The replica, or the engine with its version.
    pub name: String,
}

impl EventKind {
    /// The verb of the sentence about the event.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Vanished => "vanished",
            Self::Appeared => "appeared",
        }
    }
}

impl Event {
    /// The event in words.
    pub fn sentence(&self) -> String {
        format!("{} {}", self.name, self.kind.verb())
    }
}

/// Events of this time before the end of the range may be missing, in milliseconds.
const MAX_UNKNOWN_MS: i64 = 60_000;

/// A replica has vanished once it has been silent for this many steps.
const VANISHED_STEPS: i64 = 3;

/// What was queried so far, which refreshes continue.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct EventHistory {
    /// The query at the steps of a grid; the scope is in its text.
    query: String,
    grid: Option<Grid>,
    /// Changes of start times, in order of time.
    changes: Vec<StartChange>,
    versions: Vec<EngineVersion>,
}

/// A replica has another start time than a step before, or none any more.
#[derive(Clone, Debug, PartialEq)]
struct StartChange {
    /// The first time of which that is known, and the last one of which it is not, in Unix milliseconds.
    time_ms: i64,
    before_ms: i64,
    replica: String,
    /// None if there is no start time any more.
    start_ms: Option<i64>,
}

/// When engines of a version were there.
#[derive(Clone, Debug, PartialEq)]
struct EngineVersion {
    engine: String,
    version: String,
    present: TimeRange,
}

impl EventHistory {
    /// The history of a round, of which only what `self` lacks is queried; none if the server refuses, since the graphs
    /// are right without events.
    ///
    /// # Errors
    /// When the server is away.
    pub(crate) async fn continued(self, round: &Round) -> Result<Option<(Self, Vec<Event>)>, RequestError> {
        let intervals = round.intervals.of_scope(&round.scope);
        let grid = Grid::over(round.range, round.now_ms, intervals, DrawStyle::Lines, round.backend.counting);
        let query = events_query(&round.context(grid.window), grid.step_ms);
        let old = self.grid.filter(|old| self.query == query && grid.continues(old));
        let from_ms = old.map_or(grid.start_ms, |old| grid.tail_start_ms(old.end_ms.min(grid.end_ms)));
        let replica_label = &round.backend.labels.replica;
        let mut history = if old.is_some() { self.up_to(from_ms, grid) } else { Self::default() };
        match round.backend.range(query.clone(), from_ms, grid.end_ms, grid.step_ms).await {
            Ok(Data::Matrix(matrix)) => history.add(&matrix, replica_label, grid.step_ms),
            Err(error) if error.is_connection() => return Err(error),
            Ok(_) | Err(_) => return Ok(None),
        }
        (history.query, history.grid) = (query, Some(grid));
        // What has happened since the last step is known at the end of the range.
        let mut whole = history.clone();
        let since_ms = round.until_ms() - grid.end_ms;
        if since_ms > MAX_UNKNOWN_MS {
            let latest = events_query(&round.context(grid.window), since_ms);
            if let Ok(Data::Vector(latest)) = round.backend.instant(latest, round.end_ms()).await {
                whole.add(&latest.into_iter().map(as_range).collect::<Vec<_>>(), replica_label, since_ms);
            }
        }
        Ok(Some((history, whole.events(grid, round.range))))
    }

    /// What is known before a time, within a grid.
    fn up_to(mut self, end_ms: i64, grid: Grid) -> Self {
        self.changes.retain(|change| (grid.start_ms..end_ms).contains(&change.time_ms));
        self.versions.retain(|version| version.present.end_ms >= grid.start_ms && version.present.start_ms < end_ms);
        for EngineVersion { present, .. } in &mut self.versions {
            *present = TimeRange::new(present.start_ms.max(grid.start_ms), present.end_ms.min(end_ms));
        }
        self
    }

    /// Adds an answer: values at times that are `step_ms` after what they are compared with.
    fn add(&mut self, matrix: &[Series<RangeValues>], replica_label: &str, step_ms: i64) {
        for series in matrix {
            let label = |name: &str| series.metric.get(name).cloned().unwrap_or_default();
            let values = &series.samples.values;
            let (Some(first), Some(last)) = (values.first(), values.last()) else { continue };
            if series.metric.contains_key("engine") {
                let (engine, version) = (label("engine"), label("version"));
                let present = TimeRange::new(milliseconds(first.0), milliseconds(last.0));
                match self.versions.iter_mut().find(|own| (&own.engine, &own.version) == (&engine, &version)) {
                    Some(own) => own.present.end_ms = present.end_ms,
                    None => self.versions.push(EngineVersion { engine, version, present }),
                }
                continue;
            }
            for (time_s, value) in values {
                let time_ms = milliseconds(*time_s);
                self.changes.push(StartChange {
                    time_ms,
                    before_ms: time_ms - step_ms,
                    replica: label(replica_label),
                    start_ms: (value.0 != GONE).then(|| milliseconds(value.0)),
                });
            }
        }
        sort_by(&mut self.changes, |a, b| a.time_ms.cmp(&b.time_ms));
    }

    /// The events of a range in order of time.
    fn events(&self, grid: Grid, range: TimeRange) -> Vec<Event> {
        let mut events = Vec::new();
        for EngineVersion { engine: id, version, present } in &self.versions {
            // The first known version is not new: it may have been there before the range.
            let is_earlier = |other: &EngineVersion| other.engine == *id && other.present.start_ms < present.start_ms;
            if self.versions.iter().any(is_earlier) {
                let title = engine(id).map_or(id.as_str(), |engine| engine.title);
                let (time_ms, name) = (present.start_ms, format!("{title} {version}"));
                events.push(Event { time_ms, kind: EventKind::Appeared, name });
            }
        }
        let mut last = Table::default();
        for change in &self.changes {
            *last.at(&change.replica, change) = change;
            if let Some(time_ms) = change.start_ms {
                events.push(Event { time_ms, kind: EventKind::Started, name: change.replica.clone() });
            }
        }
        let silent_ms = VANISHED_STEPS * grid.step_ms.max(grid.window.length_ms);
        for (replica, change) in last.iter() {
            if change.start_ms.is_none() && change.before_ms + silent_ms < range.end_ms {
                let (time_ms, name) = (change.before_ms, replica.to_owned());
                events.push(Event { time_ms, kind: EventKind::Vanished, name });
            }
        }
        events.retain(|event| range.contains(event.time_ms));
        sort_by(&mut events, Event::cmp);
        events.dedup();
        events
    }
}

fn as_range(series: Series<InstantValue>) -> Series<RangeValues> {
    Series { metric: series.metric, samples: RangeValues { values: vec![series.samples.value] } }
}

fn milliseconds(time_s: f64) -> i64 {
    (time_s * 1000.0) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::discovery::intervals::ScrapeIntervals;
    use catalogue::Window;
    use prometheus_api::Number;

    fn series(labels: &[(&str, &str)], values: &[(f64, f64)]) -> Series<RangeValues> {
        let metric = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let values = values.iter().map(|(time_s, value)| (*time_s, Number(*value))).collect();
        Series { metric, samples: RangeValues { values } }
    }

    #[test]
    fn starts_losses_and_new_versions_are_one_event_each() {
        let range = TimeRange::new(100_000, 200_000);
        let grid = Grid { window: Window::sliding(10_000), ..Grid::fine(range, ScrapeIntervals::default(), 10) };
        let grid = Grid { step_ms: 10_000, ..grid };
        let stays = |from: i32, to: i32, value: f64| -> Vec<(f64, f64)> {
            (from..=to).map(|step| (f64::from(step) * 10.0, value)).collect()
        };
        let change = |at: i32, value: f64| (f64::from(at) * 10.0, value);
        let first = [
            series(&[("replica", "again")], &[change(13, GONE)]),
            series(&[("replica", "gone")], &[change(13, GONE)]),
            series(&[("engine", "vllm"), ("version", "0.32.0")], &stays(10, 15, 1.0)),
        ];
        let tail = [
            series(&[("replica", "again")], &[change(15, 145.0)]),
            series(&[("replica", "late")], &[change(19, GONE)]),
            series(&[("engine", "vllm"), ("version", "0.32.0")], &stays(14, 20, 1.0)),
            series(&[("engine", "vllm"), ("version", "0.33.0")], &stays(16, 20, 1.0)),
        ];
        let mut history = EventHistory::default();
        history.add(&first, "replica", 10_000);
        history.add(&[series(&[("replica", "gone")], &[change(14, 999.0)])], "replica", 10_000);
        let mut history = history.up_to(140_000, grid);
        history.add(&tail, "replica", 10_000);
        let range = TimeRange::new(100_000, 200_000);
        let sentences = |history: &EventHistory, range| -> Vec<(i64, String)> {
            history.events(grid, range).iter().map(|event| (event.time_ms, event.sentence())).collect()
        };
        let expected = [(120_000, "gone vanished"), (145_000, "again started"), (160_000, "vLLM 0.33.0 appeared")];
        let expected = expected.map(|(time_ms, text)| (time_ms, text.to_owned()));
        assert_eq!(sentences(&history, range), expected, "what is not settled is replaced");
        // What has happened before the range is over.
        let later = Grid { start_ms: 150_000, ..grid };
        let later = history.up_to(300_000, later);
        assert_eq!(sentences(&later, TimeRange::new(150_000, 200_000)), expected[2..]);
    }
}
