//! How all cards are shown, and its words in links.
use crate::state::card_options::{COMPARE, COMPARE_WITH, CardOptions, Comparison, THRESHOLD};
use catalogue::{Graph, graph};

/// The length of all names of lines in a link, in bytes. The filter of a card that no longer fits is left out.
const MAX_NAMES_BYTES: usize = 4000;

/// What stands in links in place of a graph's id for options of all cards.
const ALL: &str = "all";

/// The options of all cards that differ from a first visit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OptionsByGraph {
    /// By graph id.
    cards: Vec<(&'static str, CardOptions)>,
    /// What all cards are compared with that have no comparison of their own.
    comparison: Option<Comparison>,
}

impl OptionsByGraph {
    /// The options of a graph's card.
    pub fn of(&self, graph: &Graph) -> CardOptions {
        let own = self.cards.iter().find(|(id, _)| *id == graph.id).map(|(_, options)| options.clone());
        let own = own.unwrap_or_default();
        CardOptions { comparison: own.comparison.or_else(|| self.comparison.clone()), ..own }
    }

    /// What all cards are compared with.
    pub fn comparison(&self) -> Option<&Comparison> {
        self.comparison.as_ref()
    }

    /// Compares all cards, or none.
    pub fn compare_all(&mut self, with: Option<Comparison>) {
        for (_, options) in &mut self.cards {
            options.comparison = None;
        }
        self.cards.retain(|(_, options)| *options != CardOptions::default());
        self.comparison = with;
    }

    /// Changes the options of a graph's card. A comparison of all cards that one of them ends is over for all.
    pub fn change(&mut self, graph: &Graph, change: &mut dyn FnMut(&mut CardOptions)) {
        let mut options = self.of(graph);
        change(&mut options);
        if options.comparison.is_none() {
            self.comparison = None;
        } else if options.comparison == self.comparison {
            options.comparison = None;
        }
        self.cards.retain(|(id, _)| *id != graph.id);
        if options != CardOptions::default() {
            let at = self.cards.partition_point(|(id, _)| *id < graph.id);
            self.cards.insert(at, (graph.id, options));
        }
    }

    /// Only the options of one card.
    pub fn only(&self, graph: &Graph) -> Self {
        let mut only = Self::default();
        only.change(graph, &mut |options| *options = self.of(graph));
        only
    }

    /// Adds the parameters of these cards to a link's query part: `card=` with the graph's id and the words of its
    /// options, separated by dots, and another `card=` for each option with a value, which is all that follows its word.
    pub(crate) fn encode(&self, query: &mut form_urlencoded::Serializer<'_, String>) {
        let mut room_bytes = MAX_NAMES_BYTES;
        match &self.comparison {
            Some(Comparison::PreviousPeriod) => drop(query.append_pair("card", &format!("{ALL}.{COMPARE}"))),
            Some(Comparison::Deployment(name)) => {
                query.append_pair("card", &format!("{ALL}.{COMPARE_WITH}.{name}"));
            }
            None => {}
        }
        for (id, options) in &self.cards {
            let mut add = |parts: &[&str]| {
                query.append_pair("card", &parts.join("."));
            };
            let mut words = vec![*id];
            words.extend(options.words().into_iter().filter(|(_, is_set)| *is_set).map(|(word, _)| word));
            if words.len() > 1 {
                add(&words);
            }
            if let Some(Comparison::Deployment(name)) = &options.comparison {
                add(&[id, COMPARE_WITH, name]);
            }
            if let Some(threshold) = options.threshold {
                add(&[id, THRESHOLD, &threshold.value().to_string()]);
            }
            options.line_filter.encode(&mut room_bytes, &mut |word, name| add(&[id, word, name]));
        }
    }

