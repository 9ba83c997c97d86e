//! A note: a text at a time or a range, about a scope.
use crate::kept::Keepable;
use chrono::{DateTime, SecondsFormat};
use prometheus_api::parse_time_ms;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// The maximum length of a text or a link, and of each other field, in bytes.
const MAX_TEXT_BYTES: usize = 2000;
const MAX_FIELD_BYTES: usize = 256;

/// The times that can be written as RFC 3339: the years 1970 to 9999, in Unix milliseconds.
const MAX_TIME_MS: i64 = 253_402_300_799_999;

/// What a note is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum NoteKind {
    #[default]
    Note,
    Deploy,
    Incident,
}

/// A note, as the API and the file have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Note {
    /// When it begins; where a request has none, now.
    #[serde(alias = "time", default, skip_serializing_if = "Option::is_none")]
    pub(crate) start: Option<Time>,
    /// When it ends; none for a moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) end: Option<Time>,
    #[serde(default)]
    pub(crate) kind: NoteKind,
    /// What was deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) text: String,
    /// An address with more about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) link: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) environment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deployment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) replica: Option<String>,
}

/// A time in Unix milliseconds. It is read as the API reads times, Unix seconds or RFC 3339, and written as RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Time(pub(crate) i64);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let time = DateTime::from_timestamp_millis(self.0).unwrap_or_default();
        serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let text = match Value::deserialize(deserializer)? {
            Value::String(text) => text,
            Value::Number(seconds) => seconds.to_string(),
            _ => return Err(D::Error::custom("a time is Unix seconds or RFC 3339, such as 2026-11-20T14:00:00Z")),
        };
        let time_ms = parse_time_ms(&text).map_err(D::Error::custom)?;
        if !(0..=MAX_TIME_MS).contains(&time_ms) {
            return Err(D::Error::custom("a time is in the years 1970 to 9999"));
        }
        Ok(Self(time_ms))
    }
}

/// What is asked for: a range in Unix milliseconds, and a scope. What a note or the scope leaves open matches anything.
#[derive(Debug, Default)]
pub(crate) struct NoteFilter {
    pub(crate) start_ms: Option<i64>,
    pub(crate) end_ms: Option<i64>,
    /// Model, environment, deployment and replica.
    pub(crate) scope: [Option<String>; 4],
}

impl NoteFilter {
    /// Whether `note` touches the range and concerns the scope.
    pub(crate) fn matches(&self, note: &Note) -> bool {
        let is_late_enough = self.start_ms.is_none_or(|start_ms| note.end_ms() >= start_ms);
        let is_early_enough = self.end_ms.is_none_or(|end_ms| note.start_ms() <= end_ms);
        let pairs = self.scope.iter().zip(note.scope());
        let concerns = pairs.into_iter().all(|(wanted, own)| match (wanted, own) {
            (Some(wanted), Some(own)) => wanted == own,
            _ => true,
        });
        is_late_enough && is_early_enough && concerns
    }
}

impl Note {
    /// When it begins, in Unix milliseconds.
    pub(crate) fn start_ms(&self) -> i64 {
        self.start.map_or(0, |start| start.0)
    }

    /// When it ends, which is when it begins if it is about a moment.
    pub(crate) fn end_ms(&self) -> i64 {
        self.end.map_or(self.start_ms(), |end| end.0)
    }

    fn scope(&self) -> [Option<&String>; 4] {
        [self.model.as_ref(), self.environment.as_ref(), self.deployment.as_ref(), self.replica.as_ref()]
    }

    fn is_link(text: &str) -> bool {
        let is_web = text.starts_with("https://") || text.starts_with("http://");
        is_web && !text.contains(|c: char| c.is_whitespace() || c.is_control())
    }
}

impl Keepable for Note {
    const LIST: &'static str = "notes";
    const KEY: &'static str = "id";
    const MAX_COUNT: usize = 5000;
    const MAX_FILE_BYTES: usize = 4 << 20;

    fn check(&self) -> Result<(), String> {
        let Some(start) = self.start else { return Err("start is missing".into()) };
        if self.end.is_some_and(|end| end < start) {
            return Err("end is before start".into());
        }
        if self.text.trim().is_empty() && self.version.is_none() {
            return Err("text is missing".into());
        }
        if self.version.is_some() && self.kind != NoteKind::Deploy {
            return Err("only a note of kind \"deploy\" has a version".into());
        }
        if self.link.as_deref().is_some_and(|link| !Self::is_link(link)) {
            return Err("link is no address that begins with https:// or http://".into());
        }
        let [model, environment, deployment, replica] = self.scope();
        for (name, text, max_bytes) in [
            ("text", Some(&self.text), MAX_TEXT_BYTES),
            ("link", self.link.as_ref(), MAX_TEXT_BYTES),
            ("version", self.version.as_ref(), MAX_FIELD_BYTES),
            ("model", model, MAX_FIELD_BYTES),
            ("environment", environment, MAX_FIELD_BYTES),
            ("deployment", deployment, MAX_FIELD_BYTES),
            ("replica", replica, MAX_FIELD_BYTES),
        ] {
            let Some(text) = text else { continue };
            if text.len() > max_bytes {
                return Err(format!("{name} is longer than {max_bytes} bytes"));
            }
            if text.contains(|c: char| c.is_control() && !(name == "text" && c == '\n')) {
                return Err(format!("{name} has a control character"));
            }
        }
        Ok(())
    }
}
