//! The rules of OpenMetrics 1.0 for a whole page: one family after the other, then `# EOF`.
use super::family::FamilyRules;
use super::role::ClassifiedSample;
use super::violation::{RuleViolation, in_family};
use crate::error::ErrorKind;
use crate::family::Kind;
use crate::line::labels::Label;
use crate::line::sample::SampleLine;
use crate::line::{Keyword, MetadataLine};
use std::collections::HashSet;

/// Validates an OpenMetrics page, line by line.
#[derive(Default)]
pub(crate) struct OpenMetricsRules {
    current: Option<CurrentFamily>,
    /// The names that earlier families reserve.
    reserved_names: HashSet<String>,
    is_ended: bool,
}

/// The family of the last line. In OpenMetrics a family is contiguous, its metadata first.
struct CurrentFamily {
    rules: FamilyRules,
    has_type: bool,
    has_help: bool,
    has_unit: bool,
    has_samples: bool,
}

impl OpenMetricsRules {
    pub(crate) fn metadata(&mut self, metadata: &MetadataLine<'_>) -> Result<(), ErrorKind> {
        let is_current = self.current.as_ref().is_some_and(|family| family.rules.name == metadata.name);
        let family = self.family(is_current, &metadata.name)?;
        family.add_metadata(metadata).map_err(|rule| in_family(&metadata.name, rule))
    }

    /// Validates a sample and returns its role, or none for a duplicate of another's labels and timestamp, which results
    /// from truncated timestamps.
    pub(crate) fn sample(
        &mut self,
        sample: &SampleLine<'_>,
        labels: &[Label<'_>],
    ) -> Result<Option<ClassifiedSample>, ErrorKind> {
        let is_current = self.current.as_ref().is_some_and(|family| family.rules.suffix_of(&sample.name).is_some());
        let family = self.family(is_current, &sample.name)?;
        family.has_samples = true;
        let outcome = family.rules.sample(&sample.name, labels, &sample.measurement);
        outcome.map_err(|rule| in_family(&family.rules.name, rule))
    }

    /// Validates a native histogram, which is a sample with the family's own name.
    pub(crate) fn native_histogram(&mut self, name: &str) -> Result<(), ErrorKind> {
        let is_current = self.current.as_ref().is_some_and(|family| family.rules.name == name);
        let family = self.family(is_current, name)?;
        family.has_samples = true;
        match family.rules.kind {
            Kind::Histogram => Ok(()),
            _ => Err(in_family(name, "has a native histogram but is no histogram")),
        }
    }

    pub(crate) fn eof_marker(&mut self) -> Result<(), ErrorKind> {
        let closed = self.close();
        self.is_ended = true;
        closed
    }

    pub(crate) fn finish(&self) -> Result<(), ErrorKind> {
        if self.is_ended { Ok(()) } else { Err(ErrorKind::MissingEof) }
    }

    /// The family of a line: the current one, or a new one called `name`.
    fn family(&mut self, is_current: bool, name: &str) -> Result<&mut CurrentFamily, ErrorKind> {
        if !is_current {
            self.close()?;
        }
        Ok(self.current.get_or_insert_with(|| CurrentFamily::new(name)))
    }

    fn close(&mut self) -> Result<(), ErrorKind> {
        if self.is_ended {
            return Err(ErrorKind::Expected("nothing after # EOF"));
        }
        let Some(CurrentFamily { rules, .. }) = self.current.take() else { return Ok(()) };
        let outcome = match rules.names().all(|name| self.reserved_names.insert(name)) {
            true => rules.finish(),
            false => Err("takes a name that another family has"),
        };
        outcome.map_err(|rule| in_family(&rules.name, rule))
    }
}

impl CurrentFamily {
    fn new(name: &str) -> Self {
        let rules = FamilyRules::new(name, Kind::Unknown, "");
        Self { rules, has_type: false, has_help: false, has_unit: false, has_samples: false }
    }

    fn add_metadata(&mut self, metadata: &MetadataLine<'_>) -> Result<(), RuleViolation> {
        let is_second = match metadata.keyword {
            Keyword::Type(kind) => {
                self.rules.kind = kind;
                &mut self.has_type
            }
            Keyword::Help => &mut self.has_help,
            Keyword::Unit => {
                metadata.text.clone_into(&mut self.rules.unit);
                &mut self.has_unit
            }
        };
        match std::mem::replace(is_second, true) {
            _ if self.has_samples => Err("has metadata after its samples"),
            true => Err("has a second TYPE, HELP or UNIT line"),
            false => Ok(()),
        }
    }
}
