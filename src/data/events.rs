//! Events within the range: processes that started, replicas that vanished, engines of a new version.
use crate::data::graph::grid::Grid;
use crate::data::http::error::RequestError;
use crate::data::round::Round;
use crate::state::time_range::TimeRange;
use crate::wasm_size::sort::sort_by;
use catalogue::{DrawStyle, engine, events_query};
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

/// Queries the events of a round; none if the server refuses, since the graphs are right without them.
pub(crate) async fn fetch_events(round: &Round) -> Result<Option<Vec<Event>>, RequestError> {
    let intervals = round.intervals.of_scope(&round.scope);
    let grid = Grid::over(round.range, round.now_ms, intervals, DrawStyle::Lines, round.backend.counting);
    let query = events_query(&round.context(grid.window));
    match round.backend.range(query.clone(), grid.start_ms, grid.end_ms, grid.step_ms).await {
        Ok(Data::Matrix(mut matrix)) => {
            // What has happened since the last step is known at the end of the range.
            if round.until_ms() - grid.end_ms > MAX_UNKNOWN_MS
                && let Ok(Data::Vector(latest)) = round.backend.instant(query, round.end_ms()).await
            {
                append(&mut matrix, latest);
            }
            Ok(Some(events(&matrix, &round.backend.labels.replica, grid, round.range)))
        }
        Err(error) if error.is_connection() => Err(error),
        Ok(_) | Err(_) => Ok(None),
    }
}

/// Appends the latest values to the series that have the same labels.
fn append(matrix: &mut Vec<Series<RangeValues>>, latest: Vec<Series<InstantValue>>) {
    sort_by(matrix, |a, b| a.metric.cmp(&b.metric));
    let mut new = Vec::new();
    for Series { metric, samples } in latest {
        match matrix.binary_search_by(|series| series.metric.cmp(&metric)) {
            Ok(at) => matrix[at].samples.values.push(samples.value),
            Err(_) => new.push(Series { metric, samples: RangeValues { values: vec![samples.value] } }),
        }
    }
    matrix.append(&mut new);
}

/// The events of a range in order of time, from start times by replica and engines by version.
fn events(matrix: &[Series<RangeValues>], replica_label: &str, grid: Grid, range: TimeRange) -> Vec<Event> {
    let mut events = Vec::new();
    let ends = |series: &Series<RangeValues>| {
        let [first, last] = [series.samples.values.first()?, series.samples.values.last()?];
        Some(TimeRange::new(milliseconds(first.0), milliseconds(last.0)))
    };
    for series in matrix {
        let label = |name: &str| series.metric.get(name).map_or("", String::as_str);
        let Some(present) = ends(series) else { continue };
        if let Some(id) = series.metric.get("engine") {
            // The first known version is not new: it may have been there before the range.
            let is_same_engine = |other: &&Series<RangeValues>| other.metric.get("engine") == Some(id);
            let mut others = matrix.iter().filter(is_same_engine).filter_map(ends);
            if others.any(|other| other.start_ms < present.start_ms) {
                let title = engine(id).map_or(id.as_str(), |engine| engine.title);
                let name = format!("{title} {}", label("version"));
                events.push(Event { time_ms: present.start_ms, kind: EventKind::Appeared, name });
            }
            continue;
        }
        let name = label(replica_label);
        let mut last_start_ms = None;
        for (_, start_s) in &series.samples.values {
            let time_ms = milliseconds(start_s.0);
            // Every step repeats the start time until the next start.
            if last_start_ms.replace(time_ms) != Some(time_ms) {
                events.push(Event { time_ms, kind: EventKind::Started, name: name.to_owned() });
            }
        }
        if present.end_ms + VANISHED_STEPS * grid.step_ms.max(grid.window.length_ms) < range.end_ms {
            events.push(Event { time_ms: present.end_ms, kind: EventKind::Vanished, name: name.to_owned() });
        }
    }
    events.retain(|event| range.contains(event.time_ms));
    sort_by(&mut events, Event::cmp);
    events.dedup();
    events
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
        let matrix = [
            series(&[("replica", "old")], &stays(10, 20, 3.0)),
            series(&[("replica", "again")], &[stays(10, 13, 3.0), stays(15, 20, 145.0)].concat()),
            series(&[("replica", "gone")], &stays(10, 12, 3.0)),
            series(&[("replica", "late")], &stays(10, 18, 3.0)),
            series(&[("engine", "vllm"), ("version", "0.32.0")], &stays(10, 20, 1.0)),
            series(&[("engine", "vllm"), ("version", "0.33.0")], &stays(16, 20, 1.0)),
        ];
        let events = events(&matrix, "replica", grid, TimeRange::new(100_000, 200_000));
        let sentences: Vec<_> = events.iter().map(|event| (event.time_ms, event.sentence())).collect();
        let expected = [(120_000, "gone vanished"), (145_000, "again started"), (160_000, "vLLM 0.33.0 appeared")];
        assert_eq!(sentences, expected.map(|(time_ms, text)| (time_ms, text.to_owned())));
    }
}
