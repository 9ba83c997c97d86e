//! The layout: which graphs of a model are visible, in which order and how wide.
pub mod storage;

use crate::wasm_size::sort::set;
use catalogue::{GRAPHS, Graph, Section};
use serde_json::Value;
use std::collections::BTreeSet;

/// The version of the format in which layouts are stored and shared.
const VERSION: u64 = 1;

/// The width of a card, in columns.
pub const MAX_COLUMNS: u8 = 3;

/// What differs from the catalogue's default. Unknown ids are kept, since another version of the page may know them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Graphs that are visible though the catalogue hides them.
    shown: BTreeSet<String>,
    /// Graphs that are hidden though the catalogue shows them.
    hidden: BTreeSet<String>,
    /// The order of graphs. One that is not listed follows its neighbour in the catalogue.
    order: Vec<String>,
    /// The widths of cards with more than one column, in order of their graphs' ids.
    columns: Vec<(String, u8)>,
}

impl Layout {
    /// Parses the text of [`Layout::to_text`]; none if it is damaged or of another version.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::from_json(&serde_json::from_str(text).ok()?)
    }

    /// The layout of JSON, as [`Layout::from_text`] says.
    pub(crate) fn from_json(layout: &Value) -> Option<Self> {
        if layout.get("version")?.as_u64() != Some(VERSION) {
            return None;
        }
        let mut columns = Vec::new();
        if let Some(list) = layout.get("columns") {
            for (id, count) in list.as_object()? {
                columns.push((id.clone(), u8::try_from(count.as_u64()?).ok()?));
            }
        }
        let (shown, hidden) = (set(ids(layout, "shown")?), set(ids(layout, "hidden")?));
        Some(Self { shown, hidden, order: ids(layout, "order")?, columns })
    }

    /// Whether `text` is a layout of a later version of the page.
    pub fn is_later(text: &str) -> bool {
        let layout: Option<Value> = serde_json::from_str(text).ok();
        layout.and_then(|layout| layout.get("version")?.as_u64()).is_some_and(|version| version > VERSION)
    }

    /// The layout as JSON: short, and the same for equal layouts.
    pub fn to_text(&self) -> String {
        let Self { shown, hidden, order, columns } = self;
        let list = |ids: &mut dyn Iterator<Item = &String>| ids.map(|id| quoted(id)).collect::<Vec<_>>().join(",");
        let (shown, hidden, order) = (list(&mut shown.iter()), list(&mut hidden.iter()), list(&mut order.iter()));
        let columns: Vec<String> = columns.iter().map(|(id, count)| format!("{}:{count}", quoted(id))).collect();
        let columns = columns.join(",");
        format!(
            r#"{{"version":{VERSION},"shown":[{shown}],"hidden":[{hidden}],"order":[{order}],"columns":{{{columns}}}}}"#
        )
    }

    /// Whether the layout is the catalogue's default.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether `graph` is visible.
    pub fn shows(&self, graph: &Graph) -> bool {
        if graph.is_shown { !self.hidden.contains(graph.id) } else { self.shown.contains(graph.id) }
    }

    /// Shows or hides `graph`.
    pub fn set_visible(&mut self, graph: &Graph, is_visible: bool) {
        let differs = is_visible != graph.is_shown;
        let list = if graph.is_shown { &mut self.hidden } else { &mut self.shown };
        if differs {
            list.insert(graph.id.to_owned());
        } else if list.contains(graph.id) {
            // Removing from a set adds more to the page than making a new one.
            *list = set(list.iter().filter(|id| *id != graph.id).cloned());
        }
    }

    /// The width of the card of `graph`, in columns.
    pub fn columns(&self, graph: &Graph) -> u8 {
        let own = self.columns.iter().find(|(id, _)| id == graph.id);
        own.map_or(1, |(_, columns)| *columns).clamp(1, MAX_COLUMNS)
    }

    /// Sets the width of the card of `graph`.
    pub fn set_columns(&mut self, graph: &Graph, columns: u8) {
        self.columns.retain(|(id, _)| id != graph.id);
        if columns > 1 {
            let at = self.columns.partition_point(|(id, _)| id.as_str() < graph.id);
            self.columns.insert(at, (graph.id.to_owned(), columns.min(MAX_COLUMNS)));
        }
    }

    /// All graphs of `section` in order.
    pub fn ordered(&self, section: Section) -> Vec<&'static Graph> {
        let own: Vec<&'static Graph> = GRAPHS.iter().copied().filter(|graph| graph.section == section).collect();
        let mut ordered: Vec<&'static Graph> =
            self.order.iter().filter_map(|id| own.iter().copied().find(|graph| graph.id == *id)).collect();
        for (at, graph) in own.iter().enumerate() {
            if ordered.iter().any(|known| known.id == graph.id) {
                continue;
            }
            let before = own[..at].last().and_then(|last| ordered.iter().position(|known| known.id == last.id));
            ordered.insert(before.map_or(0, |before| before + 1), graph);
        }
        ordered
    }

    /// Moves `graph` to the place of `other`, which shifts towards where `graph` was.
    pub fn move_to(&mut self, graph: &Graph, other: &Graph) {
        if graph.section != other.section || graph.id == other.id {
            return;
        }
        let mut ids: Vec<String> = self.ordered(graph.section).iter().map(|graph| graph.id.to_owned()).collect();
        let place = |ids: &[String], id: &str| ids.iter().position(|known| known == id);
        let (Some(from), Some(to)) = (place(&ids, graph.id), place(&ids, other.id)) else { return };
        let id = ids.remove(from);
        ids.insert(to, id);
        // All graphs of this section are listed now. The order of the others, known or not, stays.
        self.order.retain(|id| !ids.contains(id));
        self.order.extend(ids);
    }
}

