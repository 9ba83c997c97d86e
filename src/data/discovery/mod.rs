//! Which series exist, which targets serve models, and why graphs are missing.
mod counts;
pub(crate) mod discover;
pub mod intervals;
pub mod inventory;
pub(crate) mod machines;
pub(crate) mod measure;
pub(crate) mod missing;
pub(crate) mod model_targets;
pub mod scrapes;
pub(crate) mod targets;
