//! The newest value of a line, and whether it still is one.
use crate::data::graph::card_state::{CardData, Status};
use crate::ui::graph::context::CardContext;
use crate::ui::graph::visible::is_limit;
use crate::ui::kit::format_time as time;
use catalogue::{DrawStyle, LineRole};
use leptos::prelude::*;

/// A value passes for the present one as long as it is no older than this, or than so many steps.
const FRESH_MS: i64 = 60_000;
const FRESH_STEPS: i64 = 3;

/// Past this it is not told any more: for so long a Prometheus takes a sample for the present one.
const TOLD_MS: i64 = 300_000;

/// What there is to tell of the end of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Newest {
    /// The value of now.
    Fresh(f64),
    /// A value too old for that.
    Old {
        /// The value.
        value: f64,
        /// How old it is, in milliseconds.
        age_ms: i64,
    },
    /// No value for too long.
    Gone,
}

impl Newest {
    /// The value as text, a dash where it is gone.
    pub(crate) fn text(self, written: impl Fn(f64) -> String) -> String {
        match self {
            Self::Fresh(value) | Self::Old { value, .. } => written(value),
            Self::Gone => "–".into(),
        }
    }
}

/// The newest of `values`, which lie at the times of what is drawn; none where there is none at all.
pub(crate) fn newest(drawn: &CardData, values: &[f64]) -> Option<Newest> {
    let at = values.iter().rposition(|value| !value.is_nan())?;
    let (value, time_ms) = (*values.get(at)?, drawn.frame.times_ms.get(at)?);
    let (age_ms, fresh_ms) = (drawn.until_ms - time_ms, FRESH_MS.max(FRESH_STEPS * drawn.grid.step_ms));
    Some(match age_ms {
        _ if age_ms <= fresh_ms => Newest::Fresh(value),
        ..=TOLD_MS => Newest::Old { value, age_ms },
        _ => Newest::Gone,
    })
}

/// The newest value of a column of what is shown.
pub(crate) fn newest_at(card: CardContext, at: usize) -> Option<Newest> {
    let of = |drawn: &CardData| card.shown.with(|shown| newest(drawn, &shown.frame.columns.get(at)?.values));
    card.drawn.with(|drawn| of(drawn.as_ref()?))
}

/// What stands at the right of the heading: since when the card is stale, or the newest value.
pub(crate) fn note(card: CardContext) -> String {
    let graph = card.graph;
    if let Status::Stale { since_ms } = card.status.get() {
        return format!("stale since {}", time::clock(since_ms));
    }
    let Some(drawn) = card.drawn.get() else { return String::new() };
    let (drawn, frame) = (&*drawn, &drawn.frame);
    let newest = match graph.draw_style {
        // The last bar is still growing.
        DrawStyle::Bars => {
            let sums = frame.sums(|at| !is_limit(graph, &frame.columns[at].name));
            sums.split_last().and_then(|(_, done)| newest(drawn, done))
        }
        DrawStyle::Lines => {
            let first = graph.lines.iter().find(|line| line.role == LineRole::Data && !line.name.is_empty());
            let own = first.and_then(|line| frame.columns.iter().find(|column| column.name == line.name));
            own.and_then(|column| newest(drawn, &column.values))
        }
    };
    let text = newest.map(|newest| newest.text(|value| card.unit().format(value))).unwrap_or_default();
    match newest {
        Some(Newest::Old { age_ms, .. }) => format!("{text}, {} ago", time::age(age_ms)),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::graph::grid::Grid;
    use crate::state::time_range::TimeRange;
    use plot::Frame;

    /// Of a line whose last value, 7, is at a time; the range ends at 1,000 s.
    fn of(last_s: i64, step_s: i64) -> Newest {
        let frame = Frame { times_ms: vec![0, last_s * 1000, 1_000_000], columns: Vec::new() };
        let grid = Grid { start_ms: 0, end_ms: 1_000_000, step_ms: step_s * 1000, window_ms: 1 };
        let drawn = CardData { frame, grid, ..CardData::blank(TimeRange::new(0, 1_000_000)) };
        newest(&drawn, &[3.0, 7.0, f64::NAN]).expect("a value")
    }

    #[test]
    fn a_value_passes_for_the_present_one_only_while_it_is() {
        let old = |age_ms| Newest::Old { value: 7.0, age_ms };
        for (last_s, step_s, expected) in [
            (999, 5, Newest::Fresh(7.0)),
            (940, 5, Newest::Fresh(7.0)),
            (939, 5, old(61_000)),
            (700, 5, old(300_000)),
            (699, 5, Newest::Gone),
            (910, 30, Newest::Fresh(7.0)),
            (909, 30, old(91_000)),
            (640, 120, Newest::Fresh(7.0)),
            (639, 120, Newest::Gone),
        ] {
            assert_eq!(of(last_s, step_s), expected, "{last_s} {step_s}");
        }
        assert_eq!(
            (of(699, 5).text(|value| value.to_string()), of(939, 5).text(|value| value.to_string())),
            ("–".into(), "7".into())
        );
    }

    #[test]
    fn a_line_without_values_has_no_newest() {
        assert_eq!(newest(&CardData::blank(TimeRange::new(0, 1)), &[f64::NAN]), None);
        assert_eq!(newest(&CardData::blank(TimeRange::new(0, 1)), &[]), None);
    }
}
