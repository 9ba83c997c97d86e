//! What a card or slice is called, as labels.
use std::fmt::Write;

/// Labels that every series of a card or slice has, and those of its `gpu_info`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) uuid: String,
    /// `gpu`, `uuid`, `name` and, of slices, `mig`.
    pub(crate) labels: String,
    /// Those and what only `gpu_info` tells.
    pub(crate) info: String,
}

impl Identity {
    /// The identity made of these labels; `info` are further ones that are left out where they are empty.
    pub(crate) fn new(gpu: u32, mig: Option<u32>, uuid: String, name: &str, info: &[(&str, &str)]) -> Self {
        let (gpu, mig) = (gpu.to_string(), mig.map(|mig| mig.to_string()));
        let mut own = vec![("gpu", gpu.as_str()), ("uuid", uuid.as_str()), ("name", name)];
        own.extend(mig.as_deref().map(|mig| ("mig", mig)));
        let labels = with("", &own);
        Self { info: with(&labels, info), labels, uuid }
    }
}

/// These labels after those in `labels`, as written between the braces of a sample; empty ones are left out.
pub(crate) fn with(labels: &str, more: &[(&str, &str)]) -> String {
    let mut text = labels.to_owned();
    for (name, value) in more.iter().filter(|(_, value)| !value.is_empty()) {
        let separator = if text.is_empty() { "" } else { "," };
        // Writing to a string cannot fail.
        let _ = write!(text, "{separator}{name}=\"");
        for character in value.chars() {
            match character {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                other => text.push(other),
            }
        }
        text.push('"');
    }
    text
}
