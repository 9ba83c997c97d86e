//! What each replica is doing: the states it can be in, and how a state is told from outside.
pub mod restore;
pub mod series;
pub mod tracker;
