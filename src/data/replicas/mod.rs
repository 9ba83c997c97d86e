//! The replicas one by one: their states over time, and the figures of their table.
pub mod fleet;
pub mod intervals;
pub(crate) mod queries;
pub(crate) mod state_log;
pub(crate) mod table_rows;
