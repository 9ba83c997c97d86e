//! How cards are shown: what their menus and legends switch.
use crate::state::line_filter::LineFilter;
use crate::state::threshold::Threshold;
use catalogue::{Colours, DrawStyle, Graph, graph};

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

/// What a card's lines are compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The range before this one.
    PreviousPeriod,
    /// Another deployment of the model, by its name.
    Deployment(String),
}

/// The choices of one card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CardOptions {
    /// Status codes, replicas or GPUs in the place of classes, sums and averages.
    pub is_detailed: bool,
    /// A logarithmic axis.
    pub is_log: bool,
    /// Lines filled and put on top of each other.
    pub is_stacked: bool,
    /// What is drawn behind the lines.
    pub comparison: Option<Comparison>,
    /// Least, mean, most and last of each line in the legend.
    pub has_statistics: bool,
    /// What is drawn.
    pub form: Form,
    /// Which of the lines are.
    pub line_filter: LineFilter,
    /// What most requests should stay within, where somebody watches how many do.
    pub threshold: Option<Threshold>,
}

/// The words in links before the name of a deployment, and before a target's value.
const COMPARE_WITH: &str = "compare-with";
const TARGET: &str = "target";

/// The names of lines in a link are so long together at most, in bytes; those of a card that no longer fit are left out.
const LONGEST_NAMES_BYTES: usize = 4000;

/// Whether the lines of a graph add up: percentiles lie within each other, and bars are stacked as they are.
pub fn can_stack(graph: &Graph) -> bool {
    graph.draw_style == DrawStyle::Lines && graph.colours != Colours::Percentiles
}

impl CardOptions {
    /// Shows `form`, or the graph where that is shown already.
    pub fn toggle_form(&mut self, form: Form) {
        self.form = if self.form == form { Form::Graph } else { form };
    }

    /// Compares with that, or no longer where it does already.
    pub fn toggle_comparison(&mut self, with: Comparison) {
        self.comparison = Some(with).filter(|with| self.comparison.as_ref() != Some(with));
    }

    /// The part that decides which data are asked for: details, what they are compared with, buckets, and shares within
    /// a target.
    pub fn data_options(&self) -> (bool, Option<Comparison>, bool, bool) {
        (self.is_detailed, self.comparison.clone(), self.form == Form::HeatMap, self.threshold.is_some())
    }

    /// Each choice by its word in links, and whether it is taken.
    fn words(&self) -> [(&'static str, bool); 7] {
        [
            ("details", self.is_detailed),
            ("log", self.is_log),
            ("stacked", self.is_stacked),
            ("compare", self.comparison == Some(Comparison::PreviousPeriod)),
            ("statistics", self.has_statistics),
            ("heat-map", self.form == Form::HeatMap),
            ("table", self.form == Form::Table),
        ]
    }

    /// Takes the choice of that word, if there is one and it means something for the graph.
    fn take(&mut self, graph: &Graph, word: &str) {
        match word {
            "details" => self.is_detailed = true,
            "log" => self.is_log = graph.draw_style == DrawStyle::Lines,
            "stacked" => self.is_stacked = can_stack(graph),
            "compare" => self.comparison = Some(Comparison::PreviousPeriod),
            "statistics" => self.has_statistics = true,
            "heat-map" => self.form = Form::HeatMap,
            "table" => self.form = Form::Table,
            _ => {}
        }
    }

    /// Takes a choice that a name comes with; whether the word is of one.
    fn take_name(&mut self, graph: &Graph, word: &str, name: &str) -> bool {
        match word {
            COMPARE_WITH if !name.is_empty() => self.comparison = Some(Comparison::Deployment(name.to_owned())),
            TARGET if graph.colours == Colours::Percentiles => {
                self.threshold = name.parse().ok().and_then(Threshold::new)
            }
            COMPARE_WITH | TARGET => {}
            _ => return self.line_filter.take(word, name),
        }
        true
    }
}

/// The choices of all cards: of those only that differ from a first visit, by the graph's id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OptionsByGraph(Vec<(&'static str, CardOptions)>);

impl OptionsByGraph {
    /// How the card of a graph is shown.
    pub fn of(&self, graph: &Graph) -> CardOptions {
        self.0.iter().find(|(id, _)| *id == graph.id).map(|(_, choices)| choices.clone()).unwrap_or_default()
    }

    /// Shows the card of a graph otherwise.
    pub fn change(&mut self, graph: &Graph, change: &mut dyn FnMut(&mut CardOptions)) {
        let mut choices = self.of(graph);
        change(&mut choices);
        self.0.retain(|(id, _)| *id != graph.id);
        if choices != CardOptions::default() {
            let at = self.0.partition_point(|(id, _)| *id < graph.id);
            self.0.insert(at, (graph.id, choices));
        }
    }

