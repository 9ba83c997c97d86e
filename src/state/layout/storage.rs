//! The layout of the selected model: kept in the browser at once, in memory where the browser keeps nothing, and the
//! same in every tab. One that a link brings is kept only when the person says so.
use crate::state::layout::Layout;
use crate::wasm_size::effect::effect;
use leptos::ev;
use leptos::prelude::*;
use std::collections::HashMap;

/// Names in the browser's storage: this and the model.
const PREFIX: &str = "inferboard.layout.";

/// The name of a layout in a link.
const PARAMETER: &str = "layout";

/// The layout of the selected model, and the way to change it.
#[derive(Clone, Copy)]
pub struct Layouts {
    /// The layout as it is now.
    pub current: RwSignal<Layout>,
    model: Memo<String>,
    /// The model that is shown in a link's layout, while nobody has said whether to keep it.
    borrowed: RwSignal<Option<String>>,
    /// Whether the browser keeps them: a frame has its layout from its link, and leaves none behind.
    is_kept: bool,
    /// Layouts by model that the browser does not keep.
    known: StoredValue<HashMap<String, Layout>>,
}

impl Layouts {
    /// Follows the selected `model`, empty for all of them. A layout that the address brings counts for the model that is
    /// selected at first. The browser keeps them where `is_kept`.
    pub fn new(model: Memo<String>, is_kept: bool) -> Self {
        let (current, borrowed, known) = (RwSignal::default(), RwSignal::default(), StoredValue::default());
        let layouts = Self { current, model, borrowed, is_kept, known };
        if let Some(layout) = brought(&window().location().search().unwrap_or_default()) {
            let model = model.get_untracked();
            if layouts.load(&model) != layout {
                borrowed.set(Some(model.clone()));
                layouts.keep(&model, &layout);
            }
        }
        effect(move || layouts.current.set(layouts.load(&model.get())));
        let listener = window_event_listener(ev::storage, move |event: web_sys::StorageEvent| {
            let own = format!("{PREFIX}{}", model.get_untracked());
            if event.key().is_none_or(|key| key == own) {
                layouts.forget();
            }
        });
        on_cleanup(move || listener.remove());
        layouts
    }

    /// Whether the layout is one that a link has brought, and that is not kept.
    pub fn is_borrowed(self) -> bool {
        self.borrowed.track();
        self.is_kept && self.borrows(&self.model.get())
    }

    fn borrows(self, model: &str) -> bool {
        self.borrowed.with_untracked(|own| own.as_deref() == Some(model))
    }

    /// Keeps the layout that a link has brought, or goes back to the person's own.
    pub fn settle(self, is_kept: bool) {
        self.borrowed.set(None);
        if is_kept {
            self.change(|_| {});
        } else {
            self.forget();
        }
    }

    /// Goes back to what the browser keeps, unless a layout is borrowed.
    fn forget(self) {
        let model = self.model.get_untracked();
        if !self.borrows(&model) {
            self.known.update_value(|known| drop(known.remove(&model)));
            self.current.set(self.load(&model));
        }
    }

    /// Changes the layout, and keeps it unless it is borrowed.
    pub fn change(self, change: impl FnOnce(&mut Layout)) {
        self.current.update(change);
        self.current.with_untracked(|layout| self.keep(&self.model.get_untracked(), layout));
    }

    /// The address of this page with this layout, for others.
    pub fn link(self) -> String {
        let location = window().location();
        let page = location.origin().unwrap_or_default() + &location.pathname().unwrap_or_default();
        let search = location.search().unwrap_or_default();
        format!("{page}?{}", with_layout(&search, &self.current.get_untracked()))
    }

    fn load(self, model: &str) -> Layout {
        let kept = self.kept(model).filter(|_| !self.borrows(model));
        let known = || self.known.with_value(|known| known.get(model).cloned());
        kept.and_then(|text| Layout::from_text(&text)).or_else(known).unwrap_or_default()
    }

    fn kept(self, model: &str) -> Option<String> {
        self.storage()?.get_item(&format!("{PREFIX}{model}")).ok().flatten()
    }

    fn storage(self) -> Option<web_sys::Storage> {
        if self.is_kept { window().local_storage().ok().flatten() } else { None }
    }

    fn keep(self, model: &str, layout: &Layout) {
        self.known.update_value(|known| drop(known.insert(model.to_owned(), layout.clone())));
        // A later version of the page knows more of its layout than this one could write.
        if self.borrows(model) || self.kept(model).is_some_and(|text| Layout::is_later(&text)) {
            return;
        }
        let Some(storage) = self.storage() else { return };
        let name = format!("{PREFIX}{model}");
        // Storage that is full or denied changes nothing for this visit.
        let _ =
            if layout.is_default() { storage.remove_item(&name) } else { storage.set_item(&name, &layout.to_text()) };
    }
}

/// The layout in a link's query part.
fn brought(query: &str) -> Option<Layout> {
    let mut pairs = form_urlencoded::parse(query.trim_start_matches('?').as_bytes());
    pairs.find(|(name, _)| name == PARAMETER).and_then(|(_, text)| Layout::from_text(&text))
}

/// A link's query part with this layout in the place of any other.
fn with_layout(query: &str, layout: &Layout) -> String {
    let pairs = form_urlencoded::parse(query.trim_start_matches('?').as_bytes());
    let others = pairs.filter(|(name, _)| name != PARAMETER);
    let mut link = form_urlencoded::Serializer::new(String::new());
    link.extend_pairs(others).append_pair(PARAMETER, &layout.to_text()).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_survives_its_link() {
        let layout = Layout::from_text("{\"version\":1,\"hidden\":[\"a&b=\\\"c\\\"\"]}").expect("a layout");
        let link = with_layout("?model=m&layout=old", &layout);
        assert!(link.starts_with("model=m&layout=") && link.matches("layout=").count() == 1, "{link}");
        assert_eq!(brought(&format!("?{link}")), Some(layout));
        assert_eq!(brought("?layout=%7B"), None);
    }
}
