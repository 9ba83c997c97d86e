//! Families into a page.
pub(crate) mod encoding;
mod line;
mod openmetrics;
mod plain_names;
mod text;

use crate::family::Family;
use encoding::Encoding;
use std::{borrow::Cow, collections::HashMap};

/// Writes `families` as a page at the end of `into`. Families of one name are written as one. Prometheus text has no
/// units, no exemplars and fewer types: what has no place there is left out, and types become the nearest. OpenMetrics
/// forbids more than Prometheus text: families that break its rules for their type are written as unknown.
///
/// Returns how many samples are left out, because no OpenMetrics page can have them: their names are those of another
/// family's samples, or their times go backwards.
pub fn write(families: &[Family], encoding: Encoding, into: &mut String) -> usize {
    let families = families.iter().map(|family| match encoding.has_quoted_names {
        true => Cow::Borrowed(family),
        false => plain_names::of_family(family),
    });
    let families = merged(families);
    if encoding.is_openmetrics {
        openmetrics::write(families, into)
    } else {
        text::write(&families, into);
        0
    }
}

/// The families, those of one name put together.
fn merged<'f>(families: impl Iterator<Item = Cow<'f, Family>>) -> Vec<Cow<'f, Family>> {
    let mut out: Vec<Cow<'_, Family>> = Vec::new();
    let mut by_name: HashMap<String, usize> = HashMap::new();
    for family in families {
        match by_name.get(&family.name).and_then(|&at| out.get_mut(at)) {
            Some(first) => first.to_mut().samples.extend(family.into_owned().samples),
            None => {
                by_name.insert(family.name.clone(), out.len());
                out.push(family);
            }
        }
    }
    out
}
