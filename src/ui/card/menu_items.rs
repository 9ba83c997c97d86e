//! What the menu of a card offers, in its order, and how keys move in it.
use crate::data::graph::card_state::AvailableOptions;
use crate::state::card_options::{CardOptions, Comparison, Form, can_stack};
use catalogue::{Colours, Detail, DrawStyle, Graph};

/// What an entry of the menu does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Details,
    HeatMap,
    Log,
    Stacked,
    Compare,
    CompareWith,
    Statistics,
    Threshold,
    Table,
    Enlarge,
    CopyQuery,
    Csv,
    Png,
    Embed,
}

impl Action {
    /// Stable name for tests.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Details => "details",
            Self::HeatMap => "heat-map",
            Self::Log => "log",
            Self::Stacked => "stacked",
            Self::Compare => "compare",
            Self::CompareWith => "compare-with",
            Self::Statistics => "statistics",
            Self::Threshold => "target",
            Self::Table => "table",
            Self::Enlarge => "enlarge",
            Self::CopyQuery => "copy-query",
            Self::Csv => "csv",
            Self::Png => "png",
            Self::Embed => "embed",
        }
    }
}

/// An entry of the menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) action: Action,
    pub(crate) text: &'static str,
    /// The name that the text ends with; empty for most.
    pub(crate) name: String,
    /// Whether it is on, of what can be on or off.
    pub(crate) is_checked: Option<bool>,
}

/// The entries for a graph: only what would change something.
pub(crate) fn items(graph: &Graph, offers: &AvailableOptions, choices: &CardOptions) -> Vec<Item> {
    let is_graph = choices.form == Form::Graph;
    let is_lines = graph.draw_style == DrawStyle::Lines;
    let detail = match graph.detail {
        Detail::Codes => "Single status codes",
        Detail::Replicas if graph.colours == Colours::Percentiles => "Each replica (p95)",
        Detail::Replicas => "Each replica",
        Detail::Gpus => "Each GPU",
    };
    let heat_map = match graph.detail {
        _ if offers.has_buckets => Some("Heat map of buckets"),
        Detail::Replicas if offers.has_details => Some("Heat map of replicas"),
        Detail::Gpus if offers.has_details => Some("Heat map of GPUs"),
        // A link asked for one where there is none: it can always be turned off.
        _ if choices.form == Form::HeatMap => Some("Heat map"),
        _ => None,
    };
    let switch = |action, text, is_on: bool| Item { action, text, name: String::new(), is_checked: Some(is_on) };
    let press = |action, text| Item { action, text, name: String::new(), is_checked: None };
    let compares = choices.comparison == Some(Comparison::PreviousPeriod);
    let all = [
        (offers.has_details || choices.is_detailed).then(|| switch(Action::Details, detail, choices.is_detailed)),
        heat_map.map(|text| switch(Action::HeatMap, text, choices.form == Form::HeatMap)),
        (is_lines && is_graph && !choices.is_stacked).then(|| switch(Action::Log, "Logarithmic axis", choices.is_log)),
        (can_stack(graph) && is_graph).then(|| switch(Action::Stacked, "Stacked", choices.is_stacked)),
        (choices.form != Form::HeatMap).then(|| switch(Action::Compare, "Compare with the range before", compares)),
        (choices.form != Form::HeatMap)
            .then(|| switch(Action::Statistics, "Min, mean, max and last", choices.has_statistics)),
        (offers.has_buckets || choices.threshold.is_some())
            .then(|| switch(Action::Threshold, "Share within a target", choices.threshold.is_some())),
        Some(switch(Action::Table, "Table", choices.form == Form::Table)),
        Some(press(Action::Enlarge, "Enlarge")),
        Some(press(Action::CopyQuery, "Copy PromQL")),
        Some(press(Action::Csv, "Save as CSV")),
        (choices.form != Form::Table).then(|| press(Action::Png, "Save as PNG")),
        Some(press(Action::Embed, "Copy embed code")),
    ];
    let mut all: Vec<Item> = all.into_iter().flatten().collect();
    if let Some(at) = all.iter().position(|item| item.action == Action::Compare) {
        let own = match &choices.comparison {
            Some(Comparison::Deployment(name)) => name.as_str(),
            _ => "",
        };
        let mut deployments = offers.deployments.clone();
        // As with heat maps: one that is no longer there can be turned off.
        if !own.is_empty() && !deployments.iter().any(|name| name == own) {
            deployments.push(own.to_owned());
        }
        for name in deployments.into_iter().rev() {
            let item = switch(Action::CompareWith, "Compare with ", name == own);
            all.insert(at + 1, Item { name, ..item });
        }
    }
    all
}

