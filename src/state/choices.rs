//! How cards are shown: what their menus switch.
use catalogue::{Colours, Graph, Look, graph};

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

/// Whether the lines of a graph add up: percentiles lie within each other, and bars are stacked as they are.
pub fn can_stack(graph: &Graph) -> bool {
    graph.look == Look::Lines && graph.colours != Colours::Percentiles
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

    /// Each choice by its word in links, and whether it is taken.
    fn words(self) -> [(&'static str, bool); 7] {
        [
            ("details", self.is_detailed),
            ("log", self.is_log),
            ("stacked", self.is_stacked),
            ("compare", self.is_compared),
            ("statistics", self.has_statistics),
            ("heat-map", self.form == Form::HeatMap),
            ("table", self.form == Form::Table),
        ]
    }

    /// Takes the choice of that word, if there is one and it means something for the graph.
    fn take(&mut self, graph: &Graph, word: &str) {
        match word {
            "details" => self.is_detailed = true,
            "log" => self.is_log = graph.look == Look::Lines,
            "stacked" => self.is_stacked = can_stack(graph),
            "compare" => self.is_compared = true,
            "statistics" => self.has_statistics = true,
            "heat-map" => self.form = Form::HeatMap,
            "table" => self.form = Form::Table,
            _ => {}
        }
    }
}

/// The choices of all cards: of those only that differ from a first visit, by the graph's id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen(Vec<(&'static str, Choices)>);

impl Chosen {
    /// How the card of a graph is shown.
    pub fn of(&self, graph: &Graph) -> Choices {
        self.0.iter().find(|(id, _)| *id == graph.id).map(|(_, choices)| *choices).unwrap_or_default()
    }

    /// Shows the card of a graph otherwise.
    pub fn change(&mut self, graph: &Graph, change: impl FnOnce(&mut Choices)) {
        let mut choices = self.of(graph);
        change(&mut choices);
        self.0.retain(|(id, _)| *id != graph.id);
        if choices != Choices::default() {
            let at = self.0.partition_point(|(id, _)| *id < graph.id);
            self.0.insert(at, (graph.id, choices));
        }
    }

    /// The choices of one card alone.
    pub fn only(&self, graph: &Graph) -> Self {
        Self(self.0.iter().filter(|(id, _)| *id == graph.id).copied().collect())
    }

    /// Adds to a link's query part, for each of these cards, `card=` with the graph's id and the words of its choices,
    /// between them dots.
    pub(super) fn encode(&self, query: &mut form_urlencoded::Serializer<'_, String>) {
        for (id, choices) in &self.0 {
            let taken = choices.words().into_iter().filter(|(_, is_taken)| *is_taken).map(|(word, _)| word);
            query.append_pair("card", &std::iter::once(*id).chain(taken).collect::<Vec<_>>().join("."));
        }
    }

    /// Takes over the value of such a parameter. Graphs and words that are not known are left out.
    pub(super) fn decode(&mut self, value: &str) {
        let mut parts = value.split('.');
        if let Some(graph) = parts.next().and_then(graph) {
            self.change(graph, |choices| parts.for_each(|word| choices.take(graph, word)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(chosen: &Chosen) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        chosen.encode(&mut query);
        query.finish()
    }

    fn decoded(query: &str) -> Chosen {
        let mut chosen = Chosen::default();
        form_urlencoded::parse(query.as_bytes()).for_each(|(_, value)| chosen.decode(&value));
        chosen
    }

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

    #[test]
    fn every_choice_of_every_card_survives_its_link() {
        for graph in catalogue::GRAPHS.iter().copied() {
            for bits in 0..32_u32 {
                for form in [Form::Graph, Form::HeatMap, Form::Table] {
                    let is_on = |bit: u32| bits & (1 << bit) != 0;
                    let choices = Choices {
                        is_detailed: is_on(0),
                        is_log: is_on(1) && graph.look == Look::Lines,
                        is_stacked: is_on(2) && can_stack(graph),
                        is_compared: is_on(3),
                        has_statistics: is_on(4),
                        form,
                    };
                    let mut chosen = Chosen::default();
                    chosen.change(graph, |own| *own = choices);
                    assert_eq!((decoded(&encoded(&chosen)), chosen.of(graph)), (chosen.clone(), choices));
                }
            }
        }
    }

    #[test]
    fn links_are_short_and_the_same_for_the_same_choices() {
        let (volume, cpu) = (graph("volume").expect("a graph"), graph("cpu").expect("a graph"));
        let mut chosen = Chosen::default();
        chosen.change(volume, |choices| choices.turn(Form::Table));
        chosen.change(cpu, |choices| (choices.is_log, choices.is_detailed) = (true, true));
        assert_eq!(encoded(&chosen), "card=cpu.details.log&card=volume.table");
        assert_eq!(encoded(&chosen.only(volume)), "card=volume.table");
        chosen.change(cpu, |choices| *choices = Choices::default());
        chosen.change(volume, |choices| choices.turn(Form::Table));
        assert_eq!((encoded(&chosen).as_str(), &chosen), ("", &Chosen::default()));
    }

    #[test]
    fn what_makes_no_sense_is_left_out() {
        for query in [
            "card=",
            "card=.",
            "card=volume",
            "card=gone.table",
            "card=volume.LOG.<b>.",
            "card=%00%ff.table",
            "card=..log",
        ] {
            assert_eq!(decoded(query), Chosen::default(), "{query}");
        }
        // Bars are stacked as they are, and have no logarithm; percentiles do not add up.
        assert_eq!(decoded("card=volume.log.stacked&card=end-to-end-latency.stacked"), Chosen::default());
        let long = format!("card=cpu{}&{}", ".table".repeat(10_000), "card=cpu.log&".repeat(10_000));
        assert_eq!(encoded(&decoded(&long)), "card=cpu.log.table");
        assert_eq!(encoded(&decoded("card=cpu.table.heat-map.unknown")), "card=cpu.heat-map");
    }
}
