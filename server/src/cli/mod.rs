//! The command line: its arguments, and the subcommands other than `serve`.
pub mod args;
pub mod check;
pub mod export;
pub mod gzip;
pub mod health;
pub mod import;
pub mod package_files;
pub mod query;
pub mod server;
