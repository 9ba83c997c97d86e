//! The results of range queries, as the rules read them: columns over one grid of steps.
use catalogue::{is_line_of, line_name};

/// One line of a graph: a value for each step, NaN where there is none.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The value of the label `line`: the line's name, or that of a replica among details.
    pub line: String,
    /// The values.
    pub values: Vec<f64>,
}

/// The answers to the queries, all over the same steps.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    pub(crate) start_ms: i64,
    pub(crate) step_ms: i64,
    pub(crate) steps: usize,
    graphs: Vec<(String, bool, Vec<Column>)>,
}

impl Evidence {
    /// No answers yet, over `steps` steps of `step_ms` from `start_ms`, Unix milliseconds.
    pub fn new(start_ms: i64, step_ms: i64, steps: usize) -> Self {
        Self { start_ms, step_ms, steps, graphs: Vec::new() }
    }

    /// Adds the lines of a graph, or of its details. Columns of another length are cut or filled with holes.
    pub fn add(&mut self, graph: &str, is_detailed: bool, mut columns: Vec<Column>) {
        columns.iter_mut().for_each(|column| column.values.resize(self.steps, f64::NAN));
        self.graphs.push((graph.to_owned(), is_detailed, columns));
    }

    /// The columns of a graph, or of its details.
    pub(crate) fn columns(&self, graph: &str, is_detailed: bool) -> &[Column] {
        let own = self.graphs.iter().find(|(id, detailed, _)| id == graph && *detailed == is_detailed);
        own.map_or(&[], |(_, _, columns)| columns)
    }

    /// Whether some column of a line has a value.
    pub(crate) fn has(&self, graph: &str, is_detailed: bool, lines: &[&str]) -> bool {
        let is_own = |column: &&Column| match is_detailed {
            true => lines.iter().any(|line| is_line_of(&column.line, line)),
            false => lines.contains(&line_name(&column.line)),
        };
        let columns = self.columns(graph, is_detailed).iter();
        columns
            .filter(|column| lines.is_empty() || is_own(column))
            .any(|column| column.values.iter().any(|value| !value.is_nan()))
    }

    /// The sum over the engines of a line; NaN where none has a value.
    pub(crate) fn sum(&self, graph: &str, lines: &[&str]) -> Vec<f64> {
        self.fold(graph, lines, |sum, value| sum + value)
    }

    /// The largest of a line's values over the engines.
    pub(crate) fn max(&self, graph: &str, lines: &[&str]) -> Vec<f64> {
        self.fold(graph, lines, f64::max)
    }

    fn fold(&self, graph: &str, lines: &[&str], join: impl Fn(f64, f64) -> f64) -> Vec<f64> {
        let mut all = vec![f64::NAN; self.steps];
        let columns = self.columns(graph, false).iter();
        for column in columns.filter(|column| lines.is_empty() || lines.contains(&line_name(&column.line))) {
            for (all, value) in all.iter_mut().zip(&column.values) {
                *all = match (all.is_nan(), value.is_nan()) {
                    (_, true) => *all,
                    (true, _) => *value,
                    _ => join(*all, *value),
                };
            }
        }
        all
    }

    /// The steps that a number of minutes takes, at least one.
    pub(crate) fn steps_of(&self, minutes: f64) -> usize {
        ((minutes * 60_000.0 / self.step_ms.max(1) as f64).round() as usize).max(1)
    }

    /// The length of a step in seconds.
    pub(crate) fn step_s(&self) -> f64 {
        self.step_ms as f64 / 1000.0
    }
}
