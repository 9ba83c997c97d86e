//! The coverage of a metrics page: its engines, the graphs that they feed, and the families that no graph reads.
use crate::cli::check::proposals::{proposals, to_toml};
use crate::terminal::one_line;
use catalogue::{GRAPHS, OwnName, detect, has_data, unclaimed, version_of};
use exposition::Family;
use std::collections::BTreeSet;
use std::fmt;

/// What the web page can show of a metrics page.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    /// The engines, innermost first.
    pub(crate) engines: Vec<DetectedEngine>,
    /// Ids of graphs, in the order of the web page.
    pub(crate) graphs: Vec<&'static str>,
    /// Families that no graph reads.
    pub(crate) unclaimed: Vec<String>,
    /// What a configuration can say of those that look like metrics of the catalogue.
    pub(crate) proposals: Vec<OwnName>,
}

/// An engine whose metrics are on the page.
#[derive(Debug)]
pub(crate) struct DetectedEngine {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    /// Its version, if a metric contains it.
    pub(crate) version: Option<String>,
}

impl Coverage {
    /// The coverage of these families.
    pub(crate) fn of(families: &[Family]) -> Self {
        let samples = || families.iter().flat_map(|family| &family.samples);
        let names: BTreeSet<&str> = samples().map(|sample| sample.name.as_str()).collect();
        let versions: Vec<_> = samples()
            .filter_map(|sample| {
                let label = |name: &str| sample.labels.iter().find(|(key, _)| key == name).map(|(_, value)| &**value);
                version_of(&sample.name, label).map(|(engine, version)| (engine.id, version.to_owned()))
            })
            .collect();
        let version_of_engine =
            |id| versions.iter().find(|(engine, _)| *engine == id).map(|(_, version)| version.clone());
        let present = |name: &str| names.contains(name);
        let is_unclaimed = |family: &&Family| {
            let names: Vec<_> = family.samples.iter().map(|sample| sample.name.as_str()).collect();
            !names.is_empty() && unclaimed(names.iter().copied()).len() == names.len()
        };
        let unclaimed: Vec<&Family> = families.iter().filter(is_unclaimed).collect();
        Self {
            engines: detect(names.iter().copied())
                .into_iter()
                .map(|engine| DetectedEngine {
                    id: engine.id,
                    title: engine.title,
                    version: version_of_engine(engine.id),
                })
                .collect(),
            graphs: GRAPHS.iter().filter(|graph| has_data(graph, &present)).map(|graph| graph.id).collect(),
            proposals: proposals(&unclaimed),
            unclaimed: unclaimed.into_iter().map(|family| family.name.clone()).collect(),
        }
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let engines = self.engines.iter().map(|DetectedEngine { title, version, .. }| match version {
            Some(version) => format!("{title} {}", one_line(version)),
            None => (*title).to_owned(),
        });
        write_list(f, "Engines", engines)?;
        write_list(f, "Graphs", self.graphs.iter().map(|id| (*id).to_owned()))?;
        write_list(f, "Read by no graph", self.unclaimed.iter().map(|name| one_line(name).into_owned()))?;
        if !self.proposals.is_empty() {
            writeln!(
                f,
                "\nSome look like metrics of the catalogue. Lines for the configuration file, to check and paste:\n"
            )?;
            write!(f, "{}", to_toml(&self.proposals).trim_end())?;
            writeln!(f)?;
        }
        writeln!(f)
    }
}

fn write_list(f: &mut fmt::Formatter<'_>, title: &str, items: impl Iterator<Item = String>) -> fmt::Result {
    let items: Vec<String> = items.collect();
    writeln!(f, "{title}: {}", if items.is_empty() { "none".to_owned() } else { items.join(", ") })
}
