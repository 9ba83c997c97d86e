//! The words a graph is described in: a constant of these types is all that a new graph takes.
use crate::Unit;

/// One graph of the catalogue. What feeds it stands with the engines, see [`crate::Recipe`].
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
    /// Whether it is on the page until someone hides it; the others wait in the list of graphs.
    pub is_shown: bool,
    /// Lines or bars.
    pub look: Look,
    /// How its lines get their colours.
    pub colours: Colours,
    /// What its boxes say about the whole range.
    pub summary: Summary,
    /// What its details are.
    pub detail: Detail,
    /// What is drawn.
    pub lines: &'static [Line],
}

impl Graph {
    /// The line that a drawn series of that name belongs to: by the name without the engine behind it.
    pub fn line(&self, drawn: &str) -> Option<&'static Line> {
        let name = line_name(drawn);
        self.lines.iter().find(|line| line.name == name)
    }
}

/// What stands between the parts of a drawn line's name.
pub(crate) const SEPARATOR: &str = " · ";

/// A drawn line's name without the engine that is added when several feed a graph: `2xx` of `2xx · vLLM`.
pub fn line_name(drawn: &str) -> &str {
    drawn.split_once(SEPARATOR).map_or(drawn, |(name, _)| name)
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
    /// Requests that are answered later, by a webhook.
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
    /// Stacked bars, one stack a step. As bars add up, what two layers count of the same requests is drawn once, see
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

/// What the details of a graph are, in the place of sums and averages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Status codes in the place of classes.
    Codes,
    /// Each replica, or each host where hosts are measured; of percentiles the 95th.
    Replicas,
    /// Each GPU.
    Gpus,
}

/// One line, or one family of lines, of a graph.
#[derive(Debug)]
pub struct Line {
    /// Its name in legend and tooltip; empty where the shape names its own lines (percentiles, classes, labels).
    pub name: &'static str,
    /// Whether it is data or a limit.
    pub role: Role,
}

/// What a line means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Measured.
    Data,
    /// A bound that data should stay below, drawn dashed.
    Limit,
    /// What data is compared with and may well pass, drawn dashed and pale; never stacked.
    Guide,
}
