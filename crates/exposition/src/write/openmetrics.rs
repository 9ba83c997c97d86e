//! Writes OpenMetrics. Its readers reject a whole page for one violation, so families that violate a rule are rewritten.
use super::line::Style;
use super::{MergedFamily, line};
use crate::family::{Exemplar, Kind, Sample};
use crate::line::labels::{Label, fits_exemplar};
use crate::line::sample::Measurement;
use crate::validate::family::{FamilyRules, identity};
use std::collections::{HashMap, HashSet};

/// Writes the families. Returns how many samples are dropped because no valid page can hold them.
pub(super) fn write(families: Vec<MergedFamily<'_>>, into: &mut String) -> usize {
    let families = renamed(families);
    let family_counts = family_counts(&families);
    let mut writer = Writer { into, family_counts, reserved_names: HashSet::new(), dropped: 0 };
    for family in families {
        writer.family(family);
    }
    writer.dropped
}

/// The families under their names in OpenMetrics: counters lose `_total`, and creation times, which are gauges in
/// Prometheus text, move into their families.
fn renamed(mut families: Vec<MergedFamily<'_>>) -> Vec<MergedFamily<'_>> {
    let is_created = |family: &MergedFamily<'_>| family.kind == Kind::Gauge && family.name.ends_with("_created");
    for family in &mut families {
        let is_named_like_samples = family.samples.iter().all(|sample| sample.name == family.name);
        if family.kind == Kind::Counter && is_named_like_samples {
            family.name = family.name.strip_suffix("_total").unwrap_or(family.name);
        }
    }
    let others = families.iter().enumerate().filter(|(_, family)| !is_created(family));
    let by_name: HashMap<&str, usize> = others.map(|(at, family)| (family.name, at)).collect();
    let owner = |family: &MergedFamily<'_>| {
        let stem = family.name.strip_suffix("_created").filter(|_| is_created(family))?;
        by_name.get(stem).copied().filter(|&at| families[at].kind.suffixes().contains(&"_created"))
    };
    let owners: Vec<Option<usize>> = families.iter().map(owner).collect();
    for (at, owner) in owners.iter().enumerate() {
        if let Some(owner) = *owner {
            let created = std::mem::take(&mut families[at].samples);
            families[owner].samples.extend(created);
        }
    }
    let mut owners = owners.into_iter();
    families.retain(|_| owners.next().flatten().is_none());
    families
}

/// The number of families that have samples of each name.
fn family_counts<'f>(families: &[MergedFamily<'f>]) -> HashMap<&'f str, usize> {
    let mut counts = HashMap::new();
    for family in families {
        let names: HashSet<&str> = family.samples.iter().map(|sample| sample.name.as_str()).collect();
        for name in names {
            *counts.entry(name).or_insert(0) += 1;
        }
    }
    counts
}

struct Writer<'o, 'f> {
    into: &'o mut String,
    /// The number of families that have samples of each name.
    family_counts: HashMap<&'f str, usize>,
    /// The names that the families so far reserve.
    reserved_names: HashSet<String>,
    dropped: usize,
}

impl Writer<'_, '_> {
    /// Writes a family with its type if that is valid; otherwise the samples of each name as an unknown family.
    fn family(&mut self, mut family: MergedFamily<'_>) {
        sort_by_metric(&mut family);
        if self.write_if_valid(&family) {
            return;
        }
        for mut unknown in as_unknown(&family) {
            sort_by_metric(&mut unknown);
            if !self.write_if_valid(&unknown) {
                self.dropped += unknown.samples.len();
            }
        }
    }

    fn write_if_valid(&mut self, family: &MergedFamily<'_>) -> bool {
        let mut rules = FamilyRules::new(family.name, family.kind, family.unit);
        let names: Vec<String> = rules.names().collect();
        // A counter `x` also reserves the name `x`, which must not be that of another family's samples.
        let is_free = |name: &String| {
            let is_own = family.samples.iter().any(|sample| sample.name == *name);
            let elsewhere = self.family_counts.get(name.as_str()).map_or(0, |count| count - usize::from(is_own));
            elsewhere == 0 && !self.reserved_names.contains(name)
        };
        if !names.iter().all(is_free) || !are_valid(&mut rules, &family.samples) {
            return false;
        }
        self.reserved_names.extend(names);
        line::metadata(self.into, "TYPE", family.name, family.kind.as_str());
        if !family.unit.is_empty() {
            line::metadata(self.into, "UNIT", family.name, family.unit);
        }
        if !family.help.is_empty() {
            line::help(self.into, family.name, family.help, Style::OpenMetrics);
        }
        for sample in &family.samples {
            line::sample(self.into, sample, Style::OpenMetrics);
            if let Some(exemplar) = exemplar(family, sample) {
                line::exemplar(self.into, exemplar);
            }
            self.into.push('\n');
        }
        true
    }
}

/// Whether a family of these samples is valid.
fn are_valid(rules: &mut FamilyRules, samples: &[&Sample]) -> bool {
    let are_all_valid = samples.iter().all(|sample| {
        let labels = borrowed(&sample.labels);
        let measurement = Measurement { value: sample.value, timestamp: sample.timestamp, exemplar: None };
        rules.suffix_of(&sample.name).is_some()
            && !labels.iter().any(|label| label.name.starts_with("__"))
            && rules.sample(&sample.name, &labels, &measurement).is_ok()
    });
    are_all_valid && !rules.unit.contains('\n') && rules.finish().is_ok()
}

/// The exemplar of a sample, if its role and the exemplar's length allow one.
fn exemplar<'f>(family: &MergedFamily<'f>, sample: &'f Sample) -> Option<&'f Exemplar> {
    let exemplar = sample.exemplar.as_ref().filter(|exemplar| fits_exemplar(&borrowed(&exemplar.labels)))?;
    match (family.kind, sample.name.strip_prefix(family.name)?) {
        (Kind::Counter, "_total") | (Kind::Histogram | Kind::GaugeHistogram, "_bucket") => Some(exemplar),
        _ => None,
    }
}

/// The samples of a family as families of unknown type, one for each name.
fn as_unknown<'f>(family: &MergedFamily<'f>) -> Vec<MergedFamily<'f>> {
    let mut out: Vec<MergedFamily<'f>> = Vec::new();
    for &sample in &family.samples {
        match out.iter_mut().find(|unknown| unknown.name == sample.name) {
            Some(unknown) => unknown.samples.push(sample),
            None => out.push(MergedFamily {
                name: &sample.name,
                kind: Kind::Unknown,
                help: family.help,
                unit: "",
                samples: vec![sample],
            }),
        }
    }
    out
}

/// Makes the samples of each metric contiguous; metrics are in the order of their first samples.
fn sort_by_metric(family: &mut MergedFamily<'_>) {
    let mut order = HashMap::new();
    let mut ordered: Vec<(usize, &Sample)> = Vec::with_capacity(family.samples.len());
    for &sample in &family.samples {
        let suffix = sample.name.strip_prefix(family.name).unwrap_or_default();
        let metric = identity(family.kind, family.name, suffix, &borrowed(&sample.labels)).metric;
        let next = order.len();
        ordered.push((*order.entry(metric).or_insert(next), sample));
    }
    if !ordered.is_sorted_by_key(|(order, _)| *order) {
        ordered.sort_by_key(|(order, _)| *order);
        family.samples = ordered.into_iter().map(|(_, sample)| sample).collect();
    }
}

fn borrowed(labels: &[(String, String)]) -> Vec<Label<'_>> {
    labels.iter().map(|(name, value)| Label { name: name.into(), value: value.into() }).collect()
}
