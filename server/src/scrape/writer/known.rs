//! What the writer knows of its target: engine, role and models, and the samples that say so.
use crate::scrape::writer::Writer;
use crate::target::extra_sample::ExtraSample;
use catalogue::contract::{TargetRole, names};
use catalogue::{Engine, Layer};

impl Writer {
    /// The engine of the target, if its pages have revealed one.
    pub(crate) fn engine(&self) -> Option<&'static Engine> {
        self.learned.engines.first().and_then(|id| catalogue::engine(id))
    }

    /// The model that the target's pages or its server name.
    pub(crate) fn model(&self) -> Option<&str> {
        self.learned.model.as_deref()
    }

    /// The layer of the engine on the target's pages, if it is known.
    pub(super) fn layer(&self) -> Option<Layer> {
        self.engine().map(|engine| engine.layer)
    }

    /// What the target is, if it is no replica.
    pub(super) fn role(&self) -> Option<TargetRole> {
        self.learned.role.filter(|_| !self.identity.is_certainly_replica)
    }

    /// The samples about what is known of the target.
    pub(super) fn known(&self) -> Vec<ExtraSample> {
        let mut samples = Vec::new();
        if self.identity.replica.is_some() {
            match self.role() {
                Some(role) => samples.push(ExtraSample::new(names::TARGET_ROLE, 1.0).with("role", role.id())),
                None => samples.extend(self.models().map(|model| {
                    let sample = ExtraSample::new(names::REPLICA_MODEL, 1.0);
                    // A configured model is among the labels of the target already.
                    if self.identity.model.is_some() { sample } else { sample.with("model", model) }
                })),
            }
        }
        samples
            .extend(self.machine.map(|source| ExtraSample::new(names::OWN_MACHINE, 1.0).with("source", source.id())));
        samples
    }

    /// The models that the target serves.
    fn models(&self) -> impl Iterator<Item = &str> {
        let learned = self.learned.models.iter().filter(|_| self.identity.model.is_none());
        self.identity.model.iter().chain(learned).map(String::as_str)
    }
}
