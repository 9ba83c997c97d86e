//! The writer of metrics pages.
pub(crate) mod encoding;
mod line;
mod openmetrics;
mod plain_names;
mod text;

use crate::family::{Family, Kind, Sample};
use encoding::Encoding;
use std::borrow::Cow;
use std::collections::HashMap;

/// Appends `families` to `into` as a metrics page. Families of one name are merged. Prometheus text has no units, no
/// exemplars and fewer types: units and exemplars are dropped, and types become the nearest one. OpenMetrics is stricter
/// than Prometheus text: families that violate its rules for their type are written as unknown.
///
/// Returns the number of samples that are dropped because no OpenMetrics page can hold them: their names belong to
/// another family, or their timestamps go backwards.
pub fn write(families: &[Family], encoding: Encoding, into: &mut String) -> usize {
    let dropped = write_part(families, encoding, into);
    into.push_str(encoding.eof_marker());
    dropped
}

/// Writes one part of a page as [`write`] does, for pages with too many families to hold at once. The caller appends
/// [`Encoding::eof_marker`] after the last part. No name of a family or sample, as [`Encoding::encoded_name`] returns it,
/// may appear in two parts.
pub fn write_part(families: &[Family], encoding: Encoding, into: &mut String) -> usize {
    let families: Vec<Cow<'_, Family>> = families
        .iter()
        .map(|family| match encoding.has_quoted_names {
            true => Cow::Borrowed(family),
            false => plain_names::of_family(family),
        })
        .collect();
    let families = merged(&families);
    if encoding.is_openmetrics {
        openmetrics::write(families, into)
    } else {
        text::write(&families, into);
        0
    }
}

/// A family to write, borrowed from all families of its name.
struct MergedFamily<'f> {
    name: &'f str,
    kind: Kind,
    help: &'f str,
    unit: &'f str,
    samples: Vec<&'f Sample>,
}

/// The families, with those of one name merged.
fn merged<'f>(families: &'f [Cow<'_, Family>]) -> Vec<MergedFamily<'f>> {
    let mut out: Vec<MergedFamily<'f>> = Vec::with_capacity(families.len());
    let mut by_name: HashMap<&str, usize> = HashMap::with_capacity(families.len());
    for family in families {
        let at = *by_name.entry(&family.name).or_insert(out.len());
        if at == out.len() {
            let Family { name, kind, help, unit, .. } = &**family;
            let samples = Vec::with_capacity(family.samples.len());
            out.push(MergedFamily { name, kind: *kind, help, unit, samples });
        }
        out[at].samples.extend(&family.samples);
    }
    out
}
