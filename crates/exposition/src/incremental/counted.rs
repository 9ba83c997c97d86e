//! Which series of a metrics page count up from zero.
use crate::family::Kind;
use crate::line::labels::{Label, value_of};
use crate::line::sample::LabelBuffers;
use crate::line::{Keyword, Line, LineReader};
use std::borrow::Cow;
use std::collections::HashMap;

/// The types of a page's families, by name.
#[derive(Default)]
pub(super) struct CountedFamilies<'p>(HashMap<Cow<'p, str>, Kind>);

impl<'p> CountedFamilies<'p> {
    /// Reads the types on a page. The first type of a family counts.
    pub(super) fn read(&mut self, page: &'p str, reader: LineReader<'_>) {
        let mut buffers = LabelBuffers::default();
        for line in page.lines().filter(|line| line.trim_start_matches([' ', '\t']).starts_with('#')) {
            if let Ok(Line::Metadata(metadata)) = reader.read(line, &mut buffers)
                && let Keyword::Type(kind) = metadata.keyword
            {
                self.0.entry(metadata.name).or_insert(kind);
            }
        }
    }

    /// The name of a series without its suffix, if it counts up from zero: a counter, or a bucket, sum or count of a
    /// histogram or a summary. Without a type the name decides: `_total`, `_bucket` with the label `le`, and the
    /// `_sum` and `_count` that follow such buckets.
    pub(super) fn counted<'n>(&mut self, name: &'n str, labels: &[Label<'_>]) -> Option<&'n str> {
        match self.0.get(name) {
            Some(Kind::Counter) => return Some(name.strip_suffix("_total").unwrap_or(name)),
            Some(_) => return None,
            None => {}
        }
        let (stem, suffix) = name.split_at(name.rfind('_')?);
        match (self.0.get(stem), suffix) {
            (Some(Kind::Histogram), "_bucket" | "_count" | "_sum")
            | (Some(Kind::Summary), "_count" | "_sum")
            | (_, "_total") => Some(stem),
            (None, "_bucket") if value_of(labels, "le").is_some() => {
                self.0.insert(stem.to_owned().into(), Kind::Histogram);
                Some(stem)
            }
            _ => None,
        }
    }
}
