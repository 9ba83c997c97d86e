//! What targets say about their families: type, help and unit.
use exposition::{Kind, Metadata as Fact};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The most families that are described; further ones are not.
const MOST_FAMILIES: usize = 20_000;

/// Longer texts are cut.
const MOST_BYTES: usize = 1 << 10;

/// Descriptions by the name of the family's samples, as a query would have it. Where targets differ, the last one counts.
#[derive(Debug, Default)]
pub struct Metadata(Mutex<BTreeMap<String, Description>>);

/// What is known of a family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// Its type.
    pub kind: Kind,
    /// Its help text; empty where there is none.
    pub help: String,
    /// Its unit; empty where there is none.
    pub unit: String,
}

/// A fact that outlives its page.
pub(crate) struct OwnedFact {
    family: String,
    kind: Option<Kind>,
    help: Option<String>,
    unit: Option<String>,
}

impl OwnedFact {
    /// What the page says of `family`.
    pub(crate) fn new(family: &str, fact: Fact<'_>) -> Self {
        let mut own = Self { family: family.to_owned(), kind: None, help: None, unit: None };
        match fact {
            Fact::Kind(kind) => own.kind = Some(kind),
            Fact::Help(text) => own.help = Some(shortened(text)),
            Fact::Unit(text) => own.unit = Some(shortened(text)),
        }
        own
    }
}

fn shortened(text: &str) -> String {
    text[..text.floor_char_boundary(MOST_BYTES)].to_owned()
}

impl Metadata {
    /// Takes note of what a page says. In OpenMetrics a counter's family lacks the `_total` of its samples; `suffixed`
    /// adds it.
    pub(crate) fn note(&self, facts: Vec<OwnedFact>, suffixed: bool) {
        let counters: Vec<String> = match suffixed {
            true => {
                facts.iter().filter(|fact| fact.kind == Some(Kind::Counter)).map(|fact| fact.family.clone()).collect()
            }
            false => Vec::new(),
        };
        let mut families = self.lock();
        for OwnedFact { mut family, kind, help, unit } in facts {
            if counters.contains(&family) {
                family.push_str("_total");
            }
            if families.len() >= MOST_FAMILIES && !families.contains_key(&family) {
                continue;
            }
            let own = families.entry(family).or_default();
            own.kind = kind.unwrap_or(own.kind);
            own.help = help.unwrap_or(std::mem::take(&mut own.help));
            own.unit = unit.unwrap_or(std::mem::take(&mut own.unit));
        }
    }

    /// The families in order of their names: only `name`'s where given, and at most `limit`.
    pub fn families(&self, name: Option<&str>, limit: usize) -> Vec<(String, Description)> {
        let families = self.lock();
        match name {
            Some(name) => families.get_key_value(name).into_iter().take(limit).map(owned).collect(),
            None => families.iter().take(limit).map(owned).collect(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Description>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn owned((name, description): (&String, &Description)) -> (String, Description) {
    (name.clone(), description.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_come_together_by_family() {
        let metadata = Metadata::default();
        let facts = |family| {
            vec![
                OwnedFact::new(family, Fact::Help("Requests.")),
                OwnedFact::new(family, Fact::Kind(Kind::Counter)),
                OwnedFact::new(family, Fact::Unit("requests")),
            ]
        };
        metadata.note(facts("a"), true);
        metadata.note(facts("b_total"), false);
        metadata.note(vec![OwnedFact::new("b_total", Fact::Help(&"ä".repeat(MOST_BYTES)))], false);
        let families = metadata.families(None, 9);
        let names: Vec<&str> = families.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a_total", "b_total"]);
        let description = Description { kind: Kind::Counter, help: "Requests.".into(), unit: "requests".into() };
        assert_eq!(families[0].1, description);
        assert_eq!((families[1].1.kind, families[1].1.help.len()), (Kind::Counter, MOST_BYTES));
        assert_eq!(metadata.families(Some("b_total"), 9).len(), 1);
        assert!(metadata.families(Some("c"), 9).is_empty() && metadata.families(None, 0).is_empty());
    }
}
