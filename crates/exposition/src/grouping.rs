//! Which family a sample belongs to.
use crate::{
    family::{Family, Kind, Sample},
    format::Format,
    line::{
        Keyword, Metadata,
        escape::{escapes_in_help, unescaped},
    },
};
use std::collections::HashMap;

/// Families under construction.
pub(crate) struct Grouping {
    format: Format,
    drafts: Vec<Draft>,
    by_name: HashMap<String, usize>,
    /// The family of the last line: often that of the next.
    current: usize,
}

/// A family and what the page has said of it so far.
#[derive(Default)]
struct Draft {
    name: String,
    kind: Option<Kind>,
    help: Option<String>,
    unit: Option<String>,
    samples: Vec<Sample>,
}

impl Grouping {
    pub(crate) fn new(format: Format) -> Self {
        Self { format, drafts: Vec::new(), by_name: HashMap::new(), current: 0 }
    }

    /// Takes in a metadata line.
    pub(crate) fn metadata(&mut self, line: &Metadata<'_>) {
        self.current = self.family(&line.name);
        let draft = &mut self.drafts[self.current];
        match line.keyword {
            Keyword::Type(kind) => {
                draft.kind.get_or_insert(kind);
            }
            Keyword::Help => {
                draft.help.get_or_insert_with(|| unescaped(line.text, escapes_in_help(self.format)));
            }
            Keyword::Unit => {
                draft.unit.get_or_insert_with(|| line.text.to_owned());
            }
        }
    }

    /// Takes in a sample.
    pub(crate) fn sample(&mut self, sample: Sample) {
        self.current = self.owner(&sample.name);
        self.drafts[self.current].samples.push(sample);
    }

    /// The families, in the order of their first mention.
    pub(crate) fn families(self) -> Vec<Family> {
        self.drafts.into_iter().map(Draft::family).collect()
    }

    /// The family that metadata for `name` is about.
    fn family(&mut self, name: &str) -> usize {
        if let Some(&at) = self.by_name.get(name) {
            return at;
        }
        self.drafts.push(Draft { name: name.to_owned(), ..Draft::default() });
        self.by_name.insert(name.to_owned(), self.drafts.len() - 1);
        self.drafts.len() - 1
    }

    /// The family of that name, or else one whose type gives its samples this suffix, or else a new one. The name comes
    /// first: a page may have both a counter `x` and a counter `x_total`.
    fn owner(&mut self, sample: &str) -> usize {
        let is_current = |draft: &&Draft| draft.name == sample;
        if self.drafts.get(self.current).filter(is_current).is_some() {
            return self.current;
        }
        let by_suffix = || sample.rfind('_').and_then(|end| self.by_name.get(sample.get(..end)?));
        match self.by_name.get(sample).or_else(by_suffix) {
            Some(&at) if self.drafts[at].owns(sample) => at,
            _ => self.family(sample),
        }
    }
}

impl Draft {
    fn owns(&self, sample: &str) -> bool {
        let kind = self.kind.unwrap_or_default();
        sample
            .strip_prefix(self.name.as_str())
            .is_some_and(|suffix| suffix.is_empty() || kind.suffixes().contains(&suffix))
    }

    fn family(self) -> Family {
        Family {
            name: self.name,
            kind: self.kind.unwrap_or_default(),
            help: self.help.unwrap_or_default(),
            unit: self.unit.unwrap_or_default(),
            samples: self.samples,
        }
    }
}
