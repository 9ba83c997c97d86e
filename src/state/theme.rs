//! Preferences that the browser keeps, if it allows storage: the theme and the unit of request rates.
use leptos::prelude::*;

/// Light or dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Dark text on light.
    Light,
    /// Light text on dark.
    Dark,
}

impl Theme {
    /// The value of `data-theme`.
    pub fn id(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The theme of that name; none for `auto` and any other text.
    pub fn from_id(id: &str) -> Option<Self> {
        match id {
            "light" => Some(Self::Light),
            "dark" => Some(Self::Dark),
            _ => None,
        }
    }

    /// The other theme.
    pub fn other(self) -> Self {
        match self {
            Self::Light => Self::Dark,
            Self::Dark => Self::Light,
        }
    }
}

/// Where the theme is stored. `boot.js` reads it before the first paint.
const THEME_KEY: &str = "inferboard.theme";

/// Where it is stored that request rates are per minute.
const PER_MINUTE_KEY: &str = "inferboard.per-minute";

/// Whether request rates were per minute when they were last set.
pub fn is_per_minute() -> bool {
    stored(PER_MINUTE_KEY).is_some()
}

/// Stores the unit of request rates for the next visit.
pub fn store_per_minute(is_per_minute: bool) {
    if let Ok(Some(storage)) = window().local_storage() {
        let _ = match is_per_minute {
            true => storage.set_item(PER_MINUTE_KEY, ""),
            false => storage.remove_item(PER_MINUTE_KEY),
        };
    }
}

fn stored(key: &str) -> Option<String> {
    window().local_storage().ok().flatten().and_then(|storage| storage.get_item(key).ok().flatten())
}

/// The theme that the boot script has set on the document.
pub fn current() -> Theme {
    let root = document().document_element();
    match root.and_then(|root| root.get_attribute("data-theme")).as_deref() {
        Some("dark") => Theme::Dark,
        _ => Theme::Light,
    }
}

/// Applies the theme and stores it for the next visit.
pub fn choose(theme: Theme) {
    apply(theme);
    if let Ok(Some(storage)) = window().local_storage() {
        let _ = storage.set_item(THEME_KEY, theme.id());
    }
}

/// Applies the theme without storing it.
pub fn apply(theme: Theme) {
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("data-theme", theme.id());
    }
}

/// Whether a theme is stored.
pub fn is_stored() -> bool {
    stored(THEME_KEY).is_some()
}
