//! The rules of Prometheus text for families, as `expfmt` of prometheus/common applies them.
use crate::{
    error::{ErrorKind, shortened},
    family::Kind,
    line::{
        Keyword, Metadata,
        labels::{Label, value_of},
        number::parse_value,
        sample::SampleLine,
    },
};
use std::collections::HashMap;

/// What has been said of each family so far.
#[derive(Default)]
pub(crate) struct StrictTextRules {
    families: HashMap<String, Said>,
}

#[derive(Default)]
struct Said {
    kind: Option<Kind>,
    has_help: bool,
    has_samples: bool,
}

impl StrictTextRules {
    pub(crate) fn metadata(&mut self, metadata: &Metadata<'_>) -> Result<(), ErrorKind> {
        let said = self.families.entry(metadata.name.clone().into_owned()).or_default();
        let rule = match metadata.keyword {
            Keyword::Help if said.has_help => "has a second HELP line",
            Keyword::Type(_) if said.kind.is_some() => "has a second TYPE line",
            Keyword::Type(_) if said.has_samples => "has its TYPE line after its samples",
            Keyword::Help => {
                said.has_help = true;
                return Ok(());
            }
            Keyword::Type(kind) => {
                said.kind = Some(kind);
                return Ok(());
            }
            Keyword::Unit => return Ok(()),
        };
        Err(ErrorKind::Rule { family: shortened(&metadata.name), rule })
    }

    pub(crate) fn sample(&mut self, sample: &SampleLine<'_>, labels: &[Label<'_>]) -> Result<(), ErrorKind> {
        let (family, suffix) = self.family_of(&sample.name);
        let said = match self.families.get_mut(family) {
            Some(said) => said,
            None => self.families.entry(family.to_owned()).or_default(),
        };
        said.has_samples = true;
        let is_number = |label| value_of(labels, label).is_none_or(|value| parse_value(value.as_bytes()).is_some());
        let rule = match (said.kind.unwrap_or_default(), suffix) {
            (Kind::Histogram | Kind::GaugeHistogram, "_bucket") if !is_number("le") => "has an le that is no number",
            (Kind::Histogram | Kind::GaugeHistogram, "_bucket" | "_count") if sample.point.value < 0.0 => {
                "has a negative count"
            }
            (Kind::Summary, "") if !is_number("quantile") => "has a quantile that is no number",
            _ => return Ok(()),
        };
        Err(ErrorKind::Rule { family: shortened(family), rule })
    }

    /// The family that a sample belongs to, and what its name has after that.
    fn family_of<'s>(&self, sample: &'s str) -> (&'s str, &'s str) {
        if self.families.contains_key(sample) {
            return (sample, "");
        }
        let Some((family, suffix)) = sample.rfind('_').and_then(|end| sample.split_at_checked(end)) else {
            return (sample, "");
        };
        match self.families.get(family).and_then(|said| said.kind) {
            Some(Kind::Summary) if matches!(suffix, "_sum" | "_count") => (family, suffix),
            Some(Kind::Histogram | Kind::GaugeHistogram) if matches!(suffix, "_bucket" | "_sum" | "_count") => {
                (family, suffix)
            }
            _ => (sample, ""),
        }
    }
}
