//! The companion: collects metrics of inference replicas, keeps them, answers queries, and serves the page.
mod api;
pub mod app;
mod assets;
pub mod check;
pub mod cli;
pub mod clock;
pub mod collect;
pub mod config;
pub mod discover;
pub mod export;
mod follow;
mod http;
pub mod scrape;
pub mod secret;
pub mod security;
mod shared;
