//! `[[metrics]]`: metrics of a user's own, and the graphs that they feed.
use crate::config::target::check_label_name;
use crate::config::{ConfigError, setting};
use catalogue::{OwnName, OwnNameError, OwnType, bare_name, mappable, own_recipes};
use serde::Deserialize;

/// How many graphs are proposed in place of an unknown one.
const MAX_PROPOSALS: usize = 3;

/// One `[[metrics]]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct MetricEntry {
    pub(crate) name: String,
    pub(crate) r#type: String,
    pub(crate) graph: String,
    pub(crate) scale: Option<f64>,
    pub(crate) label: Option<String>,
    pub(crate) per: Option<String>,
    pub(crate) at: Option<String>,
}

impl MetricEntry {
    /// The metric. Error messages call it `name`.
    pub(crate) fn resolve(self, name: &str) -> Result<OwnName, ConfigError> {
        let key = |key: &str| format!("{name}: {key}");
        let kind = OwnType::from_id(&self.r#type).ok_or_else(|| {
            let types = OwnType::ALL.map(OwnType::id).join(", ");
            setting(&key("type"), format!("{:?} is no type; write one of {types}", self.r#type))
        })?;
        check_selector(&key("name"), &self.name)?;
        if kind == OwnType::Histogram
            && let Some(family) = bare_name(&self.name).strip_suffix("_bucket")
        {
            return Err(setting(&key("name"), format!("a histogram is named without _bucket: {family:?}")));
        }
        if let Some(per) = &self.per {
            check_selector(&key("per"), per)?;
        }
        let scale = self.scale.unwrap_or(1.0);
        if !scale.is_finite() || scale == 0.0 {
            return Err(setting(&key("scale"), format!("{scale} is no factor")));
        }
        if let Some(label) = &self.label {
            check_label_name(label).map_err(|problem| setting(&key("label"), problem))?;
        }
        let is_gateway = match self.at.as_deref() {
            None | Some("server") => false,
            Some("gateway") => true,
            Some(other) => return Err(setting(&key("at"), format!("{other:?} is neither \"server\" nor \"gateway\""))),
        };
        let own = OwnName {
            name: self.name,
            kind,
            graph: self.graph,
            scale,
            label: self.label.unwrap_or_default(),
            per: self.per.unwrap_or_default(),
            is_gateway,
        };
        own_recipes(&own).map_err(|error| {
            let hint = match &error {
                OwnNameError::UnknownGraph(graph) => format!("; the nearest are {}", nearest(graph).join(", ")),
                _ => String::new(),
            };
            setting(&key("graph"), format!("{error}{hint}"))
        })?;
        Ok(own)
    }
}

/// Checks that a text is a metric name, with or without matchers.
fn check_selector(key: &str, text: &str) -> Result<(), ConfigError> {
    let name = bare_name(text);
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_' || first == ':')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':');
    let query = promql::parse(text, &promql::Limits::default());
    if is_name && query.is_ok_and(|query| query.as_selector().is_some()) {
        return Ok(());
    }
    let problem = "is not a metric name with or without matchers, such as acme_tokens_total{kind=\"out\"}";
    Err(setting(key, format!("{text:?} {problem}")))
}

/// The graphs whose names are most like this one: its own lines first.
fn nearest(graph: &str) -> Vec<String> {
    let mut all: Vec<(usize, &str)> = mappable()
        .into_iter()
        .map(|feeds| {
            let (id, line) = feeds.split_once('/').unwrap_or((feeds, ""));
            // A line that was left out is no mistake in the name.
            let whole = distance(graph, feeds);
            let of_graph = if graph.contains('/') || line.is_empty() { whole } else { distance(graph, id) };
            (whole.min(of_graph), feeds)
        })
        .collect();
    all.sort_by_key(|(distance, feeds)| (*distance, feeds.len()));
    all.into_iter().take(MAX_PROPOSALS).map(|(_, feeds)| format!("{feeds:?}")).collect()
}

/// The number of letters that are to be inserted, removed or replaced to make one text another.
/// Source: Wagner and Fischer, "The String-to-String Correction Problem" (1974).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.chars().enumerate() {
        let (mut before, mut left) = (at, at + 1);
        for (cell, own) in row.iter_mut().skip(1).zip(&other) {
            let replaced = before + usize::from(letter != *own);
            before = *cell;
            left = replaced.min(before + 1).min(left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = at + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::own_names::to_json;

    fn resolve(text: &str) -> Result<OwnName, String> {
        let entry: MetricEntry = toml::from_str(text).map_err(|error| error.to_string())?;
        entry.resolve("metric 1").map_err(|error| error.to_string())
    }

    #[test]
    fn a_metric_is_mapped_with_matchers_scale_and_label() {
        let own = resolve(
            "name = 'acme_requests_total{kind=\"chat\"}'\ntype = \"counter\"\ngraph = \"volume\"\nlabel = \"code\"\nat = \"gateway\"\nscale = 2.0",
        )
        .expect("a metric");
        assert_eq!((own.label.as_str(), own.scale, own.is_gateway), ("code", 2.0, true));
        assert_eq!(
            to_json(&[own]).to_string(),
            r#"[{"name":"acme_requests_total{kind=\"chat\"}","type":"counter","graph":"volume","label":"code","at":"gateway","scale":2.0}]"#
        );
    }

    #[test]
    fn errors_say_what_to_write_instead() {
        let metric = |name: &str, kind: &str, more: &str| format!("name = '{name}'\ntype = \"{kind}\"\n{more}");
        for (text, expected) in [
            (metric("a", "count", ""), "metric 1: type: \"count\" is no type; write one of gauge, counter, histogram"),
            (metric("a b", "gauge", ""), "metric 1: name: \"a b\" is not a metric name"),
            (metric("a{b=}", "gauge", ""), "is not a metric name"),
            (metric("a{b=\"c\"} or d", "gauge", ""), "is not a metric name"),
            (metric("a_bucket", "histogram", "graph = \"end-to-end-latency\""), "is named without _bucket: \"a\""),
            (metric("a", "gauge", "scale = 0.0"), "scale: 0 is no factor"),
            (metric("a", "counter", "graph = \"volum\""), "there is no graph \"volum\"; the nearest are \"volume\""),
            (metric("a", "gauge", "graph = \"kv-cache-use\""), "\"kv-cache-use/in use\""),
            (metric("a", "gauge", "graph = \"kv-cash-use/in use\""), "the nearest are \"kv-cache-use/in use\""),
            (metric("a", "gauge", "graph = \"volume\""), "\"volume\" takes metrics of type counter"),
            (metric("a", "gauge", "graph = \"volume\"\nat = \"x\""), "at: \"x\" is neither"),
            (metric("a", "counter", "graph = \"volume\"\nlabel = \"a-b\""), "label: \"a-b\" is not a valid label name"),
        ] {
            let error = resolve(&text).expect_err(&text);
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn the_distance_of_two_texts_is_the_number_of_edits() {
        for (one, other, expected) in [("", "", 0), ("ab", "", 2), ("abc", "abd", 1), ("kitten", "sitting", 3)] {
            assert_eq!(distance(one, other), expected, "{one} {other}");
        }
    }
}
