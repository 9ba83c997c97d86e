//! The types that describe a graph: a new graph is one constant of them.
use crate::Unit;

/// One graph of the catalogue. The metrics that feed it are listed with the engines, see [`crate::Recipe`].
#[derive(Debug)]
pub struct Graph {
    /// Stable name, as in links and saved layouts.
    pub id: &'static str,
    /// Heading of its card.
    pub title: &'static str,
    /// What it measures, how to read it, and what to do when it is high or low.
    pub help: &'static str,
    /// Unit of its values.
    pub unit: Unit,
    /// Its tab of the page.
    pub section: Section,
    /// Whether it is shown by default. The others are offered in the list of graphs.
    pub is_shown: bool,
    /// Lines or bars.
    pub draw_style: DrawStyle,
    /// How its lines get their colours.
    pub colours: Colours,
    /// What its summary says about the whole range.
    pub summary: Summary,
    /// What its details are.
    pub detail: Detail,
    /// The top of its axis, if it is always the same: 1 for most shares.
    pub ceiling: Option<f64>,
    /// The lines that are drawn.
    pub lines: &'static [Line],
}

impl Graph {
    /// The line that a drawn series of this name belongs to; the engine in the name is ignored.
    pub fn line(&self, drawn: &str) -> Option<&'static Line> {
        let name = line_name(drawn);
        self.lines.iter().find(|line| line.name == name)
    }
}

/// The separator between the parts of a drawn line's name.
pub(crate) const LINE_NAME_SEPARATOR: &str = " · ";

/// A drawn line's name without the engine that is added if several feed a graph: `2xx` of `2xx · vLLM`.
pub fn line_name(drawn: &str) -> &str {
    drawn.split_once(LINE_NAME_SEPARATOR).map_or(drawn, |(name, _)| name)
}

/// Whether a drawn line's name names this engine, as `p50 · vLLM` and `p50 · vLLM (previous)` do.
pub fn is_line_of(drawn: &str, engine: &str) -> bool {
    let mut parts = drawn.split(LINE_NAME_SEPARATOR).skip(1);
    parts.any(|part| part.strip_prefix(engine).is_some_and(|rest| rest.is_empty() || rest.starts_with(" (")))
}

/// A tab of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Section {
    /// Traffic and latency.
    Requests,
    /// The inside of the inference engine.
    Engine,
    /// The machines that it runs on.
    Hardware,
    /// Numbers and states of replicas.
    Replicas,
    /// Requests whose results are delivered later, by a webhook.
    Async,
}

impl Section {
    /// All sections in the page's order.
    pub const ALL: [Self; 5] = [Self::Requests, Self::Engine, Self::Hardware, Self::Replicas, Self::Async];

    /// Name in links.
    pub fn id(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Engine => "engine",
            Self::Hardware => "hardware",
            Self::Replicas => "replicas",
            Self::Async => "async",
        }
    }

    /// Name on the page.
    pub fn title(self) -> &'static str {
        match self {
            Self::Requests => "Requests",
            Self::Engine => "Engine",
            Self::Hardware => "Hardware",
            Self::Replicas => "Replicas",
            Self::Async => "Async",
        }
    }

    /// The section with this id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|section| section.id() == id)
    }
}

/// How a graph is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrawStyle {
    /// One line for each series.
    Lines,
    /// Stacked bars, one stack for each step. Because bars add up, requests that two layers count are drawn once, see
    /// [`crate::Layer`].
    Bars,
}

/// How lines get their colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// In the order of the lines.
    Order,
    /// Shades of one hue, p50 lightest to p99 darkest.
    Percentiles,
    /// Fixed by the status class, 1xx to 5xx, or by the name of an outcome.
    StatusClasses,
}

/// What the values above a graph say about the whole range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Summary {
    /// There are none.
    None,
    /// Events counted over the range, and the share of each line.
    Counts,
    /// Percentiles over the range.
    Percentiles,
}

/// What the details of a graph are, drawn instead of sums and averages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Status codes instead of classes.
    Codes,
    /// Each replica, or each host if hosts are measured; the 95th percentile of latencies.
    Replicas,
    /// Each GPU.
    Gpus,
}

/// One line of a graph, or several whose names the recipe's shape gives.
#[derive(Debug)]
pub struct Line {
    /// Its name in legend and tooltip; empty if the shape names its lines (percentiles, classes, labels).
    pub name: &'static str,
    /// Whether it is data or a limit.
    pub role: LineRole,
}

/// What a line means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineRole {
    /// Measured.
    Data,
    /// A limit that data should stay below, drawn dashed.
    Limit,
    /// A value to compare data with, which data may exceed: drawn dashed and pale, never stacked.
    Guide,
}
