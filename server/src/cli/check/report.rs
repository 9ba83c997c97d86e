//! What the check found, for people and for machines.
use crate::cli::check::coverage::Shown;
use crate::cli::check::input::{ChosenBy, InputError};
use crate::cli::check::trial::Stored;
use exposition::{Family, Format, ParseError};
use serde_json::json;
use std::fmt;

/// What the check of one page found.
#[derive(Debug)]
pub(crate) struct Report {
    /// The page's place, as given.
    pub(crate) source: String,
    /// How the page was read and why so; none where there was no page.
    pub(crate) format: Option<(Format, ChosenBy)>,
    pub(crate) size_bytes: usize,
    /// The families of the lines that are good.
    pub(crate) families: Vec<Family>,
    /// What is refused; empty where the page would be stored.
    pub(crate) refused: Vec<Refusal>,
    /// Refusals beyond those.
    pub(crate) more_refused: usize,
    /// What would be stored, where nothing is refused.
    pub(crate) stored: Option<Stored>,
    /// What the page would make of the good lines.
    pub(crate) shown: Shown,
}

/// A part of a page that is refused, and so the whole page.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// Line and byte within it, from 1; none where it is about the whole page.
    place: Option<(usize, usize)>,
    reason: String,
}

impl Refusal {
    pub(crate) fn of_page(reason: impl fmt::Display) -> Self {
        Self { place: None, reason: reason.to_string() }
    }
}

impl From<&ParseError> for Refusal {
    fn from(ParseError { line, column, kind }: &ParseError) -> Self {
        Self { place: Some((*line, *column)), reason: kind.to_string() }
    }
}

impl Report {
    /// There is no page.
    pub(crate) fn unread(source: &str, error: &InputError) -> Self {
        Self {
            source: source.to_owned(),
            format: None,
            size_bytes: 0,
            families: Vec::new(),
            refused: vec![Refusal::of_page(error)],
            more_refused: 0,
            stored: None,
            shown: Shown::default(),
        }
    }

    /// The report as one JSON object and a line feed.
    pub(crate) fn to_json(&self) -> String {
        let families = self.families.iter().map(|family| {
            let samples = family.samples.len();
            json!({ "name": family.name, "type": family.kind.as_str(), "unit": family.unit, "samples": samples })
        });
        let refused = self.refused.iter().map(|Refusal { place, reason }| {
            let (line, column) = place.unzip();
            json!({ "line": line, "column": column, "reason": reason })
        });
        let stored = self.stored.as_ref().map(|stored| {
            let labels: serde_json::Map<_, _> =
                stored.labels.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
            json!({
                "samples": stored.samples,
                "series": stored.series,
                "duplicates": stored.duplicates,
                "out_of_bounds": stored.out_of_bounds,
                "labels": labels,
            })
        });
        let engines = self
            .shown
            .engines
            .iter()
            .map(|(id, title, version)| json!({ "id": id, "title": title, "version": version }));
        let report = json!({
            "source": self.source,
            "format": self.format.map(|(format, _)| word(format)),
            "format_by": self.format.map(|(_, chosen_by)| chosen_by.word()),
            "size_bytes": self.size_bytes,
            "families": families.collect::<Vec<_>>(),
            "stored": stored,
            "refused": refused.collect::<Vec<_>>(),
            "more_refused": self.more_refused,
            "engines": engines.collect::<Vec<_>>(),
            "graphs": self.shown.graphs,
            "unclaimed": self.shown.unclaimed,
        });
        format!("{report}\n")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((format, chosen_by)) = self.format {
            let name = if format == Format::OpenMetrics { "OpenMetrics" } else { "Prometheus text" };
            let source = printable(&self.source);
            writeln!(f, "{source}: {name} ({}), {} bytes\n", chosen_by.reason(), self.size_bytes)?;
        }
        write_families(f, &self.families)?;
        write!(f, "{}", self.shown)?;
        match &self.stored {
            Some(stored) => write!(f, "{stored}"),
            None => self.write_refused(f),
        }
    }
}

impl Report {
    fn write_refused(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.refused.len() + self.more_refused;
        writeln!(
            f,
            "Nothing would be stored: a scrape is all or nothing, and {} refused.",
            counted(count, "place is", "places are")
        )?;
        for Refusal { place, reason } in &self.refused {
            match place {
                Some((line, column)) => writeln!(f, "  line {line}, column {column}: {}", printable(reason))?,
                None => writeln!(f, "  {}", printable(reason))?,
            }
        }
        if self.more_refused > 0 {
            writeln!(f, "  and {} more", self.more_refused)?;
        }
        Ok(())
    }
}

impl fmt::Display for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (samples, series) = (counted(self.samples as usize, "sample", "samples"), self.series);
        let all = if self.duplicates + self.out_of_bounds == 0 { "All would" } else { "Would" };
        write!(f, "{all} be stored: {samples} of {series} series")?;
        let labels: Vec<_> =
            self.labels.iter().map(|(name, value)| format!("{name}=\"{}\"", printable(value))).collect();
        writeln!(f, ", labelled {}.", labels.join(", "))?;
        if self.duplicates > 0 {
            writeln!(
                f,
                "Left out: {} of a series that the page has before.",
                counted(self.duplicates as usize, "sample", "samples")
            )?;
        }
        if self.out_of_bounds > 0 {
            writeln!(
                f,
                "Left out: {} with a time of its own more than 1 hour ago or 10 minutes ahead.",
                counted(self.out_of_bounds as usize, "sample", "samples")
            )?;
        }
        Ok(())
    }
}

impl ChosenBy {
    fn word(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::ContentType => "content_type",
            Self::EndMark => "end_mark",
            Self::NoEndMark => "no_end_mark",
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Flag => "by --format",
            Self::ContentType => "by its content type",
            Self::EndMark => "it ends with # EOF",
            Self::NoEndMark => "it does not end with # EOF",
        }
    }
}

/// One line for each family, in columns.
fn write_families(f: &mut fmt::Formatter<'_>, families: &[Family]) -> fmt::Result {
    if families.is_empty() {
        return Ok(());
    }
    let name_width = families.iter().map(|family| printable(&family.name).chars().count()).max().unwrap_or(0).max(6);
    let unit_width = families.iter().map(|family| family.unit.chars().count()).max().unwrap_or(0).max(4);
    let mut line = |name: &str, kind: &str, unit: &str, samples: &str| {
        writeln!(f, "{name:<name_width$}  {kind:<14}  {unit:<unit_width$}  {samples:>7}")
    };
    line("FAMILY", "TYPE", "UNIT", "SAMPLES")?;
    for family in families {
        let samples = family.samples.len().to_string();
        line(&printable(&family.name), family.kind.as_str(), &printable(&family.unit), &samples)?;
    }
    writeln!(f)
}

fn word(format: Format) -> &'static str {
    if format == Format::OpenMetrics { "openmetrics" } else { "text" }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The text without what a terminal would act upon.
pub(crate) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '\'' | '\\' => printable.push(character),
            _ => printable.extend(character.escape_debug()),
        }
    }
    printable
}
