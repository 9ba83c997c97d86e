//! Ensures that a process is attributed to one target only.
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The claims of all targets, by the target's key.
#[derive(Debug, Default)]
pub(crate) struct Claims(Mutex<BTreeMap<String, Claim>>);

/// What is attributed to a target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Claim {
    /// The roots of its process trees.
    pub(crate) roots: Vec<u32>,
    /// The control groups that its limits come from.
    pub(crate) limiting_groups: Vec<PathBuf>,
}

/// How a claim relates to those of other targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClaimOutcome {
    /// Whether the processes are attributed to another target.
    pub(crate) is_taken: bool,
    /// Whether another target is subject to the same limits.
    pub(crate) shares_limits: bool,
}

impl Claims {
    /// Sets the claim of the target `key`.
    pub(crate) fn set(&self, key: &str, claim: Claim) -> ClaimOutcome {
        let mut claims = self.0.lock();
        let others = || claims.iter().filter(|(other, _)| *other != key);
        // Among targets with the same process, the first by key gets it, whatever the order of their claims.
        let is_taken = others()
            .any(|(other, theirs)| other.as_str() < key && theirs.roots.iter().any(|root| claim.roots.contains(root)));
        let is_shared = |group: &PathBuf| claim.limiting_groups.contains(group);
        let shares_limits = others().any(|(_, theirs)| theirs.limiting_groups.iter().any(is_shared));
        claims.insert(key.to_owned(), claim);
        ClaimOutcome { is_taken, shares_limits }
    }

    /// Removes the claim of the target `key`.
    pub(crate) fn release(&self, key: &str) {
        self.0.lock().remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_attributed_to_one_target_and_a_shared_limit_to_none() {
        let claims = Claims::default();
        let set = |key: &str, roots: &[u32], groups: &[&str]| {
            let limiting_groups = groups.iter().map(PathBuf::from).collect();
            let outcome = claims.set(key, Claim { roots: roots.to_vec(), limiting_groups });
            (outcome.is_taken, outcome.shares_limits)
        };
        assert_eq!(set("b", &[7], &["/limited"]), (false, false));
        assert_eq!(set("a", &[7], &[]), (false, false), "the first by name, though it came later");
        assert_eq!(set("b", &[7], &["/limited"]), (true, false));
        assert_eq!(set("c", &[8], &["/limited"]), (false, true));
        claims.release("a");
        claims.release("c");
        assert_eq!(set("b", &[7], &["/limited"]), (false, false));
    }
}
