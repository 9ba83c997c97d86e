//! Building blocks that every part of the page uses.
pub(crate) mod clipboard;
pub(crate) mod conditional;
pub(crate) mod controls;
pub(crate) mod csv;
pub(crate) mod dialog;
pub(crate) mod download;
pub(crate) mod embed_code;
pub(crate) mod format_time;
pub(crate) mod help;
pub(crate) mod html;
pub(crate) mod icons;
pub(crate) mod observe;
pub(crate) mod peers;
pub(crate) mod popover;
pub(crate) mod surface;
