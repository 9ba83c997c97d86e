//! The thresholds of all findings, and what replaces their defaults.
use crate::entries::ENTRIES;
use crate::entry::{Configured, Entry, Limits};
use std::fmt;

/// The configured thresholds. All others have their defaults.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Thresholds(Vec<Configured>);

/// Why a threshold cannot be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ThresholdError {
    /// No finding has one by this name.
    Unknown(String),
    /// It is not a positive number.
    Value(String),
}

impl fmt::Display for ThresholdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => write!(f, "there is no threshold {name:?}; docs/findings.md lists them"),
            Self::Value(name) => write!(f, "{name} must be a positive number"),
        }
    }
}

impl std::error::Error for ThresholdError {}

impl Thresholds {
    /// Sets a threshold, named as `at-maximum.minutes`.
    ///
    /// # Errors
    /// If there is no such threshold, or the value is not positive.
    pub fn set(&mut self, name: &str, value: f64) -> Result<(), ThresholdError> {
        let (id, own) = name.split_once('.').unwrap_or((name, ""));
        let entry = ENTRIES.iter().find(|entry| entry.id == id);
        let known = entry.and_then(|entry| entry.thresholds.iter().find(|threshold| threshold.name == own));
        let Some((entry, threshold)) = entry.zip(known) else { return Err(ThresholdError::Unknown(name.to_owned())) };
        if !(value > 0.0 && value.is_finite()) {
            return Err(ThresholdError::Value(name.to_owned()));
        }
        self.0.push(Configured { id: entry.id, name: threshold.name, value });
        Ok(())
    }

    /// Those that have been set, each with its value.
    pub fn configured(&self) -> impl Iterator<Item = (String, f64)> {
        self.0.iter().map(|Configured { id, name, value }| (format!("{id}.{name}"), *value))
    }

    pub(crate) fn of<'t>(&'t self, entry: &'t Entry) -> Limits<'t> {
        Limits { configured: &self.0, id: entry.id, thresholds: entry.thresholds }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_thresholds_can_be_set() {
        let mut thresholds = Thresholds::default();
        assert_eq!(thresholds.set("kv-cache-full.share", 0.8), Ok(()));
        let entry = &ENTRIES[0];
        assert_eq!((entry.id, thresholds.of(entry).get("share")), ("kv-cache-full", 0.8));
        let unknown = thresholds.set("kv-cache-full.nonsense", 1.0).expect_err("no threshold").to_string();
        assert!(unknown.contains("kv-cache-full.nonsense"), "{unknown}");
        assert_eq!(thresholds.configured().collect::<Vec<_>>(), [("kv-cache-full.share".to_owned(), 0.8)]);
        assert!(thresholds.set("kv-cache-full", 1.0).is_err());
        assert!(thresholds.set("kv-cache-full.share", f64::NAN).is_err());
    }
}
