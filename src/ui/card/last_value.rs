//! The last value of a line and its age, and the text beside the title of a card.
use crate::data::graph::card_state::{CardData, Status};
use crate::ui::graph::context::CardContext;
use crate::ui::graph::visible::is_limit;
use crate::ui::kit::format_time as time;
use catalogue::{Colours, DrawStyle, Graph, LineRole, Summary};
use leptos::prelude::*;

/// A value counts as current up to this age, or up to this number of steps.
const MAX_CURRENT_AGE_MS: i64 = 60_000;
const MAX_CURRENT_STEPS: i64 = 3;

/// The age beyond which a value is not shown. Prometheus looks back as far for the current sample.
const MAX_AGE_MS: i64 = 300_000;

/// The last value of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum LastValue {
    /// A current value.
    Current(f64),
    /// An older value.
    Old {
        /// The value.
        value: f64,
        /// Its age in milliseconds.
        age_ms: i64,
    },
    /// A value that is too old to be shown.
    Expired,
}

impl LastValue {
    /// The value as text; a dash if it is expired.
    pub(crate) fn text(self, format: impl Fn(f64) -> String) -> String {
        match self {
            Self::Current(value) | Self::Old { value, .. } => format(value),
            Self::Expired => "–".into(),
        }
    }
}

/// The last of `values`, which belong to the times of `data`; none without a value.
pub(crate) fn last_value(data: &CardData, values: &[f64]) -> Option<LastValue> {
    let at = values.iter().rposition(|value| !value.is_nan())?;
    let (value, time_ms) = (*values.get(at)?, data.frame.times_ms.get(at)?);
    let age_ms = data.until_ms - time_ms;
    let max_current_age_ms = MAX_CURRENT_AGE_MS.max(MAX_CURRENT_STEPS * data.grid.step_ms);
    Some(match age_ms {
        _ if age_ms <= max_current_age_ms => LastValue::Current(value),
        ..=MAX_AGE_MS => LastValue::Old { value, age_ms },
        _ => LastValue::Expired,
    })
}

/// Whether the newest value is of its moment, and not of a window that has to pass first: of states, as the number of
/// replicas, even those in an unfinished bar are true.
fn is_of_moments(graph: &Graph) -> bool {
    graph.summary == Summary::None
}

/// The last value of a visible line, by its index.
pub(crate) fn last_value_at(card: CardContext, at: usize) -> Option<LastValue> {
    let last = |data: &CardData| {
        card.lines.with(|lines| {
            let values = &lines.frame.columns.get(at)?.values;
            let count = if is_of_moments(card.graph) { values.len() } else { lines.known_count() };
            last_value(data, values.get(..count)?)
        })
    };
    card.data.with(|data| last(data.as_ref()?))
}

/// The text beside the title: since when the card is stale, or the last value of all bars or of the first line. Percentiles
/// have none: which of them it is would have to be known.
pub(crate) fn header_text(card: CardContext) -> String {
    let graph = card.graph;
    if let Status::Stale { since_ms } = card.status.get() {
        return format!("stale since {}", time::clock(since_ms));
    }
    let Some(data) = card.data.get().filter(|_| graph.colours != Colours::Percentiles) else { return String::new() };
    let (data, frame) = (&*data, &data.frame);
    let last = match graph.draw_style {
        DrawStyle::Bars => {
            let mut sums = frame.sums(|at| !is_limit(graph, &frame.columns[at].name));
            if card.lines.with(|lines| lines.is_counted) {
                let last = sums.len().saturating_sub(1);
                for (at, rate) in sums.iter_mut().enumerate() {
                    let of_ms = data.latest_window_ms.filter(|_| at == last).unwrap_or(data.grid.step_ms);
                    *rate *= of_ms as f64 / 1000.0;
                }
            }
            last_value(data, if is_of_moments(graph) { &sums } else { data.known_bars(&sums) })
        }
        DrawStyle::Lines => {
            let first = graph.lines.iter().find(|line| line.role == LineRole::Data && !line.name.is_empty());
            let column = first.and_then(|line| frame.columns.iter().find(|column| column.name == line.name));
            column.and_then(|column| last_value(data, &column.values))
        }
    };
    let text = last.map(|last| last.text(|value| card.unit().format(value))).unwrap_or_default();
    match last {
        Some(LastValue::Old { age_ms, .. }) => format!("{text}, {} ago", time::age(age_ms)),
        _ => text,
    }
}

