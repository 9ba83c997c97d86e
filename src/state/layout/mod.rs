//! Which graphs a person sees, in which order and how wide: one layout for each model.
pub mod storage;

use crate::wasm_size::sort::set;
use catalogue::{GRAPHS, Graph, Section};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The version of the form in which layouts are kept and sent.
const VERSION: u64 = 1;

/// The widest that a card can be, in columns.
pub const MAX_COLUMNS: u8 = 3;

/// What differs from the catalogue's choice. Ids that this version of the page does not know are kept: another version
/// may.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Graphs that are shown though the catalogue hides them.
    shown: BTreeSet<String>,
    /// Graphs that are hidden though the catalogue shows them.
    hidden: BTreeSet<String>,
    /// Graphs in the order wanted; those that are not named stand after their neighbour in the catalogue.
    order: Vec<String>,
    /// Cards of more than one column.
    columns: BTreeMap<String, u8>,
}

impl Layout {
    /// Reads what [`Layout::to_text`] wrote; none where it is of a version that this page does not know, or damaged.
    pub fn from_text(text: &str) -> Option<Self> {
        let kept: Value = serde_json::from_str(text).ok()?;
        if kept.get("version")?.as_u64() != Some(VERSION) {
            return None;
        }
        let mut columns = BTreeMap::new();
        if let Some(kept) = kept.get("columns") {
            for (id, count) in kept.as_object()? {
                columns.insert(id.clone(), u8::try_from(count.as_u64()?).ok()?);
            }
        }
        let (shown, hidden) = (set(ids(&kept, "shown")?), set(ids(&kept, "hidden")?));
        Some(Self { shown, hidden, order: ids(&kept, "order")?, columns })
    }

    /// Whether `text` is a layout that a later version of the page has kept.
    pub fn is_later(text: &str) -> bool {
        let kept: Option<Value> = serde_json::from_str(text).ok();
        kept.and_then(|kept| kept.get("version")?.as_u64()).is_some_and(|version| version > VERSION)
    }

    /// The layout as text: short, and the same for equal layouts.
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

    /// Whether it is the catalogue's choice.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether `graph` is on the page.
    pub fn shows(&self, graph: &Graph) -> bool {
        if graph.is_shown { !self.hidden.contains(graph.id) } else { self.shown.contains(graph.id) }
    }

    /// Shows or hides `graph`.
    pub fn show(&mut self, graph: &Graph, is_shown: bool) {
        let differs = is_shown != graph.is_shown;
        let list = if graph.is_shown { &mut self.hidden } else { &mut self.shown };
        if differs {
            list.insert(graph.id.to_owned());
        } else {
            list.remove(graph.id);
        }
    }

    /// How many columns the card of `graph` takes, from 1.
    pub fn columns(&self, graph: &Graph) -> u8 {
        self.columns.get(graph.id).copied().unwrap_or(1).clamp(1, MAX_COLUMNS)
    }

    /// Makes the card of `graph` so many columns wide.
    pub fn set_columns(&mut self, graph: &Graph, columns: u8) {
        match columns.clamp(1, MAX_COLUMNS) {
            1 => self.columns.remove(graph.id),
            columns => self.columns.insert(graph.id.to_owned(), columns),
        };
    }

    /// All graphs of `section` in the order wanted.
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

    /// Puts `graph` in the place of `other`, which moves on towards where `graph` was.
    pub fn move_to(&mut self, graph: &Graph, other: &Graph) {
        if graph.section != other.section || graph.id == other.id {
            return;
        }
        let mut ids: Vec<String> = self.ordered(graph.section).iter().map(|graph| graph.id.to_owned()).collect();
        let place = |ids: &[String], id: &str| ids.iter().position(|known| known == id);
        let (Some(from), Some(to)) = (place(&ids, graph.id), place(&ids, other.id)) else { return };
        let id = ids.remove(from);
        ids.insert(to, id);
        // Of this section all are named now; the others', known or not, stay as they were.
        self.order.retain(|id| !ids.contains(id));
        self.order.extend(ids);
    }
}

/// A text as JSON. What the page writes is written around it by hand, as what serde_json writes may be anything.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// The ids in a list; none where it is no list of texts.
fn ids(kept: &Value, name: &str) -> Option<Vec<String>> {
    match kept.get(name) {
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
    fn what_is_shown_differs_from_the_catalogue_only_where_one_says_so() {
        let mut layout = Layout::default();
        let (shown, hidden) = (GRAPHS.iter().find(|graph| graph.is_shown), GRAPHS.iter().find(|graph| !graph.is_shown));
        let (shown, hidden) = (shown.expect("a graph"), hidden.expect("a graph"));
        assert!(layout.shows(shown) && !layout.shows(hidden));
        layout.show(shown, false);
        layout.show(hidden, true);
        assert!(!layout.shows(shown) && layout.shows(hidden) && !layout.is_default());
        layout.show(shown, true);
        layout.show(hidden, false);
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
    fn a_graph_that_is_new_appears_at_its_place_and_one_that_is_unknown_stays_named() {
        let section = Section::Engine;
        let all = ids(&Layout::default(), section);
        // As an older page would have kept it: the first two exchanged, one that is gone, and not yet the third.
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
    fn what_cannot_be_read_is_no_layout() {
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
