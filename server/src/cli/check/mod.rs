//! `inferboard-server check`: reports what a scrape would store of a metrics page, and all of its errors.
pub(crate) mod advice;
pub mod coverage;
pub mod input;
pub mod proposals;
pub mod report;
pub(crate) mod target;
pub mod trial;

use crate::cli::check::coverage::Coverage;
use crate::cli::check::input::{Input, InputError, Request};
use crate::cli::check::report::{PageError, Report, ReportedFormat, advice_text};
use crate::cli::export::add_own_names;
use crate::terminal::{json, one_line, print, print_error};
use clap::{Args, ValueEnum};
use exposition::{Format, lint};
use std::path::PathBuf;
use std::process::ExitCode;

/// The maximum number of errors that are listed. Further ones are counted.
const MAX_ERRORS: usize = 20;

/// The exit codes for a valid metrics page, for an invalid or unreadable one, and for invalid usage.
const VALID: u8 = 0;
const INVALID: u8 = 1;
const USAGE: u8 = 2;

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Metrics page: a file, plain or gzip, - for standard input, or a URL, whose path defaults to /metrics
    #[arg(value_name = "FILE|URL")]
    page: String,
    /// Format of the metrics page, whatever its content type; by default a URL's content type, or OpenMetrics for a file
    /// that ends with # EOF
    #[arg(long, value_enum)]
    format: Option<PageFormat>,
    /// Configuration file of the companion, from which the metrics of your own are read, and the credentials and other
    /// keys of the target with this URL
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Line of [[targets]] in the configuration, such as 'sample_limit = 60000' (repeatable)
    #[arg(long, value_name = "LINE")]
    set: Vec<String>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// The values of `--format`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum PageFormat {
    /// Prometheus text format
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

/// Prints the report to standard output. The exit code says whether the metrics page is valid.
pub fn run(args: &CheckArgs) -> ExitCode {
    if let Err(error) = add_own_names(args.config.as_deref()) {
        print_error(format_args!("error: {error}"));
        return ExitCode::from(USAGE);
    }
    let request = Request {
        source: &args.page,
        format: args.format.map(Format::from),
        config: args.config.as_deref(),
        set: &args.set,
    };
    let report = match input::read(request) {
        Ok(input) => report(&args.page, input),
        Err(InputError::Usage(error)) => {
            print_error(format_args!("error: {error}"));
            return ExitCode::from(USAGE);
        }
        Err(error) => {
            if !args.json {
                print_error(format_args!("error: {}: {error}", one_line(&args.page)));
                if let InputError::Scrape { advice, .. } = &error
                    && !advice.is_empty()
                {
                    print_error(advice_text(advice).trim_end());
                }
                return ExitCode::from(INVALID);
            }
            Report::unreadable(&args.page, &error)
        }
    };
    let text = if args.json { json(&report.to_json()).into_owned() } else { report.to_string() };
    print(&text);
    ExitCode::from(if report.errors.is_empty() { VALID } else { INVALID })
}

fn report(source: &str, input: Input) -> Report {
    let Input { page, format_source, warnings } = input;
    let lint = lint(&page.body, page.format, &page.limits, MAX_ERRORS);
    let mut errors: Vec<PageError> = lint.errors.iter().map(PageError::from).collect();
    let mut stored = None;
    if errors.is_empty() {
        match trial::scrape(&page) {
            Ok(outcome) => stored = Some(outcome),
            Err(failure) => errors.push(PageError::of_page(failure)),
        }
    }
    let advice = if errors.is_empty() { Vec::new() } else { advice::limits(&page, page.format) };
    Report {
        source: source.to_owned(),
        warnings,
        advice,
        format: Some(ReportedFormat { format: page.format, source: format_source }),
        size_bytes: page.body.len(),
        coverage: Coverage::of(&lint.families),
        families: lint.families,
        errors,
        more_errors: lint.more_errors,
        stored,
    }
}
