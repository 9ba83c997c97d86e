//! Ensures that a process is attributed to one target only.
use parking_lot::Mutex;
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::path::PathBuf;
use std::sync::Arc;

/// The claims of all targets.
#[derive(Debug, Default)]
pub(crate) struct Claims(Mutex<ClaimIndex>);

/// Claims by the target's key, and the keys by what is claimed: one process may serve a thousand targets.
#[derive(Debug, Default)]
struct ClaimIndex {
    claims: HashMap<Arc<str>, Claim>,
    by_root: HashMap<u32, BTreeSet<Arc<str>>>,
    by_group: HashMap<PathBuf, BTreeSet<Arc<str>>>,
}

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
    pub(crate) fn set(&self, key: &str, claim: &Claim) -> ClaimOutcome {
        let mut index = self.0.lock();
        if index.claims.get(key) != Some(claim) {
            index.remove(key);
            index.insert(key.into(), claim.clone());
        }
        // Among targets with the same process, the first by key gets it, whatever the order of their claims.
        let first = |root: &u32| index.by_root.get(root).and_then(BTreeSet::first);
        let is_taken = claim.roots.iter().filter_map(first).any(|first| **first != *key);
        let count = |group: &PathBuf| index.by_group.get(group).map_or(0, BTreeSet::len);
        let shares_limits = claim.limiting_groups.iter().any(|group| count(group) > 1);
        ClaimOutcome { is_taken, shares_limits }
    }

    /// Removes the claim of the target `key`.
    pub(crate) fn release(&self, key: &str) {
        self.0.lock().remove(key);
    }
}

impl ClaimIndex {
    fn insert(&mut self, key: Arc<str>, claim: Claim) {
        for root in &claim.roots {
            self.by_root.entry(*root).or_default().insert(Arc::clone(&key));
        }
        for group in &claim.limiting_groups {
            self.by_group.entry(group.clone()).or_default().insert(Arc::clone(&key));
        }
        self.claims.insert(key, claim);
    }

    fn remove(&mut self, key: &str) {
        let Some(claim) = self.claims.remove(key) else { return };
        claim.roots.iter().for_each(|root| remove_key(&mut self.by_root, root, key));
        claim.limiting_groups.iter().for_each(|group| remove_key(&mut self.by_group, group, key));
    }
}

fn remove_key<T: Eq + Hash>(keys: &mut HashMap<T, BTreeSet<Arc<str>>>, claimed: &T, key: &str) {
    if let Some(of_claimed) = keys.get_mut(claimed) {
        of_claimed.remove(key);
        if of_claimed.is_empty() {
            keys.remove(claimed);
        }
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
            let outcome = claims.set(key, &Claim { roots: roots.to_vec(), limiting_groups });
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
