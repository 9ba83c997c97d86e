//! Which series the backend has, which targets serve models, and why graphs are missing.
pub mod inventory;
pub mod missing;
pub mod model_targets;
