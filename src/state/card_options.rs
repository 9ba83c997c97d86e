//! How one card is shown: what its menu and legend switch.
use crate::state::line_filter::LineFilter;
use crate::state::threshold::Threshold;
use catalogue::{Colours, DrawStyle, Graph};
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
    /// Filled lines, stacked on each other.
    pub is_stacked: bool,
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

/// Whether the lines of a graph add up. Percentiles do not, and bars are stacked anyway.
pub fn can_stack(graph: &Graph) -> bool {
    graph.draw_style == DrawStyle::Lines && graph.colours != Colours::Percentiles
}

impl CardOptions {
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
    pub(super) fn words(&self) -> [(&'static str, bool); 7] {
        [
            ("details", self.is_detailed),
            ("log", self.is_log),
            ("stacked", self.is_stacked),
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
            "stacked" => self.is_stacked = can_stack(graph),
            COMPARE => self.comparison = Some(Comparison::PreviousPeriod),
            "statistics" => self.has_statistics = true,
            "heat-map" => self.form = Form::HeatMap,
            "table" => self.form = Form::Table,
            _ => {}
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
