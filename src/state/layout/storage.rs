//! The layout of the selected model: stored in the browser, or in memory without storage, and the same in every tab. A
//! layout from a link is only a preview until the person keeps it.
use crate::state::layout::Layout;
use crate::wasm_size::effect::effect;
use leptos::ev;
use leptos::prelude::*;

/// The start of a name in the browser's storage; the model follows.
const PREFIX: &str = "inferboard.layout.";

/// The parameter of a link with a layout.
const PARAMETER: &str = "layout";

/// The layout of the selected model, and the ways to change it.
#[derive(Clone, Copy)]
pub struct Layouts {
    /// The current layout.
    pub current: RwSignal<Layout>,
    model: Memo<String>,
    /// The model whose layout is a preview from a link.
    preview: RwSignal<Option<String>>,
    /// Whether layouts are stored. An embed has its layout from its link, and stores none.
    is_stored: bool,
    /// Layouts by model that the browser does not store.
    unstored: StoredValue<Vec<(String, Layout)>>,
}

impl Layouts {
    /// Follows the selected `model`, which is empty for all models. A layout in the address is a preview for the model that
    /// is selected first. The browser stores layouts if `is_stored`.
    pub fn new(model: Memo<String>, is_stored: bool) -> Self {
        let (current, preview, unstored) = (RwSignal::default(), RwSignal::default(), StoredValue::default());
        let layouts = Self { current, model, preview, is_stored, unstored };
        if let Some(layout) = layout_of(&window().location().search().unwrap_or_default()) {
            let model = model.get_untracked();
            if layouts.load(&model) != layout {
                preview.set(Some(model.clone()));
                layouts.store(&model, &layout);
            }
        }
        effect(move || layouts.current.set(layouts.load(&model.get())));
        let listener = window_event_listener(ev::storage, move |event: web_sys::StorageEvent| {
            let own = format!("{PREFIX}{}", model.get_untracked());
            if event.key().is_none_or(|key| key == own) {
                layouts.reload();
            }
        });
        on_cleanup(move || listener.remove());
        layouts
    }

    /// Whether the layout is a preview from a link.
    pub fn is_preview(self) -> bool {
        self.preview.track();
        self.is_stored && self.has_preview(&self.model.get())
    }

    fn has_preview(self, model: &str) -> bool {
        self.preview.with_untracked(|own| own.as_deref() == Some(model))
    }

    /// Ends the preview, and keeps its layout or goes back to the person's own.
    pub fn end_preview(self, keeps: bool) {
        self.preview.set(None);
        if keeps {
            self.change(|_| {});
        } else {
            self.reload();
        }
    }

    /// Goes back to the stored layout, unless there is a preview.
    fn reload(self) {
        let model = self.model.get_untracked();
        if !self.has_preview(&model) {
            self.unstored.update_value(|unstored| unstored.retain(|(own, _)| *own != model));
            self.current.set(self.load(&model));
        }
    }

    /// Changes the layout, and stores it unless it is a preview.
    pub fn change(self, change: impl FnOnce(&mut Layout)) {
        self.current.update(change);
        self.current.with_untracked(|layout| self.store(&self.model.get_untracked(), layout));
    }

    /// The address of this page with this layout, to share.
    pub fn link(self) -> String {
        let location = window().location();
        let page = location.origin().unwrap_or_default() + &location.pathname().unwrap_or_default();
        let search = location.search().unwrap_or_default();
        format!("{page}?{}", with_layout(&search, &self.current.get_untracked()))
    }

    fn load(self, model: &str) -> Layout {
        let stored = self.stored(model).filter(|_| !self.has_preview(model));
        let own = |unstored: &Vec<(String, Layout)>| {
            unstored.iter().find(|(own, _)| own == model).map(|(_, layout)| layout.clone())
        };
        let unstored = || self.unstored.with_value(own);
        stored.and_then(|text| Layout::from_text(&text)).or_else(unstored).unwrap_or_default()
    }

    fn stored(self, model: &str) -> Option<String> {
        self.storage()?.get_item(&format!("{PREFIX}{model}")).ok().flatten()
    }

    fn storage(self) -> Option<web_sys::Storage> {
        if self.is_stored { window().local_storage().ok().flatten() } else { None }
    }

    fn store(self, model: &str, layout: &Layout) {
        self.unstored.update_value(|unstored| {
            unstored.retain(|(own, _)| own != model);
            unstored.push((model.to_owned(), layout.clone()));
        });
        // The layout of a later version of the page may have more than this one can write.
        if self.has_preview(model) || self.stored(model).is_some_and(|text| Layout::is_later(&text)) {
            return;
        }
        let Some(storage) = self.storage() else { return };
        let name = format!("{PREFIX}{model}");
        // If storage is full or denied, the layout still holds for this visit.
        let _ =
            if layout.is_default() { storage.remove_item(&name) } else { storage.set_item(&name, &layout.to_text()) };
    }
}

/// The layout of a link's query part.
fn layout_of(query: &str) -> Option<Layout> {
    let mut pairs = form_urlencoded::parse(query.trim_start_matches('?').as_bytes());
    pairs.find(|(name, _)| name == PARAMETER).and_then(|(_, text)| Layout::from_text(&text))
}

/// A link's query part with this layout instead of any other.
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
        assert_eq!(layout_of(&format!("?{link}")), Some(layout));
        assert_eq!(layout_of("?layout=%7B"), None);
    }
}
