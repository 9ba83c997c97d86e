//! The items of a card's menu in their order, and keyboard navigation among them.
use crate::data::graph::card_state::AvailableOptions;
use crate::state::card_options::{CardOptions, Chart, Comparison, Form, can_count};
use catalogue::{Colours, Detail, DrawStyle, Graph};

/// The action of a menu item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Details,
    HeatMap,
    Chart(Chart),
    Log,
    Fitted,
    JoinGaps,
    Counts,
    Compare,
    CompareWith,
    Statistics,
    Threshold,
    Table,
    Enlarge,
    Note,
    CopyQuery,
    Csv,
    Png,
    Embed,
}

impl Action {
    /// The name for tests.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Details => "details",
            Self::HeatMap => "heat-map",
            Self::Log => "log",
            Self::Chart(chart) => chart.word(),
            Self::Fitted => "fitted",
            Self::JoinGaps => "joined",
            Self::Counts => "counts",
            Self::Compare => "compare",
            Self::CompareWith => "compare-with",
            Self::Statistics => "statistics",
            Self::Threshold => "target",
            Self::Table => "table",
            Self::Enlarge => "enlarge",
            Self::Note => "note",
            Self::CopyQuery => "copy-query",
            Self::Csv => "csv",
            Self::Png => "png",
            Self::Embed => "embed",
        }
    }
}

/// An item of the menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) action: Action,
    pub(crate) text: &'static str,
    /// The deployment at the end of the text; empty for other items.
    pub(crate) name: String,
    /// Whether the option is on; none for an action that is no option.
    pub(crate) is_checked: Option<bool>,
}

/// An item that turns an option on or off.
fn option(action: Action, text: &'static str, is_on: bool) -> Item {
    Item { action, text, name: String::new(), is_checked: Some(is_on) }
}

/// An item that does something once.
fn command(action: Action, text: &'static str) -> Item {
    Item { action, text, name: String::new(), is_checked: None }
}

/// The menu of a graph: the items that would change something.
pub(crate) fn items(graph: &Graph, available: &AvailableOptions, options: &CardOptions) -> Vec<Item> {
    let is_graph = options.form == Form::Graph;
    let is_heat_map = options.form == Form::HeatMap;
    let is_table = options.form == Form::Table;
    let chart = options.chart(graph);
    let is_line = is_graph && matches!(chart, Chart::Lines | Chart::Area);
    let has_log = graph.draw_style == DrawStyle::Lines && is_line;
    let has_counts = can_count(graph) && is_graph && chart == Chart::Bars;
    let has_details = available.has_details || options.is_detailed;
    let has_threshold = available.has_buckets || options.threshold.is_some();
    let compares = options.comparison == Some(Comparison::PreviousPeriod);
    let mut items: Vec<Item> = [
        has_details.then(|| option(Action::Details, detail_text(graph), options.is_detailed)),
        heat_map_text(graph, available, options).map(|text| option(Action::HeatMap, text, is_heat_map)),
        has_log.then(|| option(Action::Log, "Logarithmic axis", options.is_log)),
        (is_graph && chart == Chart::Lines).then(|| option(Action::Fitted, "Fit axis to values", options.is_fitted)),
        is_line.then(|| option(Action::JoinGaps, "Join gaps", options.joins_gaps)),
        has_counts.then(|| option(Action::Counts, "Count per bar", options.counts(graph))),
        (!is_heat_map).then(|| option(Action::Compare, "Compare with previous period", compares)),
        (!is_heat_map).then(|| option(Action::Statistics, "Min, mean, max and last", options.has_statistics)),
        has_threshold.then(|| option(Action::Threshold, "Share within threshold", options.threshold.is_some())),
        Some(option(Action::Table, "Table", is_table)),
        Some(command(Action::Enlarge, "Enlarge")),
        available.has_notes.then(|| command(Action::Note, "Add note")),
        Some(command(Action::CopyQuery, "Copy PromQL")),
        Some(command(Action::Csv, "Download CSV")),
        (!is_table).then(|| command(Action::Png, "Download PNG")),
        Some(command(Action::Embed, "Copy embed code")),
    ]
    .into_iter()
    .flatten()
    .collect();
    if let Some(at) = items.iter().position(|item| item.action == Action::Compare) {
        items.splice(at + 1..at + 1, deployment_items(available, options));
    }
    if is_graph {
        let item = |own: &Chart| option(Action::Chart(*own), chart_text(*own), *own == chart);
        items.splice(0..0, Chart::others(graph).iter().map(item));
    }
    items
}

