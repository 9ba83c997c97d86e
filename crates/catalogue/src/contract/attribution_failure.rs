//! Why the processes behind a target cannot be determined.
use super::label_values;

label_values! {
    /// Why the processes behind a target on the companion's machine cannot be determined. Label `reason` of
    /// [`REPLICA_ATTRIBUTED`](super::names::REPLICA_ATTRIBUTED).
    pub enum AttributionFailure {
        /// Nothing listens on the port here.
        NoListener = "no_listener",
        /// The listening process belongs to another user.
        NoPermission = "no_permission",
        /// The listener is in another namespace, such as a container's.
        OtherNamespace = "other_namespace",
        /// The listener forwards connections to a process that is not visible here.
        Forwarded = "forwarded",
        /// Another target is the same process and reports its use.
        SameProcess = "same_process",
        /// The kernel did not answer in time.
        Timeout = "timeout",
    }
}