    /// The choices of one card alone.
    pub fn only(&self, graph: &Graph) -> Self {
        Self(self.0.iter().filter(|(id, _)| *id == graph.id).cloned().collect())
    }

    /// Adds to a link's query part, for each of these cards, `card=` with the graph's id and the words of its choices,
    /// between them dots; and once more for each choice with a name, which is all that follows its word.
    pub(crate) fn encode(&self, query: &mut form_urlencoded::Serializer<'_, String>) {
        let mut room_bytes = LONGEST_NAMES_BYTES;
        for (id, choices) in &self.0 {
            let mut add = |parts: &[&str]| {
                query.append_pair("card", &parts.join("."));
            };
            let mut words = vec![*id];
            words.extend(choices.words().into_iter().filter(|(_, is_taken)| *is_taken).map(|(word, _)| word));
            if words.len() > 1 {
                add(&words);
            }
            if let Some(Comparison::Deployment(name)) = &choices.comparison {
                add(&[id, COMPARE_WITH, name]);
            }
            if let Some(threshold) = choices.threshold {
                add(&[id, TARGET, &threshold.value().to_string()]);
            }
            choices.line_filter.each(&mut room_bytes, &mut |word, name| add(&[id, word, name]));
        }
    }

    /// Takes over the value of such a parameter. Graphs and words that are not known are left out.
    pub(crate) fn decode(&mut self, value: &str) {
        let first = |text| str::split_once(text, '.').unwrap_or((text, ""));
        let (id, mut rest) = first(value);
        let Some(graph) = graph(id) else { return };
        self.change(graph, &mut |choices| {
            while !rest.is_empty() {
                let (word, after) = first(rest);
                choices.take(graph, word);
                rest = if choices.take_name(graph, word, after) { "" } else { after };
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(chosen: &OptionsByGraph) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        chosen.encode(&mut query);
        query.finish()
    }

    fn decoded(query: &str) -> OptionsByGraph {
        let mut chosen = OptionsByGraph::default();
        form_urlencoded::parse(query.as_bytes()).for_each(|(_, value)| chosen.decode(&value));
        chosen
    }

    #[test]
    fn a_form_is_turned_on_and_off_and_replaces_another() {
        let mut choices = CardOptions::default();
        for (turned, form) in [(Form::Table, Form::Table), (Form::HeatMap, Form::HeatMap), (Form::HeatMap, Form::Graph)]
        {
            choices.toggle_form(turned);
            assert_eq!(choices.form, form);
        }
        assert_eq!(CardOptions { is_log: true, ..choices.clone() }.data_options(), choices.data_options());
    }

    #[test]
    fn every_choice_of_every_card_survives_its_link() {
        for graph in catalogue::GRAPHS.iter().copied() {
            for bits in 0..32_u32 {
                for form in [Form::Graph, Form::HeatMap, Form::Table] {
                    let is_on = |bit: u32| bits & (1 << bit) != 0;
                    let choices = CardOptions {
                        is_detailed: is_on(0),
                        is_log: is_on(1) && graph.draw_style == DrawStyle::Lines,
                        is_stacked: is_on(2) && can_stack(graph),
                        comparison: is_on(3).then_some(Comparison::PreviousPeriod),
                        has_statistics: is_on(4),
                        form,
                        line_filter: LineFilter::default(),
                        threshold: None,
                    };
                    let mut chosen = OptionsByGraph::default();
                    chosen.change(graph, &mut |own| *own = choices.clone());
                    assert_eq!((decoded(&encoded(&chosen)), chosen.of(graph)), (chosen.clone(), choices));
                }
            }
        }
    }

    #[test]
    fn targets_survive_their_link_where_there_are_percentiles() {
        let latency = graph("end-to-end-latency").expect("a graph");
        for value in [0.000_001, 0.3, 2.5, 60.0, 4096.0] {
            let mut chosen = OptionsByGraph::default();
            chosen.change(latency, &mut |choices| choices.threshold = Threshold::new(value));
            assert_eq!(encoded(&chosen), format!("card=end-to-end-latency.target.{value}"));
            assert_eq!(decoded(&encoded(&chosen)), chosen);
            assert_eq!(chosen.of(latency).threshold.map(Threshold::value), Some(value));
        }
        for value in ["", "x", "0", "-1", "NaN", "inf", "1e99"] {
            assert_eq!(
                decoded(&format!("card=end-to-end-latency.target.{value}")),
                OptionsByGraph::default(),
                "{value}"
            );
        }
        assert_eq!(decoded("card=volume.target.1"), OptionsByGraph::default());
    }

    #[test]
    fn links_are_short_and_the_same_for_the_same_choices() {
        let (volume, cpu) = (graph("volume").expect("a graph"), graph("cpu").expect("a graph"));
        let mut chosen = OptionsByGraph::default();
        chosen.change(volume, &mut |choices| choices.toggle_form(Form::Table));
        chosen.change(cpu, &mut |choices| (choices.is_log, choices.is_detailed) = (true, true));
        assert_eq!(encoded(&chosen), "card=cpu.details.log&card=volume.table");
        assert_eq!(encoded(&chosen.only(volume)), "card=volume.table");
        chosen.change(cpu, &mut |choices| *choices = CardOptions::default());
        chosen.change(volume, &mut |choices| choices.toggle_form(Form::Table));
        assert_eq!((encoded(&chosen).as_str(), &chosen), ("", &OptionsByGraph::default()));
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
            assert_eq!(decoded(query), OptionsByGraph::default(), "{query}");
        }
        // Bars are stacked as they are, and have no logarithm; percentiles do not add up.
        assert_eq!(decoded("card=volume.log.stacked&card=end-to-end-latency.stacked"), OptionsByGraph::default());
        let long = format!("card=cpu{}&{}", ".table".repeat(10_000), "card=cpu.log&".repeat(10_000));
        assert_eq!(encoded(&decoded(&long)), "card=cpu.log.table");
        assert_eq!(encoded(&decoded("card=cpu.table.heat-map.unknown")), "card=cpu.heat-map");
    }

    /// Names as servers may give them.
    const ODD: [&str; 6] = ["10.0.0.1:8000 · p95", "a.hide.b", "&card=cpu.log", "=+ %2e\"'<b>", "größe\u{0}\n", "only"];

    #[test]
    fn names_survive_their_link_whatever_is_in_them() {
        let (cpu, memory) = (graph("cpu").expect("a graph"), graph("memory").expect("a graph"));
        for name in ODD {
            let mut chosen = OptionsByGraph::default();
            chosen.change(cpu, &mut |choices| {
                choices.is_log = true;
                choices.toggle_comparison(Comparison::Deployment(name.to_owned()));
                ODD.iter().for_each(|name| choices.line_filter.toggle(name, &[]));
            });
            chosen.change(memory, &mut |choices| choices.line_filter.isolate(name));
            assert_eq!(decoded(&encoded(&chosen)), chosen, "{name}");
            assert_eq!(decoded(&encoded(&chosen.only(memory))).of(memory), chosen.of(memory), "{name}");
            chosen.change(memory, &mut |choices| choices.line_filter.toggle(name, &[]));
            assert_eq!(decoded(&encoded(&chosen)), chosen, "all lines hidden");
        }
        let mut chosen = decoded("card=cpu.log&card=cpu.compare-with.b.1&card=cpu.hide.10.0.0.1");
        assert_eq!(encoded(&chosen), "card=cpu.log&card=cpu.compare-with.b.1&card=cpu.hide.10.0.0.1");
        chosen.change(cpu, &mut |choices| choices.toggle_comparison(Comparison::Deployment("b.1".into())));
        assert_eq!(chosen.of(cpu).comparison, None, "a second press takes it away");
        chosen.change(cpu, &mut |choices| choices.toggle_comparison(Comparison::PreviousPeriod));
        assert_eq!(encoded(&chosen), "card=cpu.log.compare&card=cpu.hide.10.0.0.1");
    }

    #[test]
    fn links_stay_short_however_many_lines_are_hidden() {
        let mut chosen = OptionsByGraph::default();
        for graph in catalogue::GRAPHS.iter().copied() {
            let names: Vec<String> = (0..40).map(|at| format!("{at}{}", "x".repeat(40))).collect();
            chosen.change(graph, &mut |choices| names.iter().for_each(|name| choices.line_filter.toggle(name, &names)));
        }
        assert!(encoded(&chosen).len() < 3 * LONGEST_NAMES_BYTES, "{}", encoded(&chosen).len());
        let long = decoded(&format!("card=cpu.hide.{}", "x".repeat(LONGEST_NAMES_BYTES + 1)));
        assert_eq!(encoded(&long), "", "a name that is too long is not in the link");
        let many: String = (0..10_000).map(|at| format!("card=cpu.hide.{at}&")).collect();
        assert!(encoded(&decoded(&many)).len() < 1000);
    }
}