fn chart_text(chart: Chart) -> &'static str {
    match chart {
        Chart::Lines => "Lines",
        Chart::Area => "Filled lines",
        Chart::Stacked => "Stacked areas",
        Chart::Bars => "Stacked bars",
    }
}

fn detail_text(graph: &Graph) -> &'static str {
    match graph.detail {
        Detail::Codes => "Individual status codes",
        Detail::Replicas if graph.colours == Colours::Percentiles => "Each replica (p95)",
        Detail::Replicas => "Each replica",
        Detail::Gpus => "Each GPU",
    }
}

fn heat_map_text(graph: &Graph, available: &AvailableOptions, options: &CardOptions) -> Option<&'static str> {
    match graph.detail {
        _ if available.has_buckets => Some("Heat map of buckets"),
        Detail::Replicas if available.has_details => Some("Heat map of replicas"),
        Detail::Gpus if available.has_details => Some("Heat map of GPUs"),
        // A link may select a heat map that the data do not allow; it can be turned off.
        _ if options.form == Form::HeatMap => Some("Heat map"),
        _ => None,
    }
}

/// The deployments to compare with.
fn deployment_items(available: &AvailableOptions, options: &CardOptions) -> Vec<Item> {
    let selected = match &options.comparison {
        Some(Comparison::Deployment(name)) => name.as_str(),
        _ => "",
    };
    let mut deployments = available.deployments.clone();
    // A deployment that no longer exists can be turned off.
    if !selected.is_empty() && !deployments.iter().any(|name| name == selected) {
        deployments.push(selected.to_owned());
    }
    let item =
        |name: String| Item { name: name.clone(), ..option(Action::CompareWith, "Compare with ", name == selected) };
    deployments.into_iter().map(item).collect()
}

/// The item of `count` to which a key moves the focus; none for other keys.
pub(crate) fn next_item(key: &str, at: Option<usize>, count: usize) -> Option<usize> {
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

    fn ids(id: &str, available: &AvailableOptions, options: &CardOptions) -> Vec<&'static str> {
        let items = items(graph(id).expect("a graph"), available, options);
        items.iter().map(|item| item.action.id()).collect()
    }

    #[test]
    fn arrow_keys_move_around_the_menu() {
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
            assert_eq!(next_item(key, at, 3), expected, "{key} {at:?}");
        }
        assert_eq!(next_item("ArrowDown", None, 0), None);
    }

    #[test]
    fn a_menu_offers_only_what_changes_something() {
        let all = AvailableOptions { has_details: true, has_buckets: true, ..AvailableOptions::default() };
        let latency = ids("end-to-end-latency", &all, &CardOptions::default());
        assert!(latency.contains(&"heat-map") && latency.contains(&"details") && !latency.contains(&"stacked"));
        assert!(latency.contains(&"fitted") && latency.contains(&"joined") && !latency.contains(&"counts"));
        assert!(latency.contains(&"target"));
        let bars = ids(
            "volume",
            &AvailableOptions { has_details: true, ..AvailableOptions::default() },
            &CardOptions::default(),
        );
        assert!(
            !bars.contains(&"target")
                && !bars.contains(&"log")
                && !bars.contains(&"bars")
                && ["lines", "stacked", "counts"].iter().all(|id| bars.contains(id))
                && !bars.contains(&"heat-map")
        );
        let none = ids("running-and-waiting", &AvailableOptions::default(), &CardOptions::default());
        assert!(!none.contains(&"details") && none.contains(&"stacked") && none.contains(&"log"));
        let available = AvailableOptions { has_details: true, ..AvailableOptions::default() };
        assert!(ids("running-and-waiting", &available, &CardOptions::default()).contains(&"heat-map"));
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
    fn deployments_are_offered_and_a_missing_one_can_be_turned_off() {
        let available =
            || AvailableOptions { deployments: vec!["a".into(), "b".into()], ..AvailableOptions::default() };
        let names = |options: &CardOptions| {
            let items = items(graph("volume").expect("a graph"), &available(), options).into_iter();
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
