//! A violation of a rule, and the error it becomes.
use crate::error::{ErrorKind, shortened};

/// What is wrong, as a predicate of the family: "has a second TYPE line".
pub(super) type RuleViolation = &'static str;

/// The error for a violation in `family`.
pub(super) fn in_family(family: &str, rule: RuleViolation) -> ErrorKind {
    ErrorKind::Rule { family: shortened(family), rule }
}
