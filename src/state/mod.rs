//! What is on screen: plain values with their codecs, and the signals that hold them.
pub mod choices;
pub mod cursor;
pub mod frame;
pub mod layout;
pub mod layouts;
pub mod lines;
pub mod listing;
pub mod navigation;
pub mod prefs;
pub mod target;
pub mod url;
pub mod view;
pub mod when;
pub mod zone;
