//! The labels that identify a GPU or MIG device.
use std::sync::Arc;

/// Names and values of the labels of a series, shared among samples.
pub type Labels = Arc<[(&'static str, String)]>;

/// The labels of a GPU or MIG device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) uuid: String,
    /// The labels of every series: `gpu`, `uuid`, `name` and, for MIG devices, `mig`.
    pub(crate) labels: Labels,
    /// The labels of `gpu_info`: those and further ones.
    pub(crate) info: Labels,
}

impl Identity {
    /// `info` are the further labels of `gpu_info`.
    pub(crate) fn new(gpu: u32, mig: Option<u32>, uuid: String, name: &str, info: &[(&'static str, &str)]) -> Self {
        let (gpu, mig) = (gpu.to_string(), mig.map(|mig| mig.to_string()));
        let mut own = vec![("gpu", gpu.as_str()), ("uuid", uuid.as_str()), ("name", name)];
        own.extend(mig.as_deref().map(|mig| ("mig", mig)));
        let labels = extended(&[], &own);
        Self { info: extended(&labels, info), labels, uuid }
    }
}

/// `labels` followed by `more`; labels with empty values are omitted.
pub(crate) fn extended(labels: &[(&'static str, String)], more: &[(&'static str, &str)]) -> Labels {
    let more = more.iter().filter(|(_, value)| !value.is_empty()).map(|&(name, value)| (name, value.to_owned()));
    labels.iter().cloned().chain(more).collect()
}
