//! The messages between an embed and its parent: those received are checked field by field.
use crate::state::layout::quoted;
use crate::state::theme::Theme;
use crate::state::time_range::TimeRange;
use crate::state::url;
use crate::state::view::Range;
use catalogue::Scope;
use serde_json::Value;

/// The version of the protocol.
const VERSION: u64 = 1;

/// The field of every message with the version.
const NAME: &str = "inferboard";

/// The length of a received message, in bytes of JSON.
pub(crate) const MAX_BYTES: usize = 4096;

/// The length of a label value in a message, in bytes.
const MAX_LABEL_BYTES: usize = 512;

/// A message from the parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    /// Select this range.
    Range(Range),
    /// Select this scope.
    Scope(Scope),
    /// Use this theme; none for the system's.
    Theme(Option<Theme>),
}

/// A message to the parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outgoing<'a> {
    /// Messages are received from now on; with the value of `embed`.
    Ready(&'a str),
    /// A person selected this range in the embed.
    RangeSelected(Range),
    /// The height of the content, in CSS pixels.
    Height(u32),
}

/// Parses a message; none if it does not exactly follow the protocol.
pub(crate) fn parse(text: &str) -> Option<Incoming> {
    if text.len() > MAX_BYTES {
        return None;
    }
    let Ok(Value::Object(fields)) = serde_json::from_str(text) else { return None };
    // Every field is one of the protocol.
    let mut known = 0;
    let mut take = |name| fields.get(name).inspect(|_| known += 1);
    if take(NAME)?.as_u64() != Some(VERSION) {
        return None;
    }
    let message = match take("type")?.as_str()? {
        "setRange" => {
            let from = time(take("from")?)?;
            let to = match take("to") {
                Some(to) => Some(time(to)?),
                None => None,
            };
            Incoming::Range(url::parse_range(&from, to.as_deref())?)
        }
        "setScope" => {
            let mut take = |name| label(take(name));
            Incoming::Scope(Scope {
                model: take("model")?,
                environment: take("environment")?,
                deployment: take("deployment")?,
                replica: take("replica")?,
            })
        }
        "setTheme" => {
            let id = take("theme")?.as_str().filter(|id| ["light", "dark", "auto"].contains(id))?;
            Incoming::Theme(Theme::from_id(id))
        }
        _ => return None,
    };
    (known == fields.len()).then_some(message)
}

/// A time as in a link: `now-1h` as text, or Unix milliseconds as a number.
fn time(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => text.starts_with("now-").then(|| text.clone()),
        Value::Number(number) => Some(number.as_i64()?.to_string()),
        _ => None,
    }
}

/// The value of a label to select; none inside for all values.
fn label(value: Option<&Value>) -> Option<Option<String>> {
    match value {
        None | Some(Value::Null) => Some(None),
        Some(Value::String(text)) => (1..=MAX_LABEL_BYTES).contains(&text.len()).then(|| Some(text.clone())),
        Some(_) => None,
    }
}

/// The message as JSON.
pub(crate) fn format(message: &Outgoing) -> String {
    let fields = match message {
        Outgoing::Ready(content) => format!(r#""type":"ready","embed":{}"#, quoted(content)),
        Outgoing::RangeSelected(Range::Last(length_ms)) => {
            format!(r#""type":"rangeSelected","from":"now-{}""#, url::format_duration(*length_ms))
        }
        Outgoing::RangeSelected(Range::Between(TimeRange { start_ms, end_ms })) => {
            format!(r#""type":"rangeSelected","from":{start_ms},"to":{end_ms}"#)
        }
        Outgoing::Height(height) => format!(r#""type":"height","height":{height}"#),
    };
    format!(r#"{{"{NAME}":{VERSION},{fields}}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_the_protocol_are_parsed() {
        let scope = Scope { model: Some("<b>".into()), ..Scope::default() };
        for (text, message) in [
            (r#"{"inferboard":1,"type":"setRange","from":"now-3h"}"#, Incoming::Range(Range::Last(3 * 3_600_000))),
            (
                r#"{"inferboard":1,"type":"setRange","from":1795000000000,"to":1795000060000}"#,
                Incoming::Range(Range::Between(TimeRange::new(1_795_000_000_000, 1_795_000_060_000))),
            ),
            (r#"{"type":"setScope","inferboard":1,"model":"<b>","replica":null}"#, Incoming::Scope(scope)),
            (r#"{"inferboard":1,"type":"setScope"}"#, Incoming::Scope(Scope::default())),
            (r#"{"inferboard":1,"type":"setTheme","theme":"dark"}"#, Incoming::Theme(Some(Theme::Dark))),
            (r#"{"inferboard":1,"type":"setTheme","theme":"auto"}"#, Incoming::Theme(None)),
        ] {
            assert_eq!(parse(text), Some(message), "{text}");
        }
    }

    #[test]
    fn anything_else_is_rejected() {
        let deep = "[".repeat(2000);
        let long = format!(r#"{{"inferboard":1,"type":"setScope","model":"{}"}}"#, "x".repeat(600));
        for text in [
            "",
            "1",
            "null",
            "[]",
            "{}",
            r#"{"inferboard":1}"#,
            r#"{"inferboard":2,"type":"setTheme","theme":"dark"}"#,
            r#"{"inferboard":"1","type":"setTheme","theme":"dark"}"#,
            r#"{"type":"setTheme","theme":"dark"}"#,
            r#"{"inferboard":1,"type":"setTheme","theme":"pink"}"#,
            r#"{"inferboard":1,"type":"setTheme","theme":"dark","more":1}"#,
            r#"{"inferboard":1,"type":"setTheme","theme":"dark","__proto__":{"a":1}}"#,
            r#"{"inferboard":1,"type":"setScope","model":7}"#,
            r#"{"inferboard":1,"type":"setScope","model":""}"#,
            r#"{"inferboard":1,"type":"setRange"}"#,
            r#"{"inferboard":1,"type":"setRange","from":"1795000000000","to":"1795000060000"}"#,
            r#"{"inferboard":1,"type":"setRange","from":1795000060000,"to":1795000000000}"#,
            r#"{"inferboard":1,"type":"setRange","from":1795000000000,"to":null}"#,
            r#"{"inferboard":1,"type":"setRange","from":1.5,"to":1795000060000}"#,
            r#"{"inferboard":1,"type":"setRange","from":"now-1ms"}"#,
            r#"{"inferboard":1,"type":"ready","embed":"all"}"#,
            &deep,
            &long,
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn sent_messages_are_json_with_the_version() {
        for (message, text) in [
            (Outgoing::Ready("all"), r#"{"embed":"all","inferboard":1,"type":"ready"}"#),
            (Outgoing::Height(340), r#"{"height":340,"inferboard":1,"type":"height"}"#),
            (
                Outgoing::RangeSelected(Range::Between(TimeRange::new(1, 2))),
                r#"{"from":1,"inferboard":1,"to":2,"type":"rangeSelected"}"#,
            ),
            (
                Outgoing::RangeSelected(Range::Last(3_600_000)),
                r#"{"from":"now-1h","inferboard":1,"type":"rangeSelected"}"#,
            ),
        ] {
            // The order of fields does not matter.
            let value = |text: &str| serde_json::from_str::<Value>(text).ok();
            assert!(value(text).is_some() && value(&format(&message)) == value(text), "{text}");
        }
    }
}
