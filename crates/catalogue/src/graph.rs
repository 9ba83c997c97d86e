//! The words a graph is described in: a constant of these types is all that a new graph takes.
use crate::Unit;

/// One graph of the catalogue.
#[derive(Debug)]
pub struct Graph {
    /// Stable name, used in links and saved layouts.
    pub id: &'static str,
    /// Heading of its card.
    pub title: &'static str,
    /// What it measures, how to read it, and what to do when it is high or low.
    pub help: &'static str,
    /// Unit of its values.
    pub unit: Unit,
    /// Where it stands.
    pub section: Section,
    /// Lines or bars.
    pub look: Look,
    /// How its lines get their colours.
    pub colours: Colours,
    /// What its boxes say about the whole range.
    pub summary: Summary,
    /// What is drawn.
    pub lines: &'static [Line],
}

/// A part of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Section {
    /// Traffic and how fast it is served.
    Requests,
    /// Inside the inference engine.
    Engine,
    /// The machines below it.
    Hardware,
    /// How many copies run.
    Replicas,
}

impl Section {
    /// All sections in the page's order.
    pub const ALL: [Self; 4] = [Self::Requests, Self::Engine, Self::Hardware, Self::Replicas];

    /// Name in links.
    pub fn id(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Engine => "engine",
            Self::Hardware => "hardware",
            Self::Replicas => "replicas",
        }
    }

    /// Name on the page.
    pub fn title(self) -> &'static str {
        match self {
            Self::Requests => "Requests",
            Self::Engine => "Engine",
            Self::Hardware => "Hardware",
            Self::Replicas => "Replicas",
        }
    }

    /// The section of that id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|section| section.id() == id)
    }
}

/// How a graph is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// One line a series.
    Lines,
    /// Stacked bars, one stack a step.
    Bars,
}

/// How lines get their colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// In the order of the lines.
    Order,
    /// Shades of one hue, p50 lightest to p99 darkest.
    Percentiles,
    /// Fixed by the status class, 1xx to 5xx.
    StatusClasses,
}

/// What the boxes above a graph say about the whole range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Summary {
    /// No boxes.
    None,
    /// Events counted over the range, and the share of each line.
    Counts,
    /// Percentiles over the range.
    Percentiles,
}

/// One line, or one family of lines, of a graph.
#[derive(Debug)]
pub struct Line {
    /// Its name in legend and tooltip; empty where the shape names its own lines (percentiles, classes).
    pub name: &'static str,
    /// Whether it is data or a limit.
    pub role: Role,
    /// How each engine's metrics make it; all whose metrics are present are joined.
    pub recipes: &'static [Recipe],
}

/// What a line means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Measured.
    Data,
    /// A bound that data should stay below, drawn dashed.
    Limit,
}

/// How the metrics of one engine make a line.
#[derive(Debug)]
pub struct Recipe {
    /// Whose metrics these are.
    pub engine: Engine,
    /// What is made of them.
    pub shape: Shape,
}

/// Whose metrics a recipe reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Engine {
    /// vLLM, V0 and V1.
    Vllm,
    /// The host, under node_exporter's names; not narrowed by model or replica.
    Host,
    /// What a scraper knows of every target.
    Scrape,
}

impl Engine {
    /// Name on the page.
    pub fn title(self) -> &'static str {
        match self {
            Self::Vllm => "vLLM",
            Self::Host => "host",
            Self::Scrape => "scraper",
        }
    }
}

/// What is made of a metric. `names` lists one metric under all the names it has had, newest first: a series keeps
/// its line through a rename, and where a version exports two of the names at once the newer counts.
#[derive(Debug)]
pub enum Shape {
    /// Mean of a gauge over what is selected.
    Level {
        /// The gauge.
        names: &'static [&'static str],
    },
    /// Sum of a gauge.
    Total {
        /// The gauge.
        names: &'static [&'static str],
    },
    /// Sum of a counter's rate per second.
    Rate {
        /// The counter.
        names: &'static [&'static str],
    },
    /// A counter's rate per second, one line for each value of a label.
    RateBy {
        /// The counter.
        names: &'static [&'static str],
        /// The label.
        label: &'static str,
    },
    /// A counter's rate per second, one line for each class of an HTTP status: `"404"` and `"4xx"` count as 4xx.
    RateByClass {
        /// The counter.
        names: &'static [&'static str],
        /// The label that holds the status.
        label: &'static str,
    },
    /// Percentiles of a classic histogram; the names are without `_bucket`.
    Spread {
        /// The histogram.
        names: &'static [&'static str],
    },
    /// Share of one counter in another over the window; absent while the whole stands still.
    Share {
        /// The counter above the line.
        part: &'static [&'static str],
        /// The counter below it.
        whole: &'static [&'static str],
    },
    /// PromQL as it is, with `$scope` for matchers (each followed by a comma), `$replica` for the label of that name and
    /// `$window` for the window of a rate.
    Raw {
        /// The query.
        promql: &'static str,
        /// The metrics it reads, all of which must be present.
        names: &'static [&'static str],
    },
}
