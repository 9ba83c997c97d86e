//! The states of a replica.

/// What a replica is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is wanted, and nothing of it has been seen yet.
    Pending,
    /// The weights are on their way.
    Downloading,
    /// The image is on its way.
    Pulling,
    /// It runs and is not ready: it loads the model, or warms up.
    Initializing,
    /// It serves.
    Running,
    /// It should serve and cannot.
    Failed,
    /// It ended.
    Stopped,
}

impl State {
    /// All, in the order in which a replica goes through them.
    pub const ALL: [Self; 7] = [
        Self::Pending,
        Self::Downloading,
        Self::Pulling,
        Self::Initializing,
        Self::Running,
        Self::Failed,
        Self::Stopped,
    ];

    /// The word for the label `state`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Downloading => "downloading",
            Self::Pulling => "pulling",
            Self::Initializing => "initializing",
            Self::Running => "running",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }

    /// The state with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}
