//! The report of a check, as text and as JSON.
use crate::cli::check::coverage::{Coverage, DetectedEngine};
use crate::cli::check::input::{FormatSource, InputError};
use crate::cli::check::trial::Stored;
use crate::own_names::to_json;
use crate::terminal::one_line;
use exposition::{Family, Format, ParseError};
use serde_json::json;
use std::fmt;

/// The result of checking one metrics page.
#[derive(Debug)]
pub(crate) struct Report {
    /// The file or URL, as given.
    pub(crate) source: String,
    /// None if the metrics page could not be read.
    pub(crate) format: Option<ReportedFormat>,
    pub(crate) size_bytes: usize,
    /// The families of the valid lines.
    pub(crate) families: Vec<Family>,
    /// The errors of the metrics page. If there are none, it would be stored.
    pub(crate) errors: Vec<PageError>,
    /// How many further errors there are.
    pub(crate) more_errors: usize,
    /// What would be stored, if there are no errors.
    pub(crate) stored: Option<Stored>,
    /// What the web page can show of the valid lines.
    pub(crate) coverage: Coverage,
    /// What is worth knowing, as sentences.
    pub(crate) warnings: Vec<String>,
    /// Lines of the target in the configuration with which the page would be stored.
    pub(crate) advice: Vec<String>,
}

/// The format of a metrics page, and where it comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReportedFormat {
    pub(crate) format: Format,
    pub(crate) source: FormatSource,
}

/// An error in a metrics page. One is enough to reject the whole page.
#[derive(Debug)]
pub(crate) struct PageError {
    /// None if the error is about the metrics page as a whole.
    position: Option<Position>,
    reason: String,
}

/// A line, and a byte in it, both from 1.
#[derive(Clone, Copy, Debug)]
struct Position {
    line: usize,
    column: usize,
}

impl PageError {
    pub(crate) fn of_page(reason: impl fmt::Display) -> Self {
        Self { position: None, reason: reason.to_string() }
    }
}

impl From<&ParseError> for PageError {
    fn from(ParseError { line, column, kind }: &ParseError) -> Self {
        Self { position: Some(Position { line: *line, column: *column }), reason: kind.to_string() }
    }
}

impl Report {
    /// The report of a metrics page that could not be read.
    pub(crate) fn unreadable(source: &str, error: &InputError) -> Self {
        Self {
            source: source.to_owned(),
            format: None,
            size_bytes: 0,
            families: Vec::new(),
            errors: vec![PageError::of_page(error)],
            more_errors: 0,
            stored: None,
            coverage: Coverage::default(),
            warnings: Vec::new(),
            advice: match error {
                InputError::Scrape { advice, .. } => advice.clone(),
                _ => Vec::new(),
            },
        }
    }

