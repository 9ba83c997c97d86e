//! Getting data: the only HTTP of the page, what is there, and what each card last drew.
pub mod discovery;
pub mod events;
pub mod graph;
pub mod http;
pub mod refresh_loop;
pub mod replicas;
pub mod round;