    /// Applies the value of a `card` parameter. Unknown graphs and words are ignored.
    pub(crate) fn decode(&mut self, value: &str) {
        let first = |text| str::split_once(text, '.').unwrap_or((text, ""));
        let (id, mut rest) = first(value);
        if id == ALL {
            self.comparison = match first(rest) {
                (COMPARE, _) => Some(Comparison::PreviousPeriod),
                (COMPARE_WITH, name) if !name.is_empty() => Some(Comparison::Deployment(name.to_owned())),
                _ => None,
            };
            return;
        }
        let Some(graph) = graph(id) else { return };
        self.change(graph, &mut |options| {
            while !rest.is_empty() {
                let (word, after) = first(rest);
                options.set(graph, word);
                rest = if options.set_value(graph, word, after) { "" } else { after };
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::card_options::{Chart, Form, can_count};
    use crate::state::line_filter::LineFilter;
    use crate::state::threshold::Threshold;
    use catalogue::DrawStyle;

    fn encoded(cards: &OptionsByGraph) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        cards.encode(&mut query);
        query.finish()
    }

    fn decoded(query: &str) -> OptionsByGraph {
        let mut cards = OptionsByGraph::default();
        form_urlencoded::parse(query.as_bytes()).for_each(|(_, value)| cards.decode(&value));
        cards
    }

    #[test]
    fn a_comparison_of_all_cards_survives_its_link_and_ends_for_all() {
        let (volume, cpu) = (graph("volume").expect("a graph"), graph("cpu").expect("a graph"));
        for with in [Comparison::PreviousPeriod, Comparison::Deployment("v1.2 é".into())] {
            let mut cards = OptionsByGraph::default();
            cards.change(volume, &mut |options| options.comparison = Some(Comparison::Deployment("x".into())));
            cards.change(cpu, &mut |options| options.is_log = true);
            cards.compare_all(Some(with.clone()));
            assert_eq!(
                (cards.of(volume).comparison, cards.of(cpu).comparison),
                (Some(with.clone()), Some(with.clone()))
            );
            assert_eq!(decoded(&encoded(&cards)), cards);
            assert_eq!(cards.only(cpu).of(cpu), cards.of(cpu), "an embed has it too");
            cards.change(volume, &mut |options| options.toggle_comparison(with.clone()));
            assert_eq!((cards.comparison(), cards.of(cpu).comparison), (None, None));
            assert!(cards.of(cpu).is_log);
        }
        assert_eq!(decoded("card=all.compare-with.&card=all.details"), OptionsByGraph::default());
    }

    #[test]
    fn every_option_of_every_card_survives_its_link() {
        for graph in catalogue::GRAPHS.iter().copied() {
            for bits in 0..128_u32 {
                for form in [Form::Graph, Form::HeatMap, Form::Table] {
                    let is_on = |bit: u32| bits & (1 << bit) != 0;
                    let options = CardOptions {
                        is_detailed: is_on(0),
                        is_log: is_on(1) && graph.draw_style == DrawStyle::Lines,
                        is_fitted: is_on(5),
                        joins_gaps: is_on(6),
                        is_counted: (is_on(2) && can_count(graph)).then(|| !CardOptions::default().counts(graph)),
                        chart: Chart::others(graph).get(bits as usize % 4).copied(),
                        comparison: is_on(3).then_some(Comparison::PreviousPeriod),
                        has_statistics: is_on(4),
                        form,
                        line_filter: LineFilter::default(),
                        threshold: None,
                    };
                    let mut cards = OptionsByGraph::default();
                    cards.change(graph, &mut |own| *own = options.clone());
                    assert_eq!((decoded(&encoded(&cards)), cards.of(graph)), (cards.clone(), options));
                }
            }
        }
    }

    #[test]
    fn thresholds_of_percentiles_survive_their_link() {
        let latency = graph("end-to-end-latency").expect("a graph");
        for value in [0.000_001, 0.3, 2.5, 60.0, 4096.0] {
            let mut cards = OptionsByGraph::default();
            cards.change(latency, &mut |options| options.threshold = Threshold::new(value));
            assert_eq!(encoded(&cards), format!("card=end-to-end-latency.threshold.{value}"));
            assert_eq!(decoded(&encoded(&cards)), cards);
            assert_eq!(cards.of(latency).threshold.map(Threshold::value), Some(value));
        }
        for value in ["", "x", "0", "-1", "NaN", "inf", "1e99"] {
            assert_eq!(
                decoded(&format!("card=end-to-end-latency.threshold.{value}")),
                OptionsByGraph::default(),
                "{value}"
            );
        }
        assert_eq!(decoded("card=volume.threshold.1"), OptionsByGraph::default());
    }

    #[test]
    fn links_are_short_and_the_same_for_equal_options() {
        let (volume, cpu) = (graph("volume").expect("a graph"), graph("cpu").expect("a graph"));
        let mut cards = OptionsByGraph::default();
        cards.change(volume, &mut |options| options.toggle_form(Form::Table));
        cards.change(cpu, &mut |options| (options.is_log, options.is_detailed) = (true, true));
        assert_eq!(encoded(&cards), "card=cpu.details.log&card=volume.table");
        assert_eq!(encoded(&cards.only(volume)), "card=volume.table");
        cards.change(cpu, &mut |options| *options = CardOptions::default());
        cards.change(volume, &mut |options| options.toggle_form(Form::Table));
        assert_eq!((encoded(&cards).as_str(), &cards), ("", &OptionsByGraph::default()));
    }

    #[test]
    fn invalid_options_are_ignored() {
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
        // Bars are bars anyway and have no logarithmic axis; percentiles do not add up.
        assert_eq!(decoded("card=volume.log.bars&card=end-to-end-latency.stacked"), OptionsByGraph::default());
        let long = format!("card=cpu{}&{}", ".table".repeat(10_000), "card=cpu.log&".repeat(10_000));
        assert_eq!(encoded(&decoded(&long)), "card=cpu.log.table");
        assert_eq!(encoded(&decoded("card=cpu.table.heat-map.unknown")), "card=cpu.heat-map");
    }

    /// Names that a server may have.
    const ODD: [&str; 6] = ["10.0.0.1:8000 · p95", "a.hide.b", "&card=cpu.log", "=+ %2e\"'<b>", "größe\u{0}\n", "only"];

    #[test]
    fn any_name_survives_its_link() {
        let (cpu, memory) = (graph("cpu").expect("a graph"), graph("memory").expect("a graph"));
        for name in ODD {
            let mut cards = OptionsByGraph::default();
            cards.change(cpu, &mut |options| {
                options.is_log = true;
                options.toggle_comparison(Comparison::Deployment(name.to_owned()));
                ODD.iter().for_each(|name| options.line_filter.toggle(name, &[]));
            });
            cards.change(memory, &mut |options| options.line_filter.isolate(name));
            assert_eq!(decoded(&encoded(&cards)), cards, "{name}");
            assert_eq!(decoded(&encoded(&cards.only(memory))).of(memory), cards.of(memory), "{name}");
            cards.change(memory, &mut |options| options.line_filter.toggle(name, &[]));
            assert_eq!(decoded(&encoded(&cards)), cards, "all lines hidden");
        }
        let mut cards = decoded("card=cpu.log&card=cpu.compare-with.b.1&card=cpu.hide.10.0.0.1");
        assert_eq!(encoded(&cards), "card=cpu.log&card=cpu.compare-with.b.1&card=cpu.hide.10.0.0.1");
        cards.change(cpu, &mut |options| options.toggle_comparison(Comparison::Deployment("b.1".into())));
        assert_eq!(cards.of(cpu).comparison, None, "the second toggle ends it");
        cards.change(cpu, &mut |options| options.toggle_comparison(Comparison::PreviousPeriod));
        assert_eq!(encoded(&cards), "card=cpu.log.compare&card=cpu.hide.10.0.0.1");
    }

    #[test]
    fn links_stay_short_with_many_hidden_lines() {
        let mut cards = OptionsByGraph::default();
        for graph in catalogue::GRAPHS.iter().copied() {
            let names: Vec<String> = (0..40).map(|at| format!("{at}{}", "x".repeat(40))).collect();
            cards.change(graph, &mut |options| names.iter().for_each(|name| options.line_filter.toggle(name, &names)));
        }
        assert!(encoded(&cards).len() < 3 * MAX_NAMES_BYTES, "{}", encoded(&cards).len());
        let long = decoded(&format!("card=cpu.hide.{}", "x".repeat(MAX_NAMES_BYTES + 1)));
        assert_eq!(encoded(&long), "", "a name that is too long is left out");
        let many: String = (0..10_000).map(|at| format!("card=cpu.hide.{at}&")).collect();
        assert!(encoded(&decoded(&many)).len() < 1000);
    }
}
