//! What graphs of one kind have in common; a graph names only what is its own.
use crate::{Colours, Detail, Graph, Line, Look, Role, Section, Summary, Unit};

/// A line of data.
pub(super) const fn data(name: &'static str) -> Line {
    Line { name, role: Role::Data }
}

/// A bound that data should stay below.
pub(super) const fn limit(name: &'static str) -> Line {
    Line { name, role: Role::Limit }
}

/// What data is compared with.
pub(super) const fn guide(name: &'static str) -> Line {
    Line { name, role: Role::Guide }
}

/// Lines that the shape of a recipe names.
pub(super) const UNNAMED: &[Line] = &[data("")];

/// Lines of plain numbers.
pub(super) const LINES: Graph = Graph {
    id: "",
    title: "",
    help: "",
    unit: Unit::Count,
    section: Section::Requests,
    is_shown: false,
    look: Look::Lines,
    colours: Colours::Order,
    summary: Summary::None,
    detail: Detail::Replicas,
    lines: UNNAMED,
};

/// Percentiles, and the mean where it is all that there is.
pub(super) const PERCENTILES: Graph = Graph {
    unit: Unit::Seconds,
    colours: Colours::Percentiles,
    summary: Summary::Percentiles,
    lines: &[data(""), data("mean")],
    ..LINES
};

/// Events a second, counted over the range.
pub(super) const EVENTS: Graph = Graph { unit: Unit::PerSecond, summary: Summary::Counts, ..LINES };

/// Events a second, stacked.
pub(super) const STACK: Graph = Graph { look: Look::Bars, ..EVENTS };

/// A share of one.
pub(super) const SHARE: Graph = Graph { unit: Unit::Share, ..LINES };
