//! How one card is shown: what its menu and legend switch.
use crate::state::line_filter::LineFilter;
use crate::state::threshold::Threshold;
use catalogue::{Colours, DrawStyle, Graph, Summary, Unit};
use prometheus_api::parse_decimal;

/// What a card draws of a graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Lines or bars.
    #[default]
    Graph,
    /// The buckets behind percentiles, or a row for each replica; darker means more.
    HeatMap,
    /// The values as text.
    Table,
}

/// How the lines of a graph are drawn, if not as the catalogue says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chart {
    /// One line each.
    Lines,
    /// Lines, filled down to zero.
    Area,
    /// Filled lines, stacked on each other.
    Stacked,
    /// Stacked bars.
    Bars,
}

impl Chart {
    /// The word in links.
    pub fn word(self) -> &'static str {
        match self {
            Self::Lines => "lines",
            Self::Area => "area",
            Self::Stacked => "stacked",
            Self::Bars => "bars",
        }
    }

    /// The other ways to draw a graph. Percentiles do not add up, and a band lies between them.
    pub fn others(graph: &Graph) -> &'static [Self] {
        match graph.draw_style {
            DrawStyle::Lines if graph.colours == Colours::Percentiles => &[],
            DrawStyle::Lines => &[Self::Area, Self::Stacked, Self::Bars],
            DrawStyle::Bars => &[Self::Lines, Self::Area, Self::Stacked],
        }
    }
}

/// What a card's lines are compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The period of the same length before the range.
    PreviousPeriod,
    /// Another deployment of the model, by name.
    Deployment(String),
}

/// The options of one card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CardOptions {
    /// Individual status codes, replicas or GPUs instead of classes, sums and averages.
    pub is_detailed: bool,
    /// A logarithmic axis.
    pub is_log: bool,
    /// An axis from the lowest to the highest value, which need not begin at zero.
    pub is_fitted: bool,
    /// Lines that go on across gaps.
    pub joins_gaps: bool,
    /// Whether each bar is the number of events instead of their rate; none for the graph's own way.
    pub is_counted: Option<bool>,
    /// How lines are drawn; none for the graph's own way.
    pub chart: Option<Chart>,
    /// What the lines are compared with.
    pub comparison: Option<Comparison>,
    /// Minimum, mean, maximum and last value of each line in the legend.
    pub has_statistics: bool,
    /// What is drawn.
    pub form: Form,
    /// Which lines are visible.
    pub line_filter: LineFilter,
    /// The value that percentiles are compared with.
    pub threshold: Option<Threshold>,
}

/// The options that decide which data a card needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataOptions {
    is_detailed: bool,
    comparison: Option<Comparison>,
    is_heat_map: bool,
    has_threshold: bool,
}

/// The words in links before a deployment's name and before a threshold's value.
pub(super) const COMPARE_WITH: &str = "compare-with";
/// The word of a comparison with the previous period.
pub(super) const COMPARE: &str = "compare";
pub(super) const THRESHOLD: &str = "threshold";

/// Whether the bars of a graph are rates of events, which can be counted.
pub fn can_count(graph: &Graph) -> bool {
    graph.draw_style == DrawStyle::Bars && graph.summary == Summary::Counts
}

/// Whether a graph counts at first: nobody thinks of rare events, such as restarts, by the second.
fn counts_at_first(graph: &Graph) -> bool {
    can_count(graph) && graph.unit == Unit::PerSecond
}

impl CardOptions {
    /// The way in which lines are drawn.
    pub fn chart(&self, graph: &Graph) -> Chart {
        self.chart.unwrap_or(match graph.draw_style {
            DrawStyle::Lines => Chart::Lines,
            DrawStyle::Bars => Chart::Bars,
        })
    }

    /// Whether each bar is the number of events.
    pub fn counts(&self, graph: &Graph) -> bool {
        self.is_counted.unwrap_or_else(|| counts_at_first(graph))
    }

