//! The model name that a target's metrics page reports, shared with the source that found the target.
use parking_lot::Mutex;

/// The model that a metrics page names.
#[derive(Debug, Default)]
pub struct ModelName(Mutex<Option<String>>);

impl ModelName {
    /// The model, once a page has named it.
    pub fn get(&self) -> Option<String> {
        self.0.lock().clone()
    }

    /// Replaces the model.
    pub fn set(&self, model: Option<&str>) {
        let mut current = self.0.lock();
        if current.as_deref() != model {
            *current = model.map(str::to_owned);
        }
    }
}
