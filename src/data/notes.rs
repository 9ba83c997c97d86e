//! Notes at times and ranges, which the companion keeps, and requests that write there.
use crate::data::http::client::Backend;
use crate::state::layout::quoted;
use crate::state::time_range::TimeRange;
use catalogue::Scope;
use gloo_net::http::Method;
use js_sys::Date;
use prometheus_api::format_time;
use serde_json::Value;

/// A note.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Note {
    /// Empty for one that is not kept yet.
    pub(crate) id: String,
    pub(crate) revision: u64,
    /// When it begins and ends, which is the same for a moment.
    pub(crate) range: TimeRange,
    /// `note`, `deploy` or `incident`.
    pub(crate) kind: String,
    /// What was deployed.
    pub(crate) version: String,
    pub(crate) text: String,
    pub(crate) link: String,
    /// Model, environment, deployment and replica; empty for all.
    pub(crate) scope: [String; 4],
}

/// The fields of the scope.
pub(crate) const SCOPE: [&str; 4] = ["model", "environment", "deployment", "replica"];

impl Note {
    /// An empty note about a range and a scope.
    pub(crate) fn about(range: TimeRange, scope: &Scope) -> Self {
        Self { range, scope: parts(scope), ..Self::default() }
    }

    /// The note of an answer.
    pub(crate) fn from_json(note: &Value) -> Self {
        let text = |name: &str| note.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let time = |name: &str| note.get(name).and_then(Value::as_str).map(|text| Date::parse(text) as i64);
        let start_ms = time("start").unwrap_or_default();
        Self {
            id: text("id"),
            revision: revision(note),
            range: TimeRange::new(start_ms, time("end").unwrap_or(start_ms)),
            kind: text("kind"),
            version: text("version"),
            text: text("text"),
            link: text("link"),
            scope: SCOPE.map(text),
        }
    }

    /// The note in one line: `deploy v7: new template`.
    pub(crate) fn sentence(&self) -> String {
        let mut sentence = self.kind.clone();
        for (before, text) in [(" ", &self.version), (": ", &self.text)] {
            if !text.is_empty() {
                sentence.push_str(before);
                sentence.push_str(text);
            }
        }
        sentence
    }

    /// Whether it has a part in a range.
    pub(crate) fn touches(&self, range: TimeRange) -> bool {
        self.range.start_ms <= range.end_ms && self.range.end_ms >= range.start_ms
    }

    /// The note as a request has it.
    pub(crate) fn to_json(&self) -> String {
        let Self { range, kind, version, text, link, scope, .. } = self;
        let mut json = format!("{{\"start\":{}", format_time(range.start_ms));
        if range.end_ms > range.start_ms {
            json.push_str(&format!(",\"end\":{}", format_time(range.end_ms)));
        }
        let fields = [("kind", kind), ("version", version), ("text", text), ("link", link)];
        for (name, text) in fields.into_iter().chain(SCOPE.into_iter().zip(scope)) {
            if !text.is_empty() {
                json.push_str(&format!(",\"{name}\":{}", quoted(text)));
            }
        }
        json.push('}');
        json
    }
}

/// The revision of what an answer has; 0 if there is nothing.
pub(crate) fn revision(entry: &Value) -> u64 {
    entry.get("revision").and_then(Value::as_u64).unwrap_or_default()
}

/// The parts of a scope; empty for all.
pub(crate) fn parts(scope: &Scope) -> [String; 4] {
    let Scope { model, environment, deployment, replica } = scope;
    [model, environment, deployment, replica].map(|part| part.clone().unwrap_or_default())
}

/// Why something was not kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum NotKept {
    /// The reason.
    Refused(String),
    /// Someone else has changed it; this is what is there now, null if it was deleted.
    Changed(Value),
}

impl Backend {
    /// The key with which this page may write; empty if it needs none.
    ///
    /// # Errors
    /// Why it may not write.
    pub(crate) async fn write_key(&self) -> Result<String, String> {
        let (_, answer) = self.kept(Method::GET, "writing", None, &[]).await?;
        let data = answer.get("data");
        let text = |name: &str| data.and_then(|data| data.get(name)?.as_str()).map(str::to_owned);
        match text("reason") {
            Some(reason) => Err(reason),
            None => Ok(text("key").unwrap_or_default()),
        }
    }

    /// Changes what is kept at a path, which was read at a revision, and returns what is there then.
    ///
    /// # Errors
    /// As [`NotKept`] says.
    pub(crate) async fn write(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
        revision: u64,
    ) -> Result<Value, NotKept> {
        // The server may have started anew since the page was loaded.
        let key = self.write_key().await.map_err(NotKept::Refused)?;
        let condition = match revision {
            0 => ("If-None-Match", "*".to_owned()),
            revision => ("If-Match", revision.to_string()),
        };
        let sent = self.kept(method, path, body, &[("Write-Key", key), condition]).await;
        let (status, mut answer) = sent.map_err(NotKept::Refused)?;
        let data = answer.get_mut("data").map(Value::take).unwrap_or_default();
        match (status, answer.get("error")) {
            (409, _) => Err(NotKept::Changed(data)),
            (_, None) => Ok(data),
            (_, Some(error)) => Err(NotKept::Refused(error.as_str().unwrap_or_default().to_owned())),
        }
    }
}
