//! The companion: collects metrics of inference replicas, stores their history, answers queries, and serves the page.
#![warn(clippy::print_stderr, clippy::print_stdout)]
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod history;
mod kept;
pub mod log;
pub mod open_files;
pub(crate) mod own_names;
pub mod processes;
pub mod remote_write;
pub mod replica;
pub mod scrape;
pub mod service;
pub mod sources;
pub mod stop;
pub mod target;
pub mod terminal;
mod threads;
pub mod web;