/// A text as JSON. The page formats objects by hand around it: serializing any value with serde_json costs more bytes.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// The ids of a list; none if it is no list of texts.
fn ids(layout: &Value, name: &str) -> Option<Vec<String>> {
    match layout.get(name) {
        Some(list) => list.as_array()?.iter().map(|id| Some(id.as_str()?.to_owned())).collect(),
        None => Some(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(layout: &Layout, section: Section) -> Vec<&'static str> {
        layout.ordered(section).iter().map(|graph| graph.id).collect()
    }

    fn of(section: Section, at: usize) -> &'static Graph {
        GRAPHS.iter().filter(|graph| graph.section == section).nth(at).expect("a graph")
    }

    #[test]
    fn only_changed_graphs_differ_from_the_catalogue() {
        let mut layout = Layout::default();
        let (shown, hidden) = (GRAPHS.iter().find(|graph| graph.is_shown), GRAPHS.iter().find(|graph| !graph.is_shown));
        let (shown, hidden) = (shown.expect("a graph"), hidden.expect("a graph"));
        assert!(layout.shows(shown) && !layout.shows(hidden));
        layout.set_visible(shown, false);
        layout.set_visible(hidden, true);
        assert!(!layout.shows(shown) && layout.shows(hidden) && !layout.is_default());
        layout.set_visible(shown, true);
        layout.set_visible(hidden, false);
        assert!(layout.is_default());
    }

    #[test]
    fn graphs_move_within_their_section() {
        let section = Section::Requests;
        let mut layout = Layout::default();
        let first = ids(&layout, section);
        layout.move_to(of(section, 2), of(section, 0));
        assert_eq!(ids(&layout, section)[..4], [first[2], first[0], first[1], first[3]]);
        layout.move_to(of(section, 2), of(section, 1));
        assert_eq!(ids(&layout, section)[..4], [first[0], first[1], first[2], first[3]]);
        layout.move_to(of(section, 0), of(Section::Hardware, 0));
        assert_eq!(ids(&layout, section), first);
    }

    #[test]
    fn a_new_graph_appears_at_its_place_and_an_unknown_one_stays_listed() {
        let section = Section::Engine;
        let all = ids(&Layout::default(), section);
        // As an older page would have stored it: the first two swapped, one that is gone, and without the third.
        let mut order = vec![all[1], all[0], "gone"];
        order.extend(&all[3..]);
        let text = format!("{{\"version\":1,\"order\":{},\"shown\":[\"gone\"]}}", serde_json::json!(order));
        let mut layout = Layout::from_text(&text).expect("a layout");
        assert_eq!(ids(&layout, section)[..3], [all[1], all[2], all[0]]);
        layout.set_columns(of(section, 0), 2);
        assert!(layout.to_text().contains("gone"));
        assert_eq!(Layout::from_text(&layout.to_text()), Some(layout));
    }

    #[test]
    fn damaged_text_is_no_layout() {
        for text in ["", "{}", "[]", "{\"version\":2}", "{\"version\":1,\"order\":7}", "<script>"] {
            assert_eq!(Layout::from_text(text), None, "{text}");
        }
        assert_eq!(Layout::from_text("{\"version\":1}"), Some(Layout::default()));
        for (text, is_later) in
            [("{\"version\":2,\"order\":7}", true), ("{\"version\":1}", false), ("[]", false), ("{", false)]
        {
            assert_eq!(Layout::is_later(text), is_later, "{text}");
        }
    }

    #[test]
    fn cards_have_one_to_three_columns() {
        let mut layout = Layout::default();
        let graph = of(Section::Requests, 0);
        layout.set_columns(graph, 9);
        assert_eq!(layout.columns(graph), 3);
        layout.set_columns(graph, 0);
        assert!(layout.is_default());
        let wide = format!("{{\"version\":1,\"columns\":{{\"{}\":200}}}}", graph.id);
        assert_eq!(Layout::from_text(&wide).expect("a layout").columns(graph), 3);
    }
}
