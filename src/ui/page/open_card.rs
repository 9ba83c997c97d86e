//! Opens the card of a graph: shows it if it is hidden, opens its section, and scrolls to it.
use crate::data::feed::Feed;
use crate::state::layout::storage::Layouts;
use crate::state::navigation::Navigation;
use crate::wasm_size::effect::effect;
use catalogue::graph;
use leptos::prelude::*;

/// Opens cards.
#[derive(Clone, Copy)]
pub(crate) struct CardOpener {
    navigation: Navigation,
    layouts: Layouts,
    /// The graph to scroll to once its card is on the page.
    wanted: RwSignal<Option<&'static str>>,
}

impl CardOpener {
    /// An opener that lives as long as its caller is on the page.
    pub(crate) fn new(feed: Feed) -> Self {
        let (navigation, layouts) = (expect_context::<Navigation>(), expect_context());
        let wanted = RwSignal::new(None);
        effect(move || {
            feed.range.track();
            navigation.view.track();
            if let Some(id) = wanted.get() {
                request_animation_frame(move || {
                    if let Ok(Some(card)) = document().query_selector(&format!("section[data-graph={id}]")) {
                        card.scroll_into_view();
                        wanted.set(None);
                    }
                });
            }
        });
        Self { navigation, layouts, wanted }
    }

    /// Opens the card of the graph with this id.
    pub(crate) fn open(self, id: &str) {
        let Some(graph) = graph(id) else { return };
        if !self.layouts.current.with_untracked(|layout| layout.shows(graph)) {
            self.layouts.change(|layout| layout.set_visible(graph, true));
        }
        self.navigation.go(|view| view.section = Some(graph.section));
        self.wanted.set(Some(graph.id));
    }
}
