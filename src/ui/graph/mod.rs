//! The graph on a card: canvas, axes, colours, overlay and input.
pub(crate) mod axis;
mod bars;
pub(crate) mod canvas;
pub(crate) mod colours;
pub(crate) mod context;
pub(crate) mod guides;
pub(crate) mod input;
pub(crate) mod note_marks;
pub(crate) mod overlay;
pub(crate) mod percentile_bounds;
pub(crate) mod tooltip;
pub(crate) mod touch;
pub(crate) mod visible;
