//! The data of the replica timeline and table.
pub mod fleet;
pub mod intervals;
pub mod queries;
