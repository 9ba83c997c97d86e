//! The label selector of `[[kubernetes]]`: text as kubectl takes it, or a table as in a PodMonitor.
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::fmt;

/// A label selector as the API server takes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SelectorEntry(pub(crate) String);

/// A selector as a table. Source: `LabelSelector` in `meta/v1` of the Kubernetes API.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct SelectorTable {
    match_labels: BTreeMap<String, String>,
    match_expressions: Vec<Requirement>,
}

/// A requirement on one label.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Requirement {
    key: String,
    operator: Operator,
    #[serde(default)]
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

impl SelectorTable {
    /// The selector as text.
    ///
    /// # Errors
    /// If a requirement has no values and needs some, or the other way round.
    fn text(self) -> Result<String, String> {
        let mut parts: Vec<String> =
            self.match_labels.into_iter().map(|(key, value)| format!("{key}={value}")).collect();
        for Requirement { key, operator, values } in self.match_expressions {
            let list = values.join(",");
            parts.push(match (operator, values.is_empty()) {
                (Operator::In, false) => format!("{key} in ({list})"),
                (Operator::NotIn, false) => format!("{key} notin ({list})"),
                (Operator::Exists, true) => key,
                (Operator::DoesNotExist, true) => format!("!{key}"),
                (Operator::In | Operator::NotIn, true) => {
                    return Err(format!("the requirement on {key:?} needs values, such as [\"a\"]"));
                }
                (Operator::Exists | Operator::DoesNotExist, false) => {
                    return Err(format!("the requirement on {key:?} takes no values; remove them, or write In"));
                }
            });
        }
        Ok(parts.join(","))
    }
}

impl<'de> Deserialize<'de> for SelectorEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = SelectorEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a label selector, or a table with matchLabels and matchExpressions")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<SelectorEntry, E> {
                Ok(SelectorEntry(text.to_owned()))
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<SelectorEntry, M::Error> {
                let table = SelectorTable::deserialize(MapAccessDeserializer::new(map))?;
                table.text().map(SelectorEntry).map_err(Error::custom)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Entry {
        selector: SelectorEntry,
    }

    fn text(selector: &str) -> Result<String, String> {
        let entry: Result<Entry, _> = toml::from_str(&format!("selector = {selector}"));
        entry.map(|entry| entry.selector.0).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn a_table_says_what_text_says() {
        assert_eq!(text("\"app=vllm,tier!=test\"").as_deref(), Ok("app=vllm,tier!=test"));
        let table = "{ matchLabels = { app = \"vllm\", \"a.b/c\" = \"d\" }, matchExpressions = [\
            { key = \"tier\", operator = \"In\", values = [\"gold\", \"silver\"] }, { key = \"x\", operator = \"NotIn\", \
            values = [\"y\"] }, { key = \"gpu\", operator = \"Exists\" }, { key = \"old\", operator = \"DoesNotExist\" }] }";
        assert_eq!(text(table).as_deref(), Ok("a.b/c=d,app=vllm,tier in (gold,silver),x notin (y),gpu,!old"));
        assert_eq!(text("{}").as_deref(), Ok(""));
    }

    #[test]
    fn requirements_that_mean_nothing_are_refused() {
        for (selector, expected) in [
            ("7", "expected a label selector, or a table with matchLabels"),
            ("{ matchLabel = {} }", "unknown field `matchLabel`"),
            ("{ matchExpressions = [{ key = \"a\", operator = \"In\" }] }", "the requirement on \"a\" needs values"),
            (
                "{ matchExpressions = [{ key = \"a\", operator = \"Exists\", values = [\"b\"] }] }",
                "the requirement on \"a\" takes no values",
            ),
            ("{ matchExpressions = [{ key = \"a\", operator = \"Equals\" }] }", "unknown variant `Equals`"),
        ] {
            let error = text(selector).expect_err(selector);
            assert!(error.contains(expected), "{error}");
        }
    }
}
