//! What a target's pages are for the catalogue of graphs: engines with their versions, how much they fill, and families
//! that nothing reads; told as series of the target, so that the page and others can ask for it.
use catalogue::contract::names;
use catalogue::{detect, family_of, fed_by, unclaimed, version_of};
use promql::Labels;
use std::collections::{BTreeMap, BTreeSet};

/// The most families that are listed for one target.
const MOST_LISTED: usize = 50;

/// Names seen on a target's pages since it last came up.
#[derive(Default)]
pub(crate) struct Found {
    names: BTreeSet<String>,
    versions: BTreeMap<&'static str, String>,
    is_new: bool,
}

/// A series about what was found: its name, further labels, and its value.
pub(crate) type Told = (&'static str, Vec<(&'static str, String)>, f64);

impl Found {
    /// Takes note of a series that the page did not have before.
    pub(crate) fn see(&mut self, labels: &Labels) {
        let name = labels.metric_name().unwrap_or_default();
        if !self.names.contains(name) {
            self.names.insert(name.to_owned());
            self.is_new = true;
        }
        if let Some((engine, version)) = version_of(name, |label| labels.get(label))
            && self.versions.get(engine.id).is_none_or(|known| known != version)
        {
            self.versions.insert(engine.id, version.to_owned());
            self.is_new = true;
        }
    }

    /// What there is to tell, where that may have changed since it was last asked.
    pub(crate) fn told(&mut self) -> Option<Vec<Told>> {
        if !std::mem::take(&mut self.is_new) {
            return None;
        }
        let names = || self.names.iter().map(String::as_str);
        let present = |name: &str| self.names.contains(name);
        let mut told = Vec::new();
        for engine in detect(names()) {
            let version = self.versions.get(engine.id).cloned();
            let labels = [("engine", Some(engine.id.to_owned())), ("version", version)];
            let labels = labels.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
            told.push((names::ENGINE_INFO, labels, 1.0));
            let graphs = fed_by(engine, &present).len() as f64;
            told.push((names::ENGINE_GRAPHS, vec![("engine", engine.id.to_owned())], graphs));
        }
        let unread: BTreeSet<&str> = unclaimed(names()).into_iter().map(family_of).collect();
        told.push((names::UNCLAIMED_FAMILIES, Vec::new(), unread.len() as f64));
        let listed = unread.into_iter().take(MOST_LISTED).map(|family| vec![("family", family.to_owned())]);
        told.extend(listed.map(|labels| (names::FAMILY_UNCLAIMED, labels, 1.0)));
        Some(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_are_told_with_versions_and_what_nothing_reads() {
        let mut found = Found::default();
        let mut see = |pairs: &[(&str, &str)]| found.see(&Labels::from_pairs(pairs.iter().copied()));
        see(&[("__name__", "vllm:num_preemptions_total"), ("model_name", "m")]);
        see(&[("__name__", "vllm:brand_new_bucket"), ("le", "1")]);
        see(&[("__name__", "vllm:brand_new_count")]);
        let lines = |told: Vec<Told>| -> Vec<String> {
            told.iter().map(|(name, labels, value)| format!("{name}{labels:?} {value}")).collect()
        };
        assert_eq!(
            lines(found.told().expect("news")),
            [
                "inferboard_engine_info[(\"engine\", \"vllm\")] 1",
                "inferboard_engine_graphs[(\"engine\", \"vllm\")] 1",
                "inferboard_unclaimed_families[] 1",
                "inferboard_family_unclaimed[(\"family\", \"vllm:brand_new\")] 1",
            ]
        );
        assert_eq!(found.told(), None, "nothing new");
    }
}