    /// Counts events instead of showing their rate, or the reverse.
    pub fn toggle_counts(&mut self, graph: &Graph) {
        let counts = !self.counts(graph);
        self.is_counted = Some(counts).filter(|counts| *counts != counts_at_first(graph));
    }

    /// Draws the lines as `chart`, or in the graph's own way if they are drawn as `chart` already.
    pub fn toggle_chart(&mut self, chart: Chart) {
        self.chart = Some(chart).filter(|_| self.chart != Some(chart));
    }

    /// Shows `form`, or the graph if `form` is shown already.
    pub fn toggle_form(&mut self, form: Form) {
        self.form = if self.form == form { Form::Graph } else { form };
    }

    /// Starts the comparison, or ends it if it is on already.
    pub fn toggle_comparison(&mut self, with: Comparison) {
        self.comparison = Some(with).filter(|with| self.comparison.as_ref() != Some(with));
    }

    /// The options that decide which data the card needs.
    pub fn data_options(&self) -> DataOptions {
        DataOptions {
            is_detailed: self.is_detailed,
            comparison: self.comparison.clone(),
            is_heat_map: self.form == Form::HeatMap,
            has_threshold: self.threshold.is_some(),
        }
    }

    /// The words of options without a value, and whether each is set.
    pub(super) fn words(&self) -> [(&'static str, bool); 14] {
        let is = |chart: Chart| (chart.word(), self.chart == Some(chart));
        [
            ("details", self.is_detailed),
            ("log", self.is_log),
            ("fitted", self.is_fitted),
            ("joined", self.joins_gaps),
            ("counts", self.is_counted == Some(true)),
            ("rates", self.is_counted == Some(false)),
            is(Chart::Lines),
            is(Chart::Area),
            is(Chart::Stacked),
            is(Chart::Bars),
            (COMPARE, self.comparison == Some(Comparison::PreviousPeriod)),
            ("statistics", self.has_statistics),
            ("heat-map", self.form == Form::HeatMap),
            ("table", self.form == Form::Table),
        ]
    }

    /// Sets the option of a word if the graph has it.
    pub(super) fn set(&mut self, graph: &Graph, word: &str) {
        match word {
            "details" => self.is_detailed = true,
            "log" => self.is_log = graph.draw_style == DrawStyle::Lines,
            "fitted" => self.is_fitted = true,
            "joined" => self.joins_gaps = true,
            "counts" | "rates" => {
                let counts = word == "counts";
                self.is_counted = Some(counts).filter(|_| can_count(graph) && counts != counts_at_first(graph));
            }
            COMPARE => self.comparison = Some(Comparison::PreviousPeriod),
            "statistics" => self.has_statistics = true,
            "heat-map" => self.form = Form::HeatMap,
            "table" => self.form = Form::Table,
            _ => {
                let chart = Chart::others(graph).iter().copied().find(|chart| chart.word() == word);
                self.chart = chart.or(self.chart);
            }
        }
    }

    /// Sets an option that has a value. False if the word is not of such an option.
    pub(super) fn set_value(&mut self, graph: &Graph, word: &str, value: &str) -> bool {
        match word {
            COMPARE_WITH if !value.is_empty() => self.comparison = Some(Comparison::Deployment(value.to_owned())),
            THRESHOLD if graph.colours == Colours::Percentiles => {
                self.threshold = parse_decimal(value).and_then(Threshold::new);
            }
            COMPARE_WITH | THRESHOLD => {}
            _ => return self.line_filter.add(word, value),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_toggled_and_replaces_another() {
        let mut options = CardOptions::default();
        for (toggled, form) in
            [(Form::Table, Form::Table), (Form::HeatMap, Form::HeatMap), (Form::HeatMap, Form::Graph)]
        {
            options.toggle_form(toggled);
            assert_eq!(options.form, form);
        }
        assert_eq!(CardOptions { is_log: true, ..options.clone() }.data_options(), options.data_options());
    }
}
