//! A layout of the page that is kept for everyone who opens a model.
use crate::kept::Keepable;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The maximum size of a layout, and of the name of its model, in bytes.
const MAX_LAYOUT_BYTES: usize = 32 << 10;
pub(crate) const MAX_MODEL_BYTES: usize = 256;

/// A layout as the page writes it. The server reads nothing of it, so that each version of the page can have its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SharedLayout {
    pub(crate) layout: Map<String, Value>,
}

impl Keepable for SharedLayout {
    const LIST: &'static str = "layouts";
    const KEY: &'static str = "model";
    const MAX_COUNT: usize = 1000;
    const MAX_FILE_BYTES: usize = 4 << 20;

    fn check(&self) -> Result<(), String> {
        if !self.layout.get("version").is_some_and(Value::is_u64) {
            return Err("layout has no version; it is what the page writes, as the parameter layout of a link".into());
        }
        // A map of text keys always serialises.
        match serde_json::to_string(&self.layout).map_or(0, |text| text.len()) {
            0..=MAX_LAYOUT_BYTES => Ok(()),
            _ => Err(format!("layout is longer than {MAX_LAYOUT_BYTES} bytes")),
        }
    }
}
