//! What is in memory: groups of series, and the chunks of their scrapes.
pub(crate) mod chunk;
pub(crate) mod group;
pub(crate) mod rows;
