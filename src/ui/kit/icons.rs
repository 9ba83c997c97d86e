//! Icons: paths of lines in a square of 16 units, drawn in the colour of the text.

/// To the previous range.
pub(crate) const BACK: &str = "M6.5 3.5 3 7l3.5 3.5M3 7h6.5a3.5 3.5 0 0 1 0 7H8";
/// To the next range.
pub(crate) const FORWARD: &str = "M9.5 3.5 13 7l-3.5 3.5M13 7H6.5a3.5 3.5 0 0 0 0 7H8";
/// Earlier.
pub(crate) const LEFT: &str = "M10 3 5 8l5 5";
/// Later.
pub(crate) const RIGHT: &str = "M6 3l5 5-5 5";
/// A range of dates.
pub(crate) const CALENDAR: &str = "M2.5 4h11v9.5h-11zM2.5 7.2h11M5.5 2.2v3M10.5 2.2v3";
/// More controls.
pub(crate) const MORE: &str = "M3 8h.01M8 8h.01M13 8h.01";
/// Closes.
pub(crate) const CLOSE: &str = "M4 4l8 8M12 4l-8 8";
/// Fills the screen.
pub(crate) const EXPAND: &str = "M9.5 2.5h4v4M13.5 2.5 9 7M6.5 13.5h-4v-4M2.5 13.5 7 9";
/// Up.
pub(crate) const UP: &str = "M8 13V3M4 7l4-4 4 4";
/// Down.
pub(crate) const DOWN: &str = "M8 3v10M4 9l4 4 4-4";
/// Compares two lines.
pub(crate) const COMPARE: &str = "M2 12l4-6 3 3 5-6M2 5.5h2M6 3.5h2M10.5 8.5 12 10M13 12l1 1";
/// Shares.
pub(crate) const SHARE: &str = "M8 10V2.5M5 5.2l3-2.8 3 2.8M3 8.5v5h10v-5";
/// A warning.
pub(crate) const WARNING: &str = "M8 2.5l6 11H2zM8 6.5v3.2M8 11.6v.01";

/// An icon as SVG.
pub(crate) fn svg(path: &str) -> String {
    format!("<svg class=\"icon\" viewBox=\"0 0 16 16\" aria-hidden=\"true\"><path d=\"{path}\"/></svg>")
}
