//! How one card is shown: what its menu switches.

/// What of a graph is on its card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Its lines or bars.
    #[default]
    Graph,
    /// The buckets behind its percentiles, the darker the more.
    HeatMap,
    /// Its values as text.
    Table,
}

/// The choices of one card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    /// Status codes, replicas or GPUs in the place of classes, sums and averages.
    pub is_detailed: bool,
    /// A logarithmic axis.
    pub is_log: bool,
    /// Lines filled and put on top of each other.
    pub is_stacked: bool,
    /// The range before this one, behind the lines.
    pub is_compared: bool,
    /// Least, mean, most and last of each line in the legend.
    pub has_statistics: bool,
    /// What is drawn.
    pub form: Form,
}

impl Choices {
    /// Shows `form`, or the graph where that is shown already.
    pub fn turn(&mut self, form: Form) {
        self.form = if self.form == form { Form::Graph } else { form };
    }

    /// The part that decides which data are asked for: details, the range before, buckets.
    pub fn asked_for(self) -> (bool, bool, bool) {
        (self.is_detailed, self.is_compared, self.form == Form::HeatMap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_turned_on_and_off_and_replaces_another() {
        let mut choices = Choices::default();
        for (turned, form) in [(Form::Table, Form::Table), (Form::HeatMap, Form::HeatMap), (Form::HeatMap, Form::Graph)]
        {
            choices.turn(turned);
            assert_eq!(choices.form, form);
        }
        assert_eq!(Choices { is_log: true, ..choices }.asked_for(), choices.asked_for());
    }
}
