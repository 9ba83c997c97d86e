//! Building blocks that every part of the page uses.
pub(crate) mod conditional;
pub(crate) mod csv;
pub(crate) mod dialog;
pub(crate) mod format_time;
pub(crate) mod save;
