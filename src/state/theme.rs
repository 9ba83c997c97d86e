//! What a person prefers, kept in the browser where it allows that and in memory where not.
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

    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::Light => Self::Dark,
            Self::Dark => Self::Light,
        }
    }
}

/// Where `boot.js` reads the choice before anything is painted.
const KEY: &str = "inferboard.theme";

/// Where it is kept that rates of requests are shown by the minute.
const PER_MINUTE_KEY: &str = "inferboard.per-minute";

/// Whether rates of requests were chosen to be shown by the minute, the last time.
pub fn is_per_minute() -> bool {
    kept(PER_MINUTE_KEY).is_some()
}

/// Keeps the choice for the next visit, where storage is allowed.
pub fn keep_per_minute(is_per_minute: bool) {
    if let Ok(Some(storage)) = window().local_storage() {
        let _ = match is_per_minute {
            true => storage.set_item(PER_MINUTE_KEY, ""),
            false => storage.remove_item(PER_MINUTE_KEY),
        };
    }
}

fn kept(key: &str) -> Option<String> {
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

/// Sets the theme, and keeps the choice where storage is allowed.
pub fn choose(theme: Theme) {
    apply(theme);
    if let Ok(Some(storage)) = window().local_storage() {
        let _ = storage.set_item(KEY, theme.id());
    }
}

/// Sets the theme for now.
pub fn apply(theme: Theme) {
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("data-theme", theme.id());
    }
}

/// Whether a choice is kept.
pub fn is_chosen() -> bool {
    kept(KEY).is_some()
}
