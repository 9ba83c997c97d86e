//! `inferboard-server check`: what the scraper would make of a page, and everything that is wrong with it.
pub mod coverage;
pub mod input;
pub mod report;
pub mod trial;

use crate::cli::check::coverage::Shown;
use crate::cli::check::input::{Input, InputError};
use crate::cli::check::report::{Refusal, Report};
use clap::{Args, ValueEnum};
use exposition::{Format, Limits, lint};
use std::io::Write as _;
use std::process::ExitCode;

/// The most refusals that are listed; the others are counted.
const MOST_REFUSALS: usize = 20;

/// Exit codes: all of the page would be stored, none of it, and a command that cannot be meant.
const STORED: u8 = 0;
const REFUSED: u8 = 1;
const USAGE: u8 = 2;

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// A metrics page: a file (gzip too), - for standard input, or a URL; without a path, /metrics
    #[arg(value_name = "FILE|URL")]
    page: String,
    /// Read the page in this format; else by the content type of a URL, and by whether a file ends with # EOF
    #[arg(long, value_enum)]
    format: Option<PageFormat>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The formats by the names that the command has for them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum PageFormat {
    /// Prometheus text, as real servers print it
    Text,
    /// OpenMetrics 1.0
    Openmetrics,
}

impl From<PageFormat> for Format {
    fn from(format: PageFormat) -> Self {
        match format {
            PageFormat::Text => Self::Text,
            PageFormat::Openmetrics => Self::OpenMetrics,
        }
    }
}

/// Runs the command: the report goes to standard output; 0 where the page would be stored, 1 where it would not.
pub fn run(args: &CheckArgs) -> ExitCode {
    let report = match input::read(&args.page, args.format.map(Format::from)) {
        Ok(input) => examined(&args.page, input),
        Err(InputError::Usage(error)) => {
            eprintln!("error: {error}");
            return ExitCode::from(USAGE);
        }
        Err(error) => {
            if !args.json {
                eprintln!("error: {}: {error}", report::printable(&args.page));
                return ExitCode::from(REFUSED);
            }
            Report::unread(&args.page, &error)
        }
    };
    let text = if args.json { report.to_json() } else { report.to_string() };
    // Whoever closed the pipe has seen enough.
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::from(if report.refused.is_empty() { STORED } else { REFUSED })
}

fn examined(source: &str, input: Input) -> Report {
    let Input { page, chosen_by } = input;
    let examined = lint(&page.body, page.format, &Limits::default(), MOST_REFUSALS);
    let mut refused: Vec<Refusal> = examined.errors.iter().map(Refusal::from).collect();
    let mut stored = None;
    if refused.is_empty() {
        match trial::scrape(&page) {
            Ok(outcome) => stored = Some(outcome),
            Err(failure) => refused.push(Refusal::of_page(failure)),
        }
    }
    Report {
        source: source.to_owned(),
        format: Some((page.format, chosen_by)),
        size_bytes: page.body.len(),
        shown: Shown::of(&examined.families),
        families: examined.families,
        refused,
        more_refused: examined.more_errors,
        stored,
    }
}
