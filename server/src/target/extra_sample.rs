//! Samples about a target that are not on its metrics page.

/// A sample about a target that the companion adds to the samples it scrapes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ExtraSample {
    pub(crate) name: &'static str,
    /// Labels in addition to the target's own.
    pub(crate) labels: Vec<(&'static str, String)>,
    pub(crate) value: f64,
}

impl ExtraSample {
    /// A sample without labels of its own.
    pub(crate) fn new(name: &'static str, value: f64) -> Self {
        Self { name, labels: Vec::new(), value }
    }

    /// The sample with one more label.
    pub(crate) fn with(mut self, label: &'static str, value: impl Into<String>) -> Self {
        self.labels.push((label, value.into()));
        self
    }
}
