//! What is on screen: plain values with their codecs, and the signals that hold them.
pub mod choices;
pub mod cursor;
pub mod navigation;
pub mod prefs;
pub mod url;
pub mod view;
