//! Families as OpenMetrics, whose readers refuse a whole page for one broken rule: what breaks one is rewritten.
use super::{
    Draft,
    line::{self, Style},
};
use crate::{
    family::{Exemplar, Kind, Sample},
    judge::family::{FamilyRules, identity},
    line::{
        labels::{Label, fits_exemplar},
        sample::Point,
    },
};
use std::collections::{HashMap, HashSet};

/// Writes the families; how many samples are left out, as no valid page can have them.
pub(super) fn write(families: Vec<Draft<'_>>, into: &mut String) -> usize {
    let families = renamed(families);
    let mut page = Page { into, families_of: families_of(&families), taken_names: HashSet::new(), left_out: 0 };
    for family in families {
        page.family(family);
    }
    page.left_out
}

/// The families under their names in OpenMetrics: counters without `_total`, and creation times, which are gauges in
/// Prometheus text, within the families that they belong to.
fn renamed(mut families: Vec<Draft<'_>>) -> Vec<Draft<'_>> {
    let is_created = |family: &Draft<'_>| family.kind == Kind::Gauge && family.name.ends_with("_created");
    for family in &mut families {
        let is_named_like_samples = family.samples.iter().all(|sample| sample.name == family.name);
        if family.kind == Kind::Counter && is_named_like_samples {
            family.name = family.name.strip_suffix("_total").unwrap_or(family.name);
        }
    }
    let others = families.iter().enumerate().filter(|(_, family)| !is_created(family));
    let by_name: HashMap<&str, usize> = others.map(|(at, family)| (family.name, at)).collect();
    let owner = |family: &Draft<'_>| {
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

/// How many families have samples of a name.
fn families_of<'f>(families: &[Draft<'f>]) -> HashMap<&'f str, usize> {
    let mut families_of = HashMap::new();
    for family in families {
        let names: HashSet<&str> = family.samples.iter().map(|sample| sample.name.as_str()).collect();
        for name in names {
            *families_of.entry(name).or_insert(0) += 1;
        }
    }
    families_of
}

struct Page<'o, 'f> {
    into: &'o mut String,
    families_of: HashMap<&'f str, usize>,
    /// The names that the families so far have taken.
    taken_names: HashSet<String>,
    left_out: usize,
}

impl Page<'_, '_> {
    /// Writes a family if it keeps the rules for its type; otherwise each name of its samples as an unknown family.
    fn family(&mut self, mut family: Draft<'_>) {
        sort_by_metric(&mut family);
        if self.write_if_valid(&family) {
            return;
        }
        for mut unknown in as_unknown(&family) {
            sort_by_metric(&mut unknown);
            if !self.write_if_valid(&unknown) {
                self.left_out += unknown.samples.len();
            }
        }
    }

    fn write_if_valid(&mut self, family: &Draft<'_>) -> bool {
        let mut rules = FamilyRules::new(family.name, family.kind, family.unit);
        let names: Vec<String> = rules.names().collect();
        // A counter `x` takes the name `x` too, and must not where another family has samples of that name.
        let is_free = |name: &String| {
            let is_own = family.samples.iter().any(|sample| sample.name == *name);
            let elsewhere = self.families_of.get(name.as_str()).map_or(0, |families| families - usize::from(is_own));
            elsewhere == 0 && !self.taken_names.contains(name)
        };
        if !names.iter().all(is_free) || !keeps(&mut rules, &family.samples) {
            return false;
        }
        self.taken_names.extend(names);
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

/// Whether a family of these samples keeps the rules.
fn keeps(rules: &mut FamilyRules, samples: &[&Sample]) -> bool {
    let keeps_each = samples.iter().all(|sample| {
        let labels = borrowed(&sample.labels);
        let point = Point { value: sample.value, timestamp: sample.timestamp, exemplar: None };
        rules.suffix_of(&sample.name).is_some()
            && !labels.iter().any(|label| label.name.starts_with("__"))
            && rules.sample(&sample.name, &labels, &point).is_ok()
    });
    keeps_each && !rules.unit.contains('\n') && rules.finish().is_ok()
}

/// The exemplar of a sample, if it is one that may have one.
fn exemplar<'f>(family: &Draft<'f>, sample: &'f Sample) -> Option<&'f Exemplar> {
    let exemplar = sample.exemplar.as_ref().filter(|exemplar| fits_exemplar(&borrowed(&exemplar.labels)))?;
    match (family.kind, sample.name.strip_prefix(family.name)?) {
        (Kind::Counter, "_total") | (Kind::Histogram | Kind::GaugeHistogram, "_bucket") => Some(exemplar),
        _ => None,
    }
}

/// The samples of a family as unknown families, one for each name.
fn as_unknown<'f>(family: &Draft<'f>) -> Vec<Draft<'f>> {
    let mut out: Vec<Draft<'f>> = Vec::new();
    for &sample in &family.samples {
        match out.iter_mut().find(|unknown| unknown.name == sample.name) {
            Some(unknown) => unknown.samples.push(sample),
            None => out.push(Draft {
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

/// Puts the samples of each metric together, the metrics in the order of their first samples.
fn sort_by_metric(family: &mut Draft<'_>) {
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
