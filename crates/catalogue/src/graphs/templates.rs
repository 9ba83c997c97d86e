//! Defaults for graphs of one kind: a graph states only what differs.
use crate::{Colours, Detail, DrawStyle, Graph, Line, LineRole, Section, Summary, Unit};

/// A line of data.
pub(super) const fn data(name: &'static str) -> Line {
    Line { name, role: LineRole::Data }
}

/// A limit that data should stay below.
pub(super) const fn limit(name: &'static str) -> Line {
    Line { name, role: LineRole::Limit }
}

/// A value to compare data with.
pub(super) const fn guide(name: &'static str) -> Line {
    Line { name, role: LineRole::Guide }
}

/// Lines that are named by the shape of a recipe.
pub(super) const UNNAMED: &[Line] = &[data("")];

/// Lines of plain numbers.
pub(super) const LINES: Graph = Graph {
    id: "",
    title: "",
    help: "",
    unit: Unit::Count,
    section: Section::Requests,
    is_shown: false,
    draw_style: DrawStyle::Lines,
    colours: Colours::Order,
    summary: Summary::None,
    detail: Detail::Replicas,
    ceiling: None,
    lines: UNNAMED,
};

/// Percentiles, or the mean where there are no percentiles.
pub(super) const PERCENTILES: Graph = Graph {
    unit: Unit::Seconds,
    colours: Colours::Percentiles,
    summary: Summary::Percentiles,
    lines: &[data(""), data("mean")],
    ..LINES
};

/// Events per second, counted over the range.
pub(super) const EVENTS: Graph = Graph { unit: Unit::PerSecond, summary: Summary::Counts, ..LINES };

/// Events per second, stacked.
pub(super) const STACK: Graph = Graph { draw_style: DrawStyle::Bars, ..EVENTS };

/// A share, drawn from 0 to 1.
pub(super) const SHARE: Graph = Graph { unit: Unit::Share, ceiling: Some(1.0), ..LINES };