/// Where a key moves the focus among `count` entries; none for keys that do not move it.
pub(crate) fn next(key: &str, at: Option<usize>, count: usize) -> Option<usize> {
    let last = count.checked_sub(1)?;
    match key {
        "ArrowDown" => Some(at.map_or(0, |at| if at >= last { 0 } else { at + 1 })),
        "ArrowUp" => Some(at.and_then(|at| at.checked_sub(1)).unwrap_or(last)),
        "Home" => Some(0),
        "End" => Some(last),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalogue::graph;

    fn ids(id: &str, offers: &AvailableOptions, choices: &CardOptions) -> Vec<&'static str> {
        let items = items(graph(id).expect("a graph"), offers, choices);
        items.iter().map(|item| item.action.id()).collect()
    }

    #[test]
    fn keys_move_round_the_menu() {
        for (key, at, expected) in [
            ("ArrowDown", Some(0), Some(1)),
            ("ArrowDown", Some(2), Some(0)),
            ("ArrowDown", None, Some(0)),
            ("ArrowUp", Some(0), Some(2)),
            ("ArrowUp", Some(2), Some(1)),
            ("Home", Some(2), Some(0)),
            ("End", Some(0), Some(2)),
            ("x", Some(0), None),
        ] {
            assert_eq!(next(key, at, 3), expected, "{key} {at:?}");
        }
        assert_eq!(next("ArrowDown", None, 0), None);
    }

    #[test]
    fn a_menu_offers_only_what_changes_something() {
        let all = AvailableOptions { has_details: true, has_buckets: true, ..AvailableOptions::default() };
        let latency = ids("end-to-end-latency", &all, &CardOptions::default());
        assert!(latency.contains(&"heat-map") && latency.contains(&"details") && !latency.contains(&"stacked"));
        assert!(latency.contains(&"target"));
        let bars = ids(
            "volume",
            &AvailableOptions { has_details: true, ..AvailableOptions::default() },
            &CardOptions::default(),
        );
        assert!(
            !bars.contains(&"target")
                && !bars.contains(&"log")
                && !bars.contains(&"stacked")
                && !bars.contains(&"heat-map")
        );
        let none = ids("running-and-waiting", &AvailableOptions::default(), &CardOptions::default());
        assert!(!none.contains(&"details") && none.contains(&"stacked") && none.contains(&"log"));
        let offers = AvailableOptions { has_details: true, ..AvailableOptions::default() };
        assert!(ids("running-and-waiting", &offers, &CardOptions::default()).contains(&"heat-map"));
        let table = ids("volume", &all, &CardOptions { form: Form::Table, ..CardOptions::default() });
        assert!(!table.contains(&"png") && table.contains(&"csv"));
        let heat = CardOptions { form: Form::HeatMap, ..CardOptions::default() };
        assert!(
            ids("volume", &AvailableOptions::default(), &heat).contains(&"heat-map"),
            "it can always be turned off"
        );
        let detailed = CardOptions { is_detailed: true, ..CardOptions::default() };
        assert!(
            ids("volume", &AvailableOptions::default(), &detailed).contains(&"details"),
            "it can always be turned off"
        );
    }

    #[test]
    fn deployments_are_offered_and_one_that_is_gone_can_be_turned_off() {
        let offers = || AvailableOptions { deployments: vec!["a".into(), "b".into()], ..AvailableOptions::default() };
        let names = |choices: &CardOptions| {
            let items = items(graph("volume").expect("a graph"), &offers(), choices).into_iter();
            let with = items.filter(|item| item.action == Action::CompareWith);
            with.map(|item| (item.name, item.is_checked == Some(true))).collect::<Vec<_>>()
        };
        let with = |name: &str| CardOptions {
            comparison: Some(Comparison::Deployment(name.into())),
            ..CardOptions::default()
        };
        assert_eq!(names(&CardOptions::default()), [("a".into(), false), ("b".into(), false)]);
        assert_eq!(names(&with("b")), [("a".into(), false), ("b".into(), true)]);
        assert_eq!(names(&with("gone")), [("a".into(), false), ("b".into(), false), ("gone".into(), true)]);
        assert_eq!(names(&CardOptions { form: Form::HeatMap, ..with("b") }), []);
    }
}
