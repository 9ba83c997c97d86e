//! Messages between a frame and its parent: what is taken in, checked field by field, and what is sent out.
use crate::state::layout::quoted;
use crate::state::theme::Theme;
use crate::state::time_range::TimeRange;
use crate::state::url;
use crate::state::view::Range;
use catalogue::Scope;
use serde_json::Value;

/// The version of the protocol, in each message under its name.
const VERSION: u64 = 1;
const NAME: &str = "inferboard";

/// The longest message taken in, in bytes of JSON.
pub(crate) const LONGEST_BYTES: usize = 4096;

/// The longest value of a label in one.
const LONGEST_LABEL: usize = 512;

/// What a parent may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    /// Show this time.
    Range(Range),
    /// Select this.
    Scope(Scope),
    /// Take on this theme; none for the system's.
    Theme(Option<Theme>),
}

/// What a frame tells its parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outgoing<'a> {
    /// From now on messages are taken in; with what the frame shows.
    Ready(&'a str),
    /// A person has chosen this range in the frame.
    RangeSelected(Range),
    /// The content is this high, in CSS pixels.
    Height(u32),
}

/// Reads a message; none for one that is not exactly of the protocol.
pub(crate) fn read(text: &str) -> Option<Incoming> {
    if text.len() > LONGEST_BYTES {
        return None;
    }
    let Ok(Value::Object(mut fields)) = serde_json::from_str(text) else { return None };
    if fields.remove(NAME)?.as_u64() != Some(VERSION) {
        return None;
    }
    let kind = fields.remove("type")?;
    let message = match kind.as_str()? {
        "setRange" => {
            let (from, to) = (time(fields.remove("from"))?, fields.remove("to").map(|to| time(Some(to))));
            let to = match to {
                Some(to) => Some(to?),
                None => None,
            };
            Incoming::Range(url::parse_range(&from, to.as_deref())?)
        }
        "setScope" => {
            let mut take = |name| label(fields.remove(name));
            Incoming::Scope(Scope {
                model: take("model")?,
                environment: take("environment")?,
                deployment: take("deployment")?,
                replica: take("replica")?,
            })
        }
        "setTheme" => {
            let theme = fields.remove("theme")?;
            let id = theme.as_str().filter(|id| ["light", "dark", "auto"].contains(id))?;
            Incoming::Theme(Theme::from_id(id))
        }
        _ => return None,
    };
    fields.is_empty().then_some(message)
}

/// A time as in a link: `now-1h` as text, or Unix milliseconds as a number.
fn time(value: Option<Value>) -> Option<String> {
    match value? {
        Value::String(text) => text.starts_with("now-").then_some(text),
        Value::Number(number) => Some(number.as_i64()?.to_string()),
        _ => None,
    }
}

/// A label to select: a text, or nothing for all.
fn label(value: Option<Value>) -> Option<Option<String>> {
    match value {
        None | Some(Value::Null) => Some(None),
        Some(Value::String(text)) => (1..=LONGEST_LABEL).contains(&text.len()).then_some(Some(text)),
        Some(_) => None,
    }
}

/// The message as JSON.
pub(crate) fn write(message: &Outgoing) -> String {
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
    fn messages_of_the_protocol_are_understood() {
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
            assert_eq!(read(text), Some(message), "{text}");
        }
    }

    #[test]
    fn anything_else_is_not() {
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
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_told_is_versioned_json() {
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
            // Fields are in no order.
            let value = |text: &str| serde_json::from_str::<Value>(text).ok();
            assert!(value(text).is_some() && value(&write(&message)) == value(text), "{text}");
        }
    }
}
