//! The rules of OpenMetrics 1.0 for a page: its families, one after the other, and its end.
use super::{
    family::{Broken, FamilyRules},
    recheck::Ruling,
};
use crate::{
    error::{ErrorKind, shortened},
    family::Kind,
    line::{Keyword, Metadata, labels::Label, sample::SampleLine},
};
use std::collections::HashSet;

/// What has been seen of a page.
#[derive(Default)]
pub(crate) struct OpenMetricsRules {
    current: Option<Current>,
    /// The names that the families so far have taken.
    taken_names: HashSet<String>,
    is_ended: bool,
}

/// The family being printed; OpenMetrics has each in one piece, its metadata first.
struct Current {
    rules: FamilyRules,
    has_type: bool,
    has_help: bool,
    has_unit: bool,
    has_samples: bool,
}

impl OpenMetricsRules {
    pub(crate) fn metadata(&mut self, metadata: &Metadata<'_>) -> Result<(), ErrorKind> {
        let is_its_own = self.current.as_ref().is_some_and(|family| family.rules.name == metadata.name);
        let family = self.family(is_its_own, &metadata.name)?;
        family.take_in(metadata).map_err(|rule| broken(&metadata.name, rule))
    }

    /// What the sample is, or none for one with the labels and the time of another, which comes from a timestamp cut
    /// short.
    pub(crate) fn sample(
        &mut self,
        sample: &SampleLine<'_>,
        labels: &[Label<'_>],
    ) -> Result<Option<Ruling>, ErrorKind> {
        let is_its_own = self.current.as_ref().is_some_and(|family| family.rules.suffix_of(&sample.name).is_some());
        let family = self.family(is_its_own, &sample.name)?;
        family.has_samples = true;
        family.rules.sample(&sample.name, labels, &sample.point).map_err(|rule| broken(&family.rules.name, rule))
    }

    /// A native histogram stands among the samples of a histogram, under the family's own name.
    pub(crate) fn native_histogram(&mut self, name: &str) -> Result<(), ErrorKind> {
        let is_its_own = self.current.as_ref().is_some_and(|family| family.rules.name == name);
        let family = self.family(is_its_own, name)?;
        family.has_samples = true;
        match family.rules.kind {
            Kind::Histogram => Ok(()),
            _ => Err(broken(name, "has a native histogram but is no histogram")),
        }
    }

    pub(crate) fn end_mark(&mut self) -> Result<(), ErrorKind> {
        let closed = self.close();
        self.is_ended = true;
        closed
    }

    pub(crate) fn finish(&self) -> Result<(), ErrorKind> {
        if self.is_ended { Ok(()) } else { Err(ErrorKind::Eof) }
    }

    /// The family that a line is about: the current one, or a new one called `name`.
    fn family(&mut self, is_current: bool, name: &str) -> Result<&mut Current, ErrorKind> {
        if !is_current {
            self.close()?;
        }
        Ok(self.current.get_or_insert_with(|| Current::new(name)))
    }

    fn close(&mut self) -> Result<(), ErrorKind> {
        if self.is_ended {
            return Err(ErrorKind::Expected("nothing after # EOF"));
        }
        let Some(Current { rules, .. }) = self.current.take() else { return Ok(()) };
        let judged = match rules.names().all(|name| self.taken_names.insert(name)) {
            true => rules.finish(),
            false => Err("takes a name that another family has"),
        };
        judged.map_err(|rule| broken(&rules.name, rule))
    }
}

impl Current {
    fn new(name: &str) -> Self {
        let rules = FamilyRules::new(name, Kind::Unknown, "");
        Self { rules, has_type: false, has_help: false, has_unit: false, has_samples: false }
    }

    fn take_in(&mut self, metadata: &Metadata<'_>) -> Result<(), Broken> {
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

fn broken(family: &str, rule: Broken) -> ErrorKind {
    ErrorKind::Rule { family: shortened(family), rule }
}
