//! Names for readers without support for quoted names. Source: the underscore escaping of prometheus/common.
use crate::family::{Family, Sample};
use std::borrow::Cow;

/// Whether a metric name needs no quotes: `[a-zA-Z_:][a-zA-Z0-9_:]*`.
pub(super) fn is_metric_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'))
}

/// Whether a label name needs no quotes: `[a-zA-Z_][a-zA-Z0-9_]*`.
pub(super) fn is_label_name(name: &str) -> bool {
    is_metric_name(name) && !name.contains(':')
}

/// The name with `_` in place of every character that requires quotes.
pub(super) fn plain_metric_name(name: &str) -> Cow<'_, str> {
    if is_metric_name(name) { Cow::Borrowed(name) } else { Cow::Owned(plain(name, ':')) }
}

/// The family with `_` in place of every character in its names that requires quotes.
pub(super) fn of_family(family: &Family) -> Cow<'_, Family> {
    let is_plain = |sample: &Sample| {
        let exemplar_labels = sample.exemplar.iter().flat_map(|exemplar| &exemplar.labels);
        is_metric_name(&sample.name) && sample.labels.iter().chain(exemplar_labels).all(|(name, _)| is_label_name(name))
    };
    if is_metric_name(&family.name) && family.samples.iter().all(is_plain) {
        return Cow::Borrowed(family);
    }
    let mut family = family.clone();
    family.name = plain(&family.name, ':');
    for sample in &mut family.samples {
        sample.name = plain(&sample.name, ':');
        make_labels_plain(&mut sample.labels);
        if let Some(exemplar) = &mut sample.exemplar {
            make_labels_plain(&mut exemplar.labels);
        }
    }
    Cow::Owned(family)
}

fn make_labels_plain(labels: &mut [(String, String)]) {
    for at in 0..labels.len() {
        let mut name = plain(&labels[at].0, '_');
        // Two names can become equal.
        while labels[..at].iter().any(|(before, _)| *before == name) {
            name.push('_');
        }
        labels[at].0 = name;
    }
}

/// `name` with `_` in place of all but letters, digits, `_` and `allowed`.
fn plain(name: &str, allowed: char) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || character == allowed;
    let characters = name.chars().enumerate();
    let plain: String = characters
        .map(
            |(at, character)| {
                if is_plain(character) && (at > 0 || !character.is_ascii_digit()) { character } else { '_' }
            },
        )
        .collect();
    if plain.is_empty() { String::from("_") } else { plain }
}
