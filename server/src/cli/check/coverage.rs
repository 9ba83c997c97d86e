//! What the page would make of a metrics page: the engines in it, the graphs they feed, and what nothing reads.
use crate::cli::check::report::printable;
use catalogue::{GRAPHS, detect, has_data, unclaimed, version_of};
use exposition::Family;
use std::collections::BTreeSet;
use std::fmt;

/// What the page would make of a metrics page.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    /// Engines by id and title, the innermost first, with the version where the page tells it.
    pub(crate) engines: Vec<(&'static str, &'static str, Option<String>)>,
    /// Ids of graphs, in the page's order.
    pub(crate) graphs: Vec<&'static str>,
    /// Families that no graph reads.
    pub(crate) unclaimed: Vec<String>,
}

impl Shown {
    /// What these families are for the page.
    pub(crate) fn of(families: &[Family]) -> Self {
        let samples = || families.iter().flat_map(|family| &family.samples);
        let names: BTreeSet<&str> = samples().map(|sample| sample.name.as_str()).collect();
        let versions: Vec<_> = samples()
            .filter_map(|sample| {
                let label = |name: &str| sample.labels.iter().find(|(own, _)| own == name).map(|(_, value)| &**value);
                version_of(&sample.name, label).map(|(engine, version)| (engine.id, version.to_owned()))
            })
            .collect();
        let version = |id| versions.iter().find(|(own, _)| *own == id).map(|(_, version)| version.clone());
        let present = |name: &str| names.contains(name);
        let nothing_reads = |family: &&Family| {
            let names: Vec<_> = family.samples.iter().map(|sample| sample.name.as_str()).collect();
            !names.is_empty() && unclaimed(names.iter().copied()).len() == names.len()
        };
        Self {
            engines: detect(names.iter().copied())
                .into_iter()
                .map(|engine| (engine.id, engine.title, version(engine.id)))
                .collect(),
            graphs: GRAPHS.iter().filter(|graph| has_data(graph, &present)).map(|graph| graph.id).collect(),
            unclaimed: families.iter().filter(nothing_reads).map(|family| family.name.clone()).collect(),
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let engines = self.engines.iter().map(|(_, title, version)| match version {
            Some(version) => format!("{title} {}", printable(version)),
            None => (*title).to_owned(),
        });
        line(f, "Engines", engines)?;
        line(f, "Graphs", self.graphs.iter().map(|id| (*id).to_owned()))?;
        line(f, "Read by no graph", self.unclaimed.iter().map(|name| printable(name)))?;
        writeln!(f)
    }
}

fn line(f: &mut fmt::Formatter<'_>, title: &str, words: impl Iterator<Item = String>) -> fmt::Result {
    let words: Vec<String> = words.collect();
    writeln!(f, "{title}: {}", if words.is_empty() { "none".to_owned() } else { words.join(", ") })
}