/// The name of the value beside the title; empty if there is none.
pub(crate) fn header_name(card: CardContext) -> &'static str {
    let graph = card.graph;
    if graph.colours == Colours::Percentiles || card.status.with(|status| matches!(status, Status::Stale { .. })) {
        return "";
    }
    match graph.draw_style {
        DrawStyle::Bars if graph.lines.len() > 1 || graph.lines.iter().all(|line| line.name.is_empty()) => "all",
        _ => graph.lines.iter().find(|line| line.role == LineRole::Data).map_or("", |line| line.name),
    }
}

/// When the value beside the title is of: the newest complete bar, such as `1 min to 14:05:00`, or the newest moment.
pub(crate) fn header_source(card: CardContext) -> String {
    card.data.with(|data| {
        let Some(data) = data else { return String::new() };
        let times_ms = &data.frame.times_ms;
        match card.graph.draw_style {
            DrawStyle::Bars if !is_of_moments(card.graph) => {
                let complete = times_ms.len() - usize::from(data.latest_window_ms.is_some() && !times_ms.is_empty());
                let Some(end_ms) = complete.checked_sub(1).and_then(|at| times_ms.get(at)) else {
                    return String::new();
                };
                format!("{} to {}", time::duration(data.grid.step_ms), time::clock(*end_ms))
            }
            _ => times_ms.last().map(|end_ms| format!("at {}", time::clock(*end_ms))).unwrap_or_default(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::graph::grid::Grid;
    use crate::state::time_range::TimeRange;
    use catalogue::Window;
    use plot::Frame;

    /// The last value of a line whose value 7 is at a time, in a range that ends at 1,000 s.
    fn last(last_s: i64, step_s: i64) -> LastValue {
        let frame = Frame { times_ms: vec![0, last_s * 1000, 1_000_000], columns: Vec::new() };
        let grid =
            Grid { start_ms: 0, end_ms: 1_000_000, step_ms: step_s * 1000, window: Window::sliding(1), settling_ms: 0 };
        let data = CardData { frame, grid, ..CardData::blank(TimeRange::new(0, 1_000_000)) };
        last_value(&data, &[3.0, 7.0, f64::NAN]).expect("a value")
    }

    #[test]
    fn a_value_is_current_then_old_then_expired() {
        let old = |age_ms| LastValue::Old { value: 7.0, age_ms };
        for (last_s, step_s, expected) in [
            (999, 5, LastValue::Current(7.0)),
            (940, 5, LastValue::Current(7.0)),
            (939, 5, old(61_000)),
            (700, 5, old(300_000)),
            (699, 5, LastValue::Expired),
            (910, 30, LastValue::Current(7.0)),
            (909, 30, old(91_000)),
            (640, 120, LastValue::Current(7.0)),
            (639, 120, LastValue::Expired),
        ] {
            assert_eq!(last(last_s, step_s), expected, "{last_s} {step_s}");
        }
        assert_eq!(
            (last(699, 5).text(|value| value.to_string()), last(939, 5).text(|value| value.to_string())),
            ("–".into(), "7".into())
        );
    }

    #[test]
    fn a_line_without_values_has_no_last_value() {
        assert_eq!(last_value(&CardData::blank(TimeRange::new(0, 1)), &[f64::NAN]), None);
        assert_eq!(last_value(&CardData::blank(TimeRange::new(0, 1)), &[]), None);
    }
}
