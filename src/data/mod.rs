//! Getting data: the page's HTTP, which series exist, and what each card draws.
//!
//! Each line may import those above it: `http`, `discovery`, `data_start`, `round`, `notes`, `graph`, then `events`, `findings`, `overview` and `replicas`,
//! then `feed`, which the rest of the page reads, and `refresh` and `refresh_loop`, which fill it with `refresh_findings`, `refresh_notes`, `shared_layouts` and `young_history`.
pub(crate) mod data_start;
pub mod discovery;
pub mod events;
pub mod feed;
pub(crate) mod findings;
pub mod graph;
pub mod http;
pub(crate) mod notes;
pub mod overview;
mod refresh;
mod refresh_findings;
mod refresh_loop;
mod refresh_notes;
pub mod replicas;
pub mod round;
pub(crate) mod shared_layouts;
mod young_history;
