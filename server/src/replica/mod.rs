//! What each replica is doing: the states it can be in, and how a state is told from outside.
pub mod restore;
pub mod series;
pub mod state;
pub mod tracker;

/// The state set: 1 for the state that a replica is in, 0 for the others, by the label `state`.
pub const STATE: &str = "inferboard_replica_state";

/// Restarts of a replica, by the label `reason`.
pub const RESTARTS: &str = "inferboard_replica_restarts_total";

/// Seconds that the current run of a replica took from its start until it was ready.
pub const READY: &str = "inferboard_replica_ready_seconds";

/// The `reason` of a restart of which only the fact is known.
pub const UNKNOWN: &str = "unknown";
