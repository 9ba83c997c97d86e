//! What each replica is doing: its states, the tracker that infers them from probes, and the series that record them.
pub mod restore;
pub mod series;
pub mod tracker;
