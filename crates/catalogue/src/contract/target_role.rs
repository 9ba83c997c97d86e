//! What a target is, if it is no replica, and who measures the companion's machine.
use super::label_values;

label_values! {
    /// What a target is, if it is no replica. Label `role` of [`TARGET_ROLE`](super::names::TARGET_ROLE), a series with the
    /// labels of the target's `up` and the value 1. A replica has no such series.
    pub enum TargetRole {
        /// A gateway, router or proxy in front of replicas.
        Gateway = "gateway",
        /// An exporter or an agent, whose metrics page is about other things than itself.
        Exporter = "exporter",
    }
}

label_values! {
    /// Who measures the machine that the companion runs on. Label `source` of
    /// [`OWN_MACHINE`](super::names::OWN_MACHINE), a series with the labels of the target's `up` and the value 1. Other
    /// targets have no such series.
    pub enum MachineSource {
        /// The companion itself.
        Companion = "companion",
        /// An exporter whose metrics page is about the same machine. It is left out of graphs of machines.
        Exporter = "exporter",
    }
}
