//! Metrics of a user's own as JSON, with the keys of the configuration.
use catalogue::OwnName;
use serde_json::{Value, json};

/// The metrics as the page reads them in `config.json`.
pub(crate) fn to_json(names: &[OwnName]) -> Value {
    let metrics = names.iter().map(|own| {
        let mut metric = json!({ "name": own.name, "type": own.kind.id(), "graph": own.graph });
        let texts =
            [("label", own.label.as_str()), ("per", &own.per), ("at", if own.is_gateway { "gateway" } else { "" })];
        for (key, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
            metric[key] = text.into();
        }
        if own.scale != 1.0 {
            metric["scale"] = own.scale.into();
        }
        metric
    });
    metrics.collect()
}
