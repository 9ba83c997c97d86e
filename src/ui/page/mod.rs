//! The page as a whole: its root, banners, sections and keyboard shortcuts.
pub(crate) mod app;
pub(crate) mod banner;
pub(crate) mod key_facts;
pub(crate) mod key_figures;
pub(crate) mod missing_graphs;
pub(crate) mod section;
pub(crate) mod shortcuts;
pub(crate) mod unknown_scope;