    /// The report as one JSON object and a line feed.
    pub(crate) fn to_json(&self) -> String {
        let families = self.families.iter().map(|family| {
            let samples = family.samples.len();
            json!({ "name": family.name, "type": family.kind.as_str(), "unit": family.unit, "samples": samples })
        });
        let errors = self.errors.iter().map(|PageError { position, reason }| {
            let (line, column) = position.map(|Position { line, column }| (line, column)).unzip();
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
            .coverage
            .engines
            .iter()
            .map(|DetectedEngine { id, title, version }| json!({ "id": id, "title": title, "version": version }));
        let report = json!({
            "source": self.source,
            "format": self.format.map(|format| format_id(format.format)),
            "format_by": self.format.map(|format| format.source.id()),
            "size_bytes": self.size_bytes,
            "families": families.collect::<Vec<_>>(),
            "stored": stored,
            "refused": errors.collect::<Vec<_>>(),
            "more_refused": self.more_errors,
            "engines": engines.collect::<Vec<_>>(),
            "graphs": self.coverage.graphs,
            "unclaimed": self.coverage.unclaimed,
            "proposed_metrics": to_json(&self.coverage.proposals),
            "warnings": self.warnings,
            "advice": self.advice,
        });
        format!("{report}\n")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(ReportedFormat { format, source: format_source }) = self.format {
            let name = if format == Format::OpenMetrics { "OpenMetrics" } else { "Prometheus text" };
            let source = one_line(&self.source);
            writeln!(f, "{source}: {name} ({}), {} bytes\n", format_source.reason(), self.size_bytes)?;
        }
        for warning in &self.warnings {
            writeln!(f, "Warning: {}\n", one_line(warning))?;
        }
        write_families(f, &self.families)?;
        write!(f, "{}", self.coverage)?;
        match &self.stored {
            Some(stored) => write!(f, "{stored}"),
            None => self.write_errors(f),
        }?;
        write!(f, "{}", advice_text(&self.advice))
    }
}

impl Report {
    fn write_errors(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = count_of(self.errors.len() + self.more_errors, "error was", "errors were");
        writeln!(f, "Nothing would be stored: a scrape is all or nothing, and {found} found.")?;
        for PageError { position, reason } in &self.errors {
            match position {
                Some(Position { line, column }) => {
                    writeln!(f, "  line {line}, column {column}: {}", one_line(reason))?;
                }
                None => writeln!(f, "  {}", one_line(reason))?,
            }
        }
        if self.more_errors > 0 {
            writeln!(f, "  and {} more", self.more_errors)?;
        }
        Ok(())
    }
}

impl fmt::Display for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let samples_of = |count: u64| count_of(count as usize, "sample", "samples");
        let all = if self.duplicates + self.out_of_bounds == 0 { "All would" } else { "Would" };
        let labels: Vec<_> =
            self.labels.iter().map(|(name, value)| format!("{name}=\"{}\"", one_line(value))).collect();
        let (samples, series) = (samples_of(self.samples), self.series);
        writeln!(f, "{all} be stored: {samples} of {series} series, labelled {}.", labels.join(", "))?;
        if self.duplicates > 0 {
            let samples = samples_of(self.duplicates);
            writeln!(f, "Left out: {samples} of series that appear earlier on the metrics page.")?;
        }
        if self.out_of_bounds > 0 {
            let samples = samples_of(self.out_of_bounds);
            writeln!(f, "Left out: {samples} with a timestamp more than 1 hour ago or 10 minutes ahead.")?;
        }
        Ok(())
    }
}

impl FormatSource {
    fn id(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::ContentType => "content_type",
            Self::EofMarker => "end_mark",
            Self::NoEofMarker => "no_end_mark",
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Flag => "by --format",
            Self::ContentType => "by its content type",
            Self::EofMarker => "it ends with # EOF",
            Self::NoEofMarker => "it does not end with # EOF",
        }
    }
}

/// Writes the families in columns, one a line.
fn write_families(f: &mut fmt::Formatter<'_>, families: &[Family]) -> fmt::Result {
    if families.is_empty() {
        return Ok(());
    }
    let name_width = families.iter().map(|family| one_line(&family.name).chars().count()).max().unwrap_or(0).max(6);
    let unit_width = families.iter().map(|family| family.unit.chars().count()).max().unwrap_or(0).max(4);
    let mut line = |name: &str, kind: &str, unit: &str, samples: &str| {
        writeln!(f, "{name:<name_width$}  {kind:<14}  {unit:<unit_width$}  {samples:>7}")
    };
    line("FAMILY", "TYPE", "UNIT", "SAMPLES")?;
    for family in families {
        let samples = family.samples.len().to_string();
        line(&one_line(&family.name), family.kind.as_str(), &one_line(&family.unit), &samples)?;
    }
    writeln!(f)
}

/// Lines to write, with where; empty if there are none.
pub(crate) fn advice_text(lines: &[String]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let lines: String = lines.iter().map(|line| format!("  {line}\n")).collect();
    format!("\nWhat would help, in the target's entry of the configuration, or here with --set:\n\n{lines}")
}

fn format_id(format: Format) -> &'static str {
    if format == Format::OpenMetrics { "openmetrics" } else { "text" }
}

fn count_of(count: usize, singular: &str, plural: &str) -> String {
    format!("{count} {}", if count == 1 { singular } else { plural })
}
