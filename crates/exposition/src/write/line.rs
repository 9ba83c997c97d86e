//! Writes single lines of a metrics page.
use super::plain_names::{is_label_name, is_metric_name};
use crate::{
    family::{Exemplar, Sample},
    timestamp::Timestamp,
};
use std::fmt::Write as _;

/// Characters escaped in quotes, and in the help texts of OpenMetrics.
const ESCAPED: &[char] = &['\\', '\n', '"'];

/// Characters escaped in the help texts of Prometheus text.
const ESCAPED_IN_TEXT_HELP: &[char] = &['\\', '\n'];

/// The format of a line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Text,
    OpenMetrics,
}

/// `# HELP name text`
pub(super) fn help(into: &mut String, name: &str, text: &str, style: Style) {
    let mut line = String::new();
    escaped(&mut line, text, if style == Style::Text { ESCAPED_IN_TEXT_HELP } else { ESCAPED });
    metadata(into, "HELP", name, &line);
}

/// `# KEYWORD name text`
pub(super) fn metadata(into: &mut String, keyword: &str, name: &str, text: &str) {
    into.push_str("# ");
    into.push_str(keyword);
    into.push(' ');
    if is_metric_name(name) {
        into.push_str(name);
    } else {
        quoted(into, name);
    }
    into.push(' ');
    into.push_str(text);
    into.push('\n');
}

/// A sample, without its exemplar and its line feed.
pub(super) fn sample(into: &mut String, sample: &Sample, style: Style) {
    let is_plain = is_metric_name(&sample.name);
    if is_plain {
        into.push_str(&sample.name);
    }
    if !is_plain || !sample.labels.is_empty() {
        into.push('{');
        if !is_plain {
            quoted(into, &sample.name);
            into.push_str(if sample.labels.is_empty() { "" } else { "," });
        }
        labels(into, &sample.labels);
        into.push('}');
    }
    into.push(' ');
    value(into, sample.value);
    match (sample.timestamp, style) {
        (None, _) => {}
        (Some(time), Style::Text) => append(into, format_args!(" {}", time.ms())),
        (Some(time), Style::OpenMetrics) => seconds(into, time),
    }
}

/// An exemplar, which follows its sample on the same line.
pub(super) fn exemplar(into: &mut String, exemplar: &Exemplar) {
    into.push_str(" # {");
    labels(into, &exemplar.labels);
    into.push_str("} ");
    value(into, exemplar.value);
    if let Some(time) = exemplar.timestamp {
        seconds(into, time);
    }
}

fn labels(into: &mut String, labels: &[(String, String)]) {
    for (at, (name, value)) in labels.iter().enumerate() {
        if at > 0 {
            into.push(',');
        }
        if is_label_name(name) {
            into.push_str(name);
        } else {
            quoted(into, name);
        }
        into.push('=');
        quoted(into, value);
    }
}

fn quoted(into: &mut String, text: &str) {
    into.push('"');
    escaped(into, text, ESCAPED);
    into.push('"');
}

fn escaped(into: &mut String, text: &str, special: &[char]) {
    let mut rest = text;
    while let Some(at) = rest.find(special) {
        let (plain, from_special) = rest.split_at(at);
        let mut characters = from_special.chars();
        into.push_str(plain);
        into.push('\\');
        into.extend(characters.next().map(|character| if character == '\n' { 'n' } else { character }));
        rest = characters.as_str();
    }
    into.push_str(rest);
}

/// The shortest text that parses as `value`.
fn value(into: &mut String, value: f64) {
    if value.is_infinite() {
        into.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    } else {
        append(into, format_args!("{value:?}"));
    }
}

/// A space and the time in seconds, without trailing zeros.
fn seconds(into: &mut String, time: Timestamp) {
    let ns = time.ns();
    let sign = if ns < 0 { "-" } else { "" };
    let (whole, fraction) = (ns.unsigned_abs() / 1_000_000_000, ns.unsigned_abs() % 1_000_000_000);
    append(into, format_args!(" {sign}{whole}"));
    if fraction > 0 {
        let decimals = format!(".{fraction:09}");
        into.push_str(decimals.trim_end_matches('0'));
    }
}

fn append(into: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = into.write_fmt(text);
}
