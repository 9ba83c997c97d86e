//! The layout of the selected model: stored in the browser, or in memory without storage, and the same in every tab. A
//! layout from a link is only a preview until the person keeps it. Without one's own, there may be one for everyone.
use crate::state::layout::Layout;
use crate::wasm_size::effect::effect;
use leptos::ev;
use leptos::prelude::*;

/// The start of a name in the browser's storage; the model follows.
const PREFIX: &str = "inferboard.layout.";

/// The parameter of a link with a layout.
const PARAMETER: &str = "layout";

/// The layout of a model that the server keeps for everyone.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SharedLayout {
    /// None if there is none, or this page cannot read it.
    pub(crate) layout: Option<Layout>,
    /// What a change of it has to name; 0 if there is none.
    pub(crate) revision: u64,
}

/// The layout of the selected model, and the ways to change it.
#[derive(Clone, Copy)]
pub struct Layouts {
    /// The current layout.
    pub current: RwSignal<Layout>,
    pub(crate) model: Memo<String>,
    /// The layout for everyone, with its model.
    shared: StoredValue<(String, SharedLayout)>,
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
        let layouts = Self { current, model, shared: StoredValue::default(), preview, is_stored, unstored };
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

    /// Takes over the layout of a model that the server keeps for everyone.
    pub(crate) fn set_shared(self, model: &str, shared: SharedLayout) {
        self.shared.set_value((model.to_owned(), shared));
        if self.model.get_untracked() == model && !self.has_preview(model) {
            self.current.set(self.load(model));
        }
    }

    /// The revision of the layout for everyone.
    pub(crate) fn shared_revision(self) -> u64 {
        self.shared.with_value(|(_, shared)| shared.revision)
    }

    /// The layout of a model without one's own: that for everyone, or else the catalogue's.
    fn base(self, model: &str) -> Layout {
        self.shared.with_value(|(own, shared)| shared.layout.clone().filter(|_| own == model)).unwrap_or_default()
    }

    /// Whether the layout is that of everyone.
    pub fn is_base(self) -> bool {
        self.current.get() == self.base(&self.model.get())
    }

    /// Goes back to the layout of everyone.
    pub fn reset(self) {
        let base = self.base(&self.model.get_untracked());
        self.change(|layout| *layout = base);
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
        let own = stored.and_then(|text| Layout::from_text(&text)).or_else(unstored);
        own.unwrap_or_else(|| self.base(model))
    }

    fn stored(self, model: &str) -> Option<String> {
        self.storage()?.get_item(&format!("{PREFIX}{model}")).ok().flatten()
    }

    fn storage(self) -> Option<web_sys::Storage> {
        if self.is_stored { window().local_storage().ok().flatten() } else { None }
    }

    fn store(self, model: &str, layout: &Layout) {
        let is_base = !self.has_preview(model) && self.base(model) == *layout;
        self.unstored.update_value(|unstored| {
            unstored.retain(|(own, _)| own != model);
            if !is_base {
                unstored.push((model.to_owned(), layout.clone()));
            }
        });
        // The layout of a later version of the page may have more than this one can write.
        if self.has_preview(model) || self.stored(model).is_some_and(|text| Layout::is_later(&text)) {
            return;
        }
        let Some(storage) = self.storage() else { return };
        let name = format!("{PREFIX}{model}");
        // If storage is full or denied, the layout still holds for this visit.
        let _ = if is_base { storage.remove_item(&name) } else { storage.set_item(&name, &layout.to_text()) };
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
