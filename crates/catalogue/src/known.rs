//! What is known about a backend's series besides their names.
use crate::Scope;
use std::collections::BTreeSet;

/// What is known about a backend's series besides their names. A query for another program knows nothing: `()`.
pub trait KnownSeries {
    /// The models of a metric's series; the empty text for series without one. Empty if unknown.
    fn models(&self, _name: &str) -> BTreeSet<&str> {
        BTreeSet::new()
    }

    /// The machines of a scope.
    fn machines(&self, _scope: &Scope) -> Machines {
        Machines::default()
    }
}

impl KnownSeries for () {}

/// The machines of a scope, by their label `instance`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machines {
    /// Those that its replicas run on; none for all that are not in `apart`.
    pub of_replicas: Option<Vec<String>>,
    /// The companion's own, if no replica of the scope runs there: drawn as lines of its own.
    pub apart: Vec<String>,
}

impl Machines {
    /// Whether the machine with this label `instance` is drawn.
    pub fn contains(&self, instance: &str) -> bool {
        let is_apart = self.apart.iter().any(|own| own == instance);
        is_apart || self.of_replicas.as_ref().is_none_or(|all| all.iter().any(|own| own == instance))
    }
}
