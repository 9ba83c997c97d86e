//! The linter: every error of a metrics page, not only the first.
use crate::error::{ErrorKind, ParseError};
use crate::family::Family;
use crate::format::Format;
use crate::grouping::Grouping;
use crate::limits::Limits;
use crate::line::sample::LabelBuffers;
use crate::parse::{Parser, add_line};

/// The families and the errors of a metrics page.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct LintReport {
    /// The families of the valid lines, as [`parse`](crate::parse) returns them.
    pub families: Vec<Family>,
    /// The first errors, in the page's order; empty for a page that is accepted. One error can cause another.
    pub errors: Vec<ParseError>,
    /// How many errors follow those.
    pub more_errors: usize,
}

/// Parses a metrics page, continuing at the next line after an error, and lists the first `max_errors` errors. This is
/// for people who fix a page; a scrape takes a page as a whole or not at all, with [`parse`](crate::parse). Linting stops
/// at the sample limit, and does not start on a page that is too long or not UTF-8.
pub fn lint(body: &[u8], format: Format, limits: &Limits, max_errors: usize) -> LintReport {
    let mut report = LintReport::default();
    let mut parser = match Parser::new(body, format, limits) {
        Ok(parser) => parser,
        Err(error) => {
            report.add(error, max_errors);
            return report;
        }
    };
    let mut buffers = LabelBuffers::default();
    let mut grouping = Grouping::new(format);
    loop {
        let is_last = parser.rest().is_empty();
        match parser.next_line(&mut buffers) {
            Ok(Some(line)) => add_line(line, &buffers, &mut grouping),
            Ok(None) => break,
            Err(error) => {
                let is_final = is_last || matches!(error.kind, ErrorKind::SampleLimit { .. });
                report.add(error, max_errors);
                if is_final {
                    break;
                }
            }
        }
    }
    report.families = grouping.into_families();
    report
}

impl LintReport {
    fn add(&mut self, error: ParseError, max_errors: usize) {
        if self.errors.len() < max_errors {
            self.errors.push(error);
        } else {
            self.more_errors += 1;
        }
    }
}
