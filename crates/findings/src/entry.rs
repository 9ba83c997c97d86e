//! What a finding is: what it reads, when it speaks, and what it says.
use crate::evidence::Evidence;
use std::ops::Range;

/// How much a finding matters, most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Requests fail or wait.
    Critical,
    /// Requests are slower than they could be, or soon will be.
    Warning,
    /// Something is wasted.
    Notice,
}

/// One diagnosis that can be made.
pub struct Entry {
    /// Stable: links, series and configuration name it.
    pub id: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What one sees, as a short title.
    pub title: &'static str,
    /// The likely cause, as a sentence.
    pub cause: &'static str,
    /// What to do, as a sentence.
    pub remedy: &'static str,
    /// The id of the graph that proves it.
    pub graph: &'static str,
    /// The lines that its rule reads. Where one is absent, it cannot tell.
    pub needs: &'static [Need],
    /// When it speaks.
    pub thresholds: &'static [Threshold],
    /// The findings that follow from this one: they are left out where it holds.
    pub explains: &'static [&'static str],
    /// PromQL that says it, for alerting rules; empty if PromQL cannot. `{{graph/line}}` is a series of the recording rules,
    /// `$by` the label of the model, and `$name` a threshold.
    pub alert: &'static str,
    pub(crate) rule: fn(&Evidence, &Limits<'_>) -> Vec<Found>,
}

/// Lines of a graph that a rule reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// The id of the graph.
    pub graph: &'static str,
    /// One of these lines must be there; any, if the list is empty.
    pub lines: &'static [&'static str],
    /// Whether its details are read: each replica instead of sums.
    pub is_detailed: bool,
}

impl Need {
    /// What it is, as text: `KV cache use`, `Running and waiting of each replica`.
    pub fn text(&self) -> String {
        match self.is_detailed {
            true => format!("{} of each replica", title(self.graph)),
            false => title(self.graph).to_owned(),
        }
    }
}

/// The title of a graph; its id if there is no such graph.
pub(crate) fn title(id: &'static str) -> &'static str {
    catalogue::graph(id).map_or(id, |graph| graph.title)
}

/// A number that decides whether a finding speaks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// Its name, after the id of the finding.
    pub name: &'static str,
    /// Its value unless configured.
    pub default: f64,
    /// What it means, with its unit.
    pub meaning: &'static str,
}

/// A threshold that replaces its default.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Configured {
    /// The finding.
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) value: f64,
}

/// The thresholds of one finding.
pub(crate) struct Limits<'t> {
    /// Those of all findings that are configured; the last of a name counts.
    pub(crate) configured: &'t [Configured],
    pub(crate) id: &'static str,
    pub(crate) thresholds: &'static [Threshold],
}

impl Limits<'_> {
    /// The value of a threshold; infinity if the finding has none by this name.
    pub(crate) fn get(&self, name: &str) -> f64 {
        let configured = self.configured.iter().rfind(|own| own.id == self.id && own.name == name).map(|own| own.value);
        let default = || self.thresholds.iter().find(|own| own.name == name).map(|own| own.default);
        configured.or_else(default).unwrap_or(f64::INFINITY)
    }
}

/// Where a rule holds.
pub(crate) struct Found {
    pub(crate) steps: Range<usize>,
    /// The numbers, as a sentence without its full stop.
    pub(crate) numbers: String,
    /// The replica that it is about, if it is about one.
    pub(crate) replica: Option<String>,
}

impl Found {
    pub(crate) fn new(steps: Range<usize>, numbers: String) -> Self {
        Self { steps, numbers, replica: None }
    }
}

impl Need {
    pub(crate) const fn of(graph: &'static str, lines: &'static [&'static str]) -> Self {
        Self { graph, lines, is_detailed: false }
    }

    pub(crate) const fn details(graph: &'static str, lines: &'static [&'static str]) -> Self {
        Self { graph, lines, is_detailed: true }
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id)
    }
}
