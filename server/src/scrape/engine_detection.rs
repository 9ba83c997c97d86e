//! Detects the engines on a target's pages: their versions, the graphs they feed, and the families that no graph reads.
use crate::scrape::metrics_page::MetricsPage;
use crate::target::extra_sample::ExtraSample;
use catalogue::contract::names;
use catalogue::{Engine, detect, engine_of, family_of, fed_by, unclaimed, version_of};
use exposition::for_each_sample;
use promql::Labels;
use std::collections::{BTreeMap, BTreeSet};

/// The maximum number of unclaimed families that are listed for one target.
const MAX_LISTED_FAMILIES: usize = 50;

/// The metric names on a target's pages since it last came up, and the engines that they belong to.
#[derive(Default)]
pub(crate) struct DetectedEngines {
    names: BTreeSet<String>,
    versions: BTreeMap<&'static str, String>,
    has_changed: bool,
}

/// The innermost engine on `page` of those that `is_wanted`; none if the page cannot be read.
pub(crate) fn engine_of_page(page: &MetricsPage, is_wanted: impl Fn(&Engine) -> bool) -> Option<&'static Engine> {
    let mut found = None;
    for_each_sample(&page.body, page.format, &page.limits, &mut |sample| {
        let wanted = engine_of(sample.name).filter(|(_, engine)| is_wanted(engine));
        let ranks = found.into_iter().chain(wanted.map(|(rank, engine)| (rank, engine.id)));
        found = ranks.min();
    })
    .ok()?;
    catalogue::engine(found?.1)
}

impl DetectedEngines {
    /// Considers a series that the page did not have before.
    pub(crate) fn observe(&mut self, labels: &Labels) {
        let name = labels.metric_name().unwrap_or_default();
        if !self.names.contains(name) {
            self.names.insert(name.to_owned());
            self.has_changed = true;
        }
        if let Some((engine, version)) = version_of(name, |label| labels.get(label))
            && self.versions.get(engine.id).is_none_or(|known| known != version)
        {
            self.versions.insert(engine.id, version.to_owned());
            self.has_changed = true;
        }
    }

    /// Makes the next call of [`DetectedEngines::take_changed`] return the samples.
    pub(crate) fn repeat(&mut self) {
        self.has_changed = true;
    }

    /// The samples about the engines, if they may have changed since the last call.
    pub(crate) fn take_changed(&mut self) -> Option<Vec<ExtraSample>> {
        if !std::mem::take(&mut self.has_changed) {
            return None;
        }
        let present = || self.names.iter().map(String::as_str);
        let is_present = |name: &str| self.names.contains(name);
        let mut samples = Vec::new();
        for engine in detect(present()) {
            let info = ExtraSample::new(names::ENGINE_INFO, 1.0).with("engine", engine.id);
            samples.push(match self.versions.get(engine.id) {
                Some(version) => info.with("version", version),
                None => info,
            });
            let graphs = fed_by(engine, &is_present).len() as f64;
            samples.push(ExtraSample::new(names::ENGINE_GRAPHS, graphs).with("engine", engine.id));
        }
        let families: BTreeSet<&str> = unclaimed(present()).into_iter().map(family_of).collect();
        samples.push(ExtraSample::new(names::UNCLAIMED_FAMILIES, families.len() as f64));
        let listed = families.into_iter().take(MAX_LISTED_FAMILIES);
        samples.extend(listed.map(|family| ExtraSample::new(names::FAMILY_UNCLAIMED, 1.0).with("family", family)));
        Some(samples)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_and_unclaimed_families_are_reported() {
        let mut detected = DetectedEngines::default();
        let mut observe = |pairs: &[(&str, &str)]| detected.observe(&Labels::from_pairs(pairs.iter().copied()));
        observe(&[("__name__", "vllm:num_preemptions_total"), ("model_name", "m")]);
        observe(&[("__name__", "vllm:brand_new_bucket"), ("le", "1")]);
        observe(&[("__name__", "vllm:brand_new_count")]);
        let lines = |samples: Vec<ExtraSample>| -> Vec<String> {
            samples.iter().map(|ExtraSample { name, labels, value }| format!("{name}{labels:?} {value}")).collect()
        };
        assert_eq!(
            lines(detected.take_changed().expect("a change")),
            [
                "inferboard_engine_info[(\"engine\", \"vllm\")] 1",
                "inferboard_engine_graphs[(\"engine\", \"vllm\")] 1",
                "inferboard_unclaimed_families[] 1",
                "inferboard_family_unclaimed[(\"family\", \"vllm:brand_new\")] 1",
            ]
        );
        assert_eq!(detected.take_changed(), None, "nothing has changed");
    }
}
