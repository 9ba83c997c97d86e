//! Families into a page.
pub(crate) mod encoding;
mod line;
mod openmetrics;
mod plain_names;
mod text;

use crate::family::{Family, Kind, Sample};
use encoding::Encoding;
use std::{borrow::Cow, collections::HashMap};

/// Writes `families` as a page at the end of `into`. Families of one name are written as one. Prometheus text has no
/// units, no exemplars and fewer types: what has no place there is left out, and types become the nearest. OpenMetrics
/// forbids more than Prometheus text: families that break its rules for their type are written as unknown.
///
/// Returns how many samples are left out, because no OpenMetrics page can have them: their names are those of another
/// family's samples, or their times go backwards.
pub fn write(families: &[Family], encoding: Encoding, into: &mut String) -> usize {
    let left_out = write_part(families, encoding, into);
    into.push_str(encoding.end_mark());
    left_out
}

/// Writes `families` as [`write`] does, but as one part of a page of which only the last is followed by
/// [`Encoding::end_mark`]: for pages whose families are too many to be held at once. No name of a sample or a family, as
/// [`Encoding::written_name`] has it, may be in two parts.
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

/// A family to be written.
struct Draft<'f> {
    name: &'f str,
    kind: Kind,
    help: &'f str,
    unit: &'f str,
    samples: Vec<&'f Sample>,
}

/// The families, those of one name put together.
fn merged<'f>(families: &'f [Cow<'_, Family>]) -> Vec<Draft<'f>> {
    let mut out: Vec<Draft<'f>> = Vec::with_capacity(families.len());
    let mut by_name: HashMap<&str, usize> = HashMap::with_capacity(families.len());
    for family in families {
        let at = *by_name.entry(&family.name).or_insert(out.len());
        if at == out.len() {
            let Family { name, kind, help, unit, .. } = &**family;
            out.push(Draft { name, kind: *kind, help, unit, samples: Vec::with_capacity(family.samples.len()) });
        }
        out[at].samples.extend(&family.samples);
    }
    out
}
