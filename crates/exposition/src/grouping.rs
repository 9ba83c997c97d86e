//! Assigns samples and metadata to families.
use crate::family::{Family, Kind, Sample};
use crate::format::Format;
use crate::line::escape::{escapes_in_help, unescaped};
use crate::line::{Keyword, MetadataLine};
use std::collections::HashMap;

/// Families under construction.
pub(crate) struct Grouping {
    format: Format,
    builders: Vec<FamilyBuilder>,
    by_name: HashMap<String, usize>,
    /// The family of the last line, which is often that of the next.
    current: usize,
}

/// The parts of a family that have been read so far.
#[derive(Default)]
struct FamilyBuilder {
    name: String,
    kind: Option<Kind>,
    help: Option<String>,
    unit: Option<String>,
    samples: Vec<Sample>,
}

impl Grouping {
    pub(crate) fn new(format: Format) -> Self {
        Self { format, builders: Vec::new(), by_name: HashMap::new(), current: 0 }
    }

    pub(crate) fn add_metadata(&mut self, line: &MetadataLine<'_>) {
        self.current = self.family(&line.name);
        let builder = &mut self.builders[self.current];
        match line.keyword {
            Keyword::Type(kind) => {
                builder.kind.get_or_insert(kind);
            }
            Keyword::Help => {
                builder.help.get_or_insert_with(|| unescaped(line.text, escapes_in_help(self.format)));
            }
            Keyword::Unit => {
                builder.unit.get_or_insert_with(|| line.text.to_owned());
            }
        }
    }

    pub(crate) fn add_sample(&mut self, sample: Sample) {
        self.current = self.owner(&sample.name);
        self.builders[self.current].samples.push(sample);
    }

    /// The families, in the order of their first mention.
    pub(crate) fn into_families(self) -> Vec<Family> {
        self.builders.into_iter().map(FamilyBuilder::build).collect()
    }

    /// The index of the family called `name`, which is added if it is new.
    fn family(&mut self, name: &str) -> usize {
        if let Some(&at) = self.by_name.get(name) {
            return at;
        }
        self.builders.push(FamilyBuilder { name: name.to_owned(), ..FamilyBuilder::default() });
        self.by_name.insert(name.to_owned(), self.builders.len() - 1);
        self.builders.len() - 1
    }

    /// The family of that name; otherwise one whose type allows the sample's suffix; otherwise a new one. The name comes
    /// first because a page may have both a counter `x` and a counter `x_total`.
    fn owner(&mut self, sample: &str) -> usize {
        let is_current = |builder: &&FamilyBuilder| builder.name == sample;
        if self.builders.get(self.current).filter(is_current).is_some() {
            return self.current;
        }
        let by_suffix = || sample.rfind('_').and_then(|end| self.by_name.get(sample.get(..end)?));
        match self.by_name.get(sample).or_else(by_suffix) {
            Some(&at) if self.builders[at].owns(sample) => at,
            _ => self.family(sample),
        }
    }
}

impl FamilyBuilder {
    fn owns(&self, sample: &str) -> bool {
        let kind = self.kind.unwrap_or_default();
        sample
            .strip_prefix(self.name.as_str())
            .is_some_and(|suffix| suffix.is_empty() || kind.suffixes().contains(&suffix))
    }

    fn build(self) -> Family {
        Family {
            name: self.name,
            kind: self.kind.unwrap_or_default(),
            help: self.help.unwrap_or_default(),
            unit: self.unit.unwrap_or_default(),
            samples: self.samples,
        }
    }
}
