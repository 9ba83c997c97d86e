//! The labels of a sample, between its braces.
use super::cursor::Cursor;
use super::escape::{IN_QUOTES, unescaped, unknown_escape};
use super::{LineError, LineReader};
use crate::error::{ErrorKind, shortened};
use crate::format::Format;
use std::borrow::Cow;

/// One label, its name and value unescaped.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Label<'a> {
    /// The label's name.
    pub name: Cow<'a, str>,
    /// The label's value; may be empty.
    pub value: Cow<'a, str>,
}

/// The label that holds the metric's name in stores and in relabelling. On a metrics page it has no meaning.
const METRIC_NAME: &str = "__name__";

/// The largest number of characters in the names and values of an exemplar's labels. Source: OpenMetrics 1.0,
/// "Exemplars".
const MAX_EXEMPLAR_CHARACTERS: usize = 128;

/// Reads labels up to and including the closing brace. A quoted text without a value is the metric's name, unless `metric`
/// is already set.
pub(crate) fn read<'b>(
    cursor: &mut Cursor<'b>,
    reader: LineReader<'_>,
    metric: &mut Option<Cow<'b, str>>,
    into: &mut Vec<Label<'b>>,
) -> Result<(), LineError> {
    cursor.skip_blanks();
    // Hand-written exporters leave a comma in otherwise empty braces. A second comma would be a lost label.
    if reader.format == Format::Text && cursor.eat(b',') {
        cursor.skip_blanks();
    }
    let mut is_first = true;
    loop {
        let at = cursor.at();
        if cursor.eat(b'}') {
            return if is_first || reader.format != Format::OpenMetrics {
                Ok(())
            } else {
                Err(LineError::new(at, ErrorKind::Expected("a label after the comma")))
            };
        }
        is_first = false;
        let (name, is_quoted) = label_name(cursor, reader)?;
        cursor.skip_blanks();
        if cursor.eat(b'=') {
            let label = value(cursor, reader, name)?;
            push(label, reader, into).map_err(|kind| LineError::new(at, kind))?;
        } else if is_quoted && metric.is_none() {
            *metric = Some(name);
        } else {
            return Err(LineError::new(cursor.at(), ErrorKind::Expected("= and a value after the label name")));
        }
        cursor.skip_blanks();
        match cursor.peek() {
            Some(b',') => {
                cursor.advance(1);
                cursor.skip_blanks();
            }
            Some(b'}') => {
                cursor.advance(1);
                return Ok(());
            }
            // Prometheus does not require a comma here.
            Some(byte) if reader.format == Format::Text && begins_label(byte) => {}
            _ => {
                return Err(LineError::new(
                    cursor.at(),
                    ErrorKind::Expected("a comma or the closing brace after the label"),
                ));
            }
        }
    }
}

fn begins_label(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'"')
}

/// Reads the labels of an exemplar up to and including the closing brace.
pub(crate) fn read_exemplar<'b>(
    cursor: &mut Cursor<'b>,
    reader: LineReader<'_>,
    into: &mut Vec<Label<'b>>,
) -> Result<(), LineError> {
    let at = cursor.at();
    // An exemplar has no name: with one already set, a text without a value is an error.
    read(cursor, reader, &mut Some(Cow::Borrowed("")), into)?;
    if !fits_exemplar(into) {
        return Err(LineError::new(at, ErrorKind::Expected("at most 128 characters of exemplar labels")));
    }
    Ok(())
}

/// Whether the labels are short enough for an exemplar.
pub(crate) fn fits_exemplar(labels: &[Label<'_>]) -> bool {
    let characters = labels.iter().map(|label| label.name.chars().count() + label.value.chars().count());
    characters.sum::<usize>() <= MAX_EXEMPLAR_CHARACTERS
}

/// The value of the label `name`.
pub(crate) fn value_of<'l>(labels: &'l [Label<'_>], name: &str) -> Option<&'l str> {
    labels.iter().find(|label| label.name == name).map(|label| &*label.value)
}

/// The quoted text that comes next, unescaped.
pub(crate) fn quoted<'b>(cursor: &mut Cursor<'b>, format: Format) -> Result<Cow<'b, str>, LineError> {
    let at = cursor.at();
    if !cursor.eat(b'"') {
        return Err(LineError::new(at, ErrorKind::Expected("a text in double quotes")));
    }
    let Some((text, has_escapes)) = cursor.until_quote() else {
        return Err(LineError::new(at, ErrorKind::Expected("a closing quote on the same line")));
    };
    if !has_escapes {
        return Ok(Cow::Borrowed(text));
    }
    match unknown_escape(text, IN_QUOTES) {
        Some(unknown) if format == Format::StrictText => Err(LineError::new(at, ErrorKind::Escape(unknown))),
        _ => Ok(Cow::Owned(unescaped(text, IN_QUOTES))),
    }
}

/// The name of a label, or of the metric in quotes, and whether it is quoted.
fn label_name<'b>(cursor: &mut Cursor<'b>, reader: LineReader<'_>) -> Result<(Cow<'b, str>, bool), LineError> {
    let at = cursor.at();
    let is_quoted = cursor.peek() == Some(b'"');
    let name = if is_quoted { quoted(cursor, reader.format)? } else { Cow::Borrowed(cursor.label_name()) };
    if name.is_empty() {
        return Err(LineError::new(at, ErrorKind::Expected("a label name or the closing brace")));
    }
    reader.check_name(at, &name)?;
    Ok((name, is_quoted))
}

fn value<'b>(cursor: &mut Cursor<'b>, reader: LineReader<'_>, name: Cow<'b, str>) -> Result<Label<'b>, LineError> {
    cursor.skip_blanks();
    let at = cursor.at();
    let value = quoted(cursor, reader.format)?;
    let limit = reader.limits.value_bytes;
    if value.len() > limit {
        return Err(LineError::new(at, ErrorKind::ValueLimit { limit, name: shortened(&name) }));
    }
    Ok(Label { name, value })
}

/// Adds `label` unless the format reserves its name. `__name__` in Prometheus text is ignored, so that a page cannot
/// rename its series.
fn push<'b>(label: Label<'b>, reader: LineReader<'_>, into: &mut Vec<Label<'b>>) -> Result<(), ErrorKind> {
    match reader.format {
        Format::Text if label.name == METRIC_NAME => return Ok(()),
        Format::StrictText if label.name == METRIC_NAME => return Err(ErrorKind::ReservedLabel(label.name.into())),
        Format::OpenMetrics if label.name.starts_with("__") => {
            return Err(ErrorKind::ReservedLabel(shortened(&label.name)));
        }
        _ => {}
    }
    if into.len() >= reader.limits.labels {
        return Err(ErrorKind::LabelLimit { limit: reader.limits.labels });
    }
    if into.iter().any(|other| other.name == label.name) {
        return Err(ErrorKind::DuplicateLabel(shortened(&label.name)));
    }
    into.push(label);
    Ok(())
}
