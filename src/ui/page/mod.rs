//! The page as a whole: its root, banners, sections and keyboard shortcuts.
pub(crate) mod app;
pub(crate) mod banner;
pub(crate) mod findings;
pub(crate) mod key_figures;
pub(crate) mod missing_graphs;
pub(crate) mod note_dialog;
pub(crate) mod open_card;
pub(crate) mod section;
pub(crate) mod share;
pub(crate) mod shortcuts;
pub(crate) mod unknown_scope;
