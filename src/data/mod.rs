//! Getting data: the page's HTTP, which series exist, and what each card draws.
//!
//! Each line may import those above it: `http`, `discovery`, `round`, `graph`, then `events`, `overview` and `replicas`,
//! then `feed`, which the rest of the page reads, and `refresh` and `refresh_loop`, which fill it.
pub mod discovery;
pub mod events;
pub mod feed;
pub mod graph;
pub mod http;
pub mod overview;
mod refresh;
mod refresh_loop;
pub mod replicas;
pub mod round;
