//! The command line: its arguments, and the commands that print and end.
pub mod args;
pub mod check;
pub mod export;
pub mod import;
pub mod query;
