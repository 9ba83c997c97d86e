//! Builds families sample by sample.
use exposition::{Family, Kind, Sample};

/// A list of families to which samples are added.
#[derive(Debug, Default)]
pub(crate) struct FamilyBuilder(Vec<Family>);

impl FamilyBuilder {
    /// Starts a family.
    pub(crate) fn family(&mut self, name: &str, kind: Kind, help: &str) {
        self.0.push(family(name, kind, help));
    }

    /// Adds a sample to the last family.
    pub(crate) fn sample(&mut self, labels: &[(&str, &str)], value: f64) {
        if let Some(family) = self.0.last_mut() {
            let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            family.samples.push(sample(&family.name, labels, value));
        }
    }

    /// The families so far.
    pub(crate) fn finish(self) -> Vec<Family> {
        self.0
    }
}

/// A family without samples.
pub(crate) fn family(name: &str, kind: Kind, help: &str) -> Family {
    Family { name: name.into(), kind, help: help.into(), unit: String::new(), samples: Vec::new() }
}

/// A sample without a timestamp.
pub(crate) fn sample(name: &str, labels: Vec<(String, String)>, value: f64) -> Sample {
    Sample { name: name.into(), labels, value, timestamp: None, exemplar: None }
}
