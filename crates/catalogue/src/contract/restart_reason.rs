//! Why a replica restarted.
use super::label_values;

label_values! {
    /// Why the previous run of a replica ended, in the words of Kubernetes. Label `reason` of
    /// [`REPLICA_RESTARTS_TOTAL`](super::names::REPLICA_RESTARTS_TOTAL).
    pub enum RestartReason {
        /// The process ended by itself.
        Completed = "Completed",
        /// The process ended with an error.
        Error = "Error",
        /// The container exceeded its memory limit.
        OomKilled = "OOMKilled",
        /// Only the restart was seen.
        Unknown = "unknown",
    }
}
