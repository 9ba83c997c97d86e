//! What happened within the range: processes that started, replicas that vanished, engines of another version.
use crate::data::graph::grid::Grid;
use crate::data::graph::request::Round;
use crate::data::http::client::Failure;
use crate::data::refresh_loop::Feed;
use crate::wasm_size::sort::sort_by;
use catalogue::{DrawStyle, QueryContext, engine, events_query};
use leptos::prelude::*;
use prometheus_api::{Data, RangeValues, Series};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Happening {
    /// A replica's process started.
    Started,
    /// A replica told nothing any more: it was removed, or it is down.
    Vanished,
    /// An engine of this version was not there before.
    New,
}

/// A moment to mark on every graph.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// Unix milliseconds.
    pub time_ms: i64,
    /// What happened.
    pub happening: Happening,
    /// To which replica, or of which engine and version.
    pub name: String,
}

impl Happening {
    /// What the sentence says of the name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Vanished => "vanished",
            Self::New => "appeared",
        }
    }
}

impl Mark {
    /// What happened, in words.
    pub fn told(&self) -> String {
        format!("{} {}", self.name, self.happening.word())
    }
}

/// A replica counts as gone once it has told nothing for so many steps.
const GONE_STEPS: i64 = 3;

impl Feed {
    /// Brings the marks up to date.
    pub(crate) async fn fetch_marks(self, round: &Round) -> Result<(), Failure> {
        let grid = Grid::over(round.range, round.interval_ms, DrawStyle::Lines);
        let ask = QueryContext { scope: &round.scope, labels: &round.backend.labels, window_ms: grid.window_ms };
        let data = round.backend.range(events_query(&ask), grid.start_ms, grid.end_ms, grid.step_ms).await;
        let matrix = match data {
            Ok(Data::Matrix(matrix)) => matrix,
            Err(failure) if failure.is_connection() => return Err(failure),
            // Marks are an extra: without them the graphs are still right.
            Ok(_) | Err(_) => return Ok(()),
        };
        let marks = marks(&matrix, &round.backend.labels.replica, grid, round.range);
        if self.is_current(round) && self.marks.with_untracked(|old| *old != marks) {
            self.marks.set(marks);
        }
        Ok(())
    }
}

/// The marks of a range, in order of time, from start times by replica and engines by version.
fn marks(matrix: &[Series<RangeValues>], replica: &str, grid: Grid, range: (i64, i64)) -> Vec<Mark> {
    let mut marks = Vec::new();
    let span = |series: &Series<RangeValues>| {
        let [first, last] = [series.samples.values.first()?, series.samples.values.last()?];
        Some([first, last].map(|(time_s, _)| ms(*time_s)))
    };
    for series in matrix {
        let label = |name: &str| series.metric.get(name).map_or("", String::as_str);
        let Some([first_ms, last_ms]) = span(series) else { continue };
        if let Some(own) = series.metric.get("engine") {
            // The first version that is known may be older than what is known of it.
            let is_its = |other: &&Series<RangeValues>| other.metric.get("engine") == Some(own);
            if matrix.iter().filter(is_its).filter_map(span).any(|other| other[0] < first_ms) {
                let title = engine(own).map_or(own.as_str(), |engine| engine.title);
                let name = format!("{title} {}", label("version"));
                marks.push(Mark { time_ms: first_ms, happening: Happening::New, name });
            }
            continue;
        }
        let name = label(replica);
        let mut known_ms = None;
        for (_, number) in &series.samples.values {
            let time_ms = ms(number.0);
            // A start is told at every step until the next.
            if known_ms.replace(time_ms) != Some(time_ms) {
                marks.push(Mark { time_ms, happening: Happening::Started, name: name.to_owned() });
            }
        }
        if last_ms + GONE_STEPS * grid.step_ms.max(grid.window_ms) < range.1 {
            marks.push(Mark { time_ms: last_ms, happening: Happening::Vanished, name: name.to_owned() });
        }
    }
    marks.retain(|mark| (range.0..=range.1).contains(&mark.time_ms));
    sort_by(&mut marks, Mark::cmp);
    marks.dedup();
    marks
}

fn ms(time_s: f64) -> i64 {
    (time_s * 1000.0) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_api::Number;

    fn series(labels: &[(&str, &str)], values: &[(f64, f64)]) -> Series<RangeValues> {
        let metric = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let values = values.iter().map(|(time_s, value)| (*time_s, Number(*value))).collect();
        Series { metric, samples: RangeValues { values } }
    }

    #[test]
    fn starts_departures_and_versions_are_marked_once() {
        let grid = Grid { start_ms: 100_000, end_ms: 200_000, step_ms: 10_000, window_ms: 10_000 };
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
        let told = |mark: &Mark| (mark.time_ms, mark.told());
        let told: Vec<_> = marks(&matrix, "replica", grid, (100_000, 200_000)).iter().map(told).collect();
        let expected = [(120_000, "gone vanished"), (145_000, "again started"), (160_000, "vLLM 0.33.0 appeared")];
        assert_eq!(told, expected.map(|(time_ms, text)| (time_ms, text.to_owned())));
    }
}
