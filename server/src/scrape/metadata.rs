//! The metadata of families: type, help and unit.
use exposition::Kind;
use parking_lot::Mutex;
use std::collections::BTreeMap;

/// The maximum number of families whose metadata is kept.
const MAX_FAMILIES: usize = 20_000;

/// The length at which help texts and units are truncated.
const MAX_TEXT_BYTES: usize = 1 << 10;

/// What the names of a histogram's or summary's samples have in addition to that of the family.
const PARTS: [&str; 6] = ["_bucket", "_count", "_sum", "_gcount", "_gsum", "_created"];

/// Metadata by the name of the family's samples, as it is queried. If targets differ, the last one wins.
#[derive(Debug, Default)]
pub struct Metadata(Mutex<BTreeMap<String, Description>>);

/// The metadata of one family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// Its type.
    pub kind: Kind,
    /// Its help text, or empty.
    pub help: String,
    /// Its unit, or empty.
    pub unit: String,
}

/// One piece of metadata, independent of the page that holds it.
pub(crate) struct OwnedMetadata {
    family: String,
    kind: Option<Kind>,
    help: Option<String>,
    unit: Option<String>,
}

impl OwnedMetadata {
    /// Copies a piece of metadata of `family`.
    pub(crate) fn new(family: &str, metadata: exposition::Metadata<'_>) -> Self {
        let mut own = Self { family: family.to_owned(), kind: None, help: None, unit: None };
        match metadata {
            exposition::Metadata::Kind(kind) => own.kind = Some(kind),
            exposition::Metadata::Help(text) => own.help = Some(truncated(text)),
            exposition::Metadata::Unit(text) => own.unit = Some(truncated(text)),
        }
        own
    }
}

fn truncated(text: &str) -> String {
    text[..text.floor_char_boundary(MAX_TEXT_BYTES)].to_owned()
}

impl Metadata {
    /// Records the metadata of a page. `omits_total` says that counters' families lack the `_total` of their samples, as in
    /// OpenMetrics.
    pub(crate) fn record(&self, new: Vec<OwnedMetadata>, omits_total: bool) {
        let counters: Vec<String> = match omits_total {
            true => new
                .iter()
                .filter(|metadata| metadata.kind == Some(Kind::Counter))
                .map(|metadata| metadata.family.clone())
                .collect(),
            false => Vec::new(),
        };
        let mut families = self.0.lock();
        for OwnedMetadata { mut family, kind, help, unit } in new {
            if counters.contains(&family) {
                family.push_str("_total");
            }
            if families.len() >= MAX_FAMILIES && !families.contains_key(&family) {
                continue;
            }
            let own = families.entry(family).or_default();
            own.kind = kind.unwrap_or(own.kind);
            own.help = help.unwrap_or(std::mem::take(&mut own.help));
            own.unit = unit.unwrap_or(std::mem::take(&mut own.unit));
        }
    }

    /// The number of families.
    pub(crate) fn count(&self) -> usize {
        self.0.lock().len()
    }

    /// The metadata of the family to which samples called `name` belong.
    pub(crate) fn of_sample(&self, name: &str) -> Option<Description> {
        let families = self.0.lock();
        let of_part = || {
            let family = PARTS.iter().find_map(|part| name.strip_suffix(part))?;
            let has_parts = |kind| matches!(kind, Kind::Histogram | Kind::GaugeHistogram | Kind::Summary);
            families.get(family).filter(|description| has_parts(description.kind))
        };
        families.get(name).or_else(of_part).cloned()
    }

    /// At most `limit` families, sorted by name; only the family `name` if it is given.
    pub fn families(&self, name: Option<&str>, limit: usize) -> Vec<(String, Description)> {
        let families = self.0.lock();
        match name {
            Some(name) => families.get_key_value(name).into_iter().take(limit).map(owned).collect(),
            None => families.iter().take(limit).map(owned).collect(),
        }
    }
}

fn owned((name, description): (&String, &Description)) -> (String, Description) {
    (name.clone(), description.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_grouped_by_family() {
        let metadata = Metadata::default();
        let all = |family| {
            vec![
                OwnedMetadata::new(family, exposition::Metadata::Help("Requests.")),
                OwnedMetadata::new(family, exposition::Metadata::Kind(Kind::Counter)),
                OwnedMetadata::new(family, exposition::Metadata::Unit("requests")),
            ]
        };
        metadata.record(all("a"), true);
        metadata.record(all("b_total"), false);
        metadata.record(
            vec![OwnedMetadata::new("b_total", exposition::Metadata::Help(&"ä".repeat(MAX_TEXT_BYTES)))],
            false,
        );
        let families = metadata.families(None, 9);
        let names: Vec<&str> = families.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a_total", "b_total"]);
        let description = Description { kind: Kind::Counter, help: "Requests.".into(), unit: "requests".into() };
        assert_eq!(families[0].1, description);
        assert_eq!((families[1].1.kind, families[1].1.help.len()), (Kind::Counter, MAX_TEXT_BYTES));
        assert_eq!(metadata.families(Some("b_total"), 9).len(), 1);
        let summary = OwnedMetadata::new("s", exposition::Metadata::Kind(Kind::Summary));
        metadata.record(vec![summary], false);
        assert_eq!(metadata.of_sample("s_sum").map(|description| description.kind), Some(Kind::Summary));
        assert_eq!(metadata.of_sample("a_total"), Some(families[0].1.clone()));
        assert_eq!(metadata.of_sample("a_total_count"), None, "a counter has no parts");
        assert!(metadata.families(Some("c"), 9).is_empty() && metadata.families(None, 0).is_empty());
    }
}
