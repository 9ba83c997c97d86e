//! The replicas: a timeline of their states, a filter, and a table.
mod cells;
pub(crate) mod context;
pub(crate) mod filter;
pub(crate) mod hover;
pub(crate) mod paint;
pub(crate) mod rows;
pub(crate) mod table;
pub(crate) mod timeline;
