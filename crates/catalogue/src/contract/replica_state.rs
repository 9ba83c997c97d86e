//! What a replica is doing.
use super::label_values;

label_values! {
    /// What a replica is doing, best first. Label `state` of [`REPLICA_STATE`](super::names::REPLICA_STATE).
    pub enum ReplicaState {
        /// It serves requests.
        Running = "running",
        /// It loads the model or warms up.
        Initializing = "initializing",
        /// The image is being pulled.
        Pulling = "pulling",
        /// The weights are being downloaded.
        Downloading = "downloading",
        /// It has no machine yet, or has not been seen yet.
        Pending = "pending",
        /// It ended with an error, or answers with errors.
        Failed = "failed",
        /// Its metrics endpoint does not answer and nothing else is known. The page infers it from `up`; the companion
        /// never reports it.
        Silent = "silent",
        /// It ended.
        Stopped = "stopped",
    }
}

impl ReplicaState {
    /// The states that the companion reports, in the order of a replica's life.
    pub const REPORTED: [Self; 7] = [
        Self::Pending,
        Self::Downloading,
        Self::Pulling,
        Self::Initializing,
        Self::Running,
        Self::Failed,
        Self::Stopped,
    ];

    /// Name on the page.
    pub fn title(self) -> &'static str {
        match self {
            Self::Initializing => "starting",
            Self::Silent => "not answering",
            other => other.id(),
        }
    }

    /// The state of a pod in this phase. None for `Running`: such a pod need not be ready.
    pub fn from_pod_phase(phase: &str) -> Option<Self> {
        match phase {
            "Pending" => Some(Self::Pending),
            "Failed" => Some(Self::Failed),
            "Succeeded" => Some(Self::Stopped),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_but_silent_are_reported() {
        for state in ReplicaState::ALL {
            assert_eq!(ReplicaState::REPORTED.contains(&state), state != ReplicaState::Silent, "{state:?}");
        }
    }

    #[test]
    fn pods_have_states_except_while_they_run() {
        assert_eq!(ReplicaState::from_pod_phase("Succeeded"), Some(ReplicaState::Stopped));
        assert_eq!(ReplicaState::from_pod_phase("Running"), None);
    }
}
