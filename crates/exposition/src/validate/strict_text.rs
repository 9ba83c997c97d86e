//! The rules of Prometheus text for families, as `expfmt` of prometheus/common applies them.
use super::violation::in_family;
use crate::error::ErrorKind;
use crate::family::Kind;
use crate::line::labels::{Label, value_of};
use crate::line::number::parse_value;
use crate::line::sample::SampleLine;
use crate::line::{Keyword, MetadataLine};
use std::collections::HashMap;

/// Validates a page of strict Prometheus text, line by line.
#[derive(Default)]
pub(crate) struct StrictTextRules {
    families: HashMap<String, FamilyState>,
}

/// The lines of one family so far.
#[derive(Default)]
struct FamilyState {
    kind: Option<Kind>,
    has_help: bool,
    has_samples: bool,
}

impl StrictTextRules {
    pub(crate) fn metadata(&mut self, metadata: &MetadataLine<'_>) -> Result<(), ErrorKind> {
        let family = self.families.entry(metadata.name.clone().into_owned()).or_default();
        let rule = match metadata.keyword {
            Keyword::Help if family.has_help => "has a second HELP line",
            Keyword::Type(_) if family.kind.is_some() => "has a second TYPE line",
            Keyword::Type(_) if family.has_samples => "has its TYPE line after its samples",
            Keyword::Help => {
                family.has_help = true;
                return Ok(());
            }
            Keyword::Type(kind) => {
                family.kind = Some(kind);
                return Ok(());
            }
            Keyword::Unit => return Ok(()),
        };
        Err(in_family(&metadata.name, rule))
    }

    pub(crate) fn sample(&mut self, sample: &SampleLine<'_>, labels: &[Label<'_>]) -> Result<(), ErrorKind> {
        let (name, suffix) = self.family_of(&sample.name);
        let family = match self.families.get_mut(name) {
            Some(family) => family,
            None => self.families.entry(name.to_owned()).or_default(),
        };
        family.has_samples = true;
        let is_number = |label| value_of(labels, label).is_none_or(|value| parse_value(value.as_bytes()).is_some());
        let rule = match (family.kind.unwrap_or_default(), suffix) {
            (Kind::Histogram | Kind::GaugeHistogram, "_bucket") if !is_number("le") => "has an le that is no number",
            (Kind::Histogram | Kind::GaugeHistogram, "_bucket" | "_count") if sample.measurement.value < 0.0 => {
                "has a negative count"
            }
            (Kind::Summary, "") if !is_number("quantile") => "has a quantile that is no number",
            _ => return Ok(()),
        };
        Err(in_family(name, rule))
    }

    /// The name of the family that a sample belongs to, and the suffix of the sample's name.
    fn family_of<'s>(&self, sample: &'s str) -> (&'s str, &'s str) {
        if self.families.contains_key(sample) {
            return (sample, "");
        }
        let Some((family, suffix)) = sample.rfind('_').and_then(|end| sample.split_at_checked(end)) else {
            return (sample, "");
        };
        match self.families.get(family).and_then(|family| family.kind) {
            Some(Kind::Summary) if matches!(suffix, "_sum" | "_count") => (family, suffix),
            Some(Kind::Histogram | Kind::GaugeHistogram) if matches!(suffix, "_bucket" | "_sum" | "_count") => {
                (family, suffix)
            }
            _ => (sample, ""),
        }
    }
}
