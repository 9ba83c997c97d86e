//! Reads the metrics page to check, from a file, standard input or a URL, and determines its format.
use crate::cli::gzip::is_gzip;
use crate::config::serve_args::ServeArgs;
use crate::config::{ConfigError, Settings};
use crate::scrape::fetch::Client;
use crate::scrape::metrics_page::{Answer, MetricsPage, media_type};
use crate::scrape::reader::Reader;
use crate::target::failure::Failure;
use exposition::{Format, Limits};
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, Read};

/// A metrics page, and where its format comes from.
pub(crate) struct Input {
    pub(crate) page: MetricsPage,
    pub(crate) format_source: FormatSource,
}

/// Where the format of a metrics page comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FormatSource {
    /// `--format`
    Flag,
    /// The server's content type.
    ContentType,
    /// The `# EOF` at the end, which OpenMetrics requires.
    EofMarker,
    /// The lack of `# EOF`.
    NoEofMarker,
}

/// Why there is no metrics page to check.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    /// The URL is invalid.
    #[error(transparent)]
    Usage(ConfigError),
    /// The file cannot be read.
    #[error("cannot read it: {0}; give a file, - or a URL that begins with http:// or https://")]
    Read(io::Error),
    /// The file is not valid gzip.
    #[error("cannot decompress it: {0}; give plain text or valid gzip")]
    Decompress(io::Error),
    /// The HTTP client cannot be created.
    #[error("cannot create the HTTP client: {0}")]
    Client(String),
    /// The scrape failed.
    #[error("the scrape failed ({}): {_0}", _0.reason().id())]
    Scrape(Failure),
}

/// Reads the metrics page at `source`. Its format is `format`, or detected.
pub(crate) fn read(source: &str, format: Option<Format>) -> Result<Input, InputError> {
    if source.starts_with("http://") || source.starts_with("https://") {
        let page = scrape(source)?;
        return Ok(Input {
            format_source: if format.is_some() { FormatSource::Flag } else { FormatSource::ContentType },
            page: MetricsPage { format: format.unwrap_or(page.format), ..page },
        });
    }
    let body = match source {
        "-" => read_bounded(io::stdin().lock()),
        path => File::open(path).and_then(read_bounded),
    };
    let body = decompressed(body.map_err(InputError::Read)?).map_err(InputError::Decompress)?;
    let (detected, format_source) = match has_eof_marker(&body) {
        true => (Format::OpenMetrics, FormatSource::EofMarker),
        false => (Format::Text, FormatSource::NoEofMarker),
    };
    let page_format = format.unwrap_or(detected);
    Ok(Input {
        format_source: if format.is_some() { FormatSource::Flag } else { format_source },
        page: MetricsPage { body: body.into(), format: page_format, media_type: media_type(page_format, "") },
    })
}

/// Scrapes `url` as `--target` would.
fn scrape(url: &str) -> Result<MetricsPage, InputError> {
    let args = ServeArgs { targets: vec![url.to_owned()], ..ServeArgs::default() };
    let mut settings = Settings::load(&args).map_err(InputError::Usage)?;
    let target = settings.targets.fixed.pop().ok_or(InputError::Scrape(Failure::Connect))?;
    let client = Client::new(Limits::default().body_bytes).map_err(|error| InputError::Client(error.to_string()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| InputError::Client(error.to_string()))?;
    match runtime.block_on(async { Reader::new(client, target).read().await }) {
        Ok(Answer::Page(page)) => Ok(page),
        // Targets with a URL have metrics pages.
        Ok(Answer::Families(_)) => Err(InputError::Scrape(Failure::ContentType)),
        Err(failure) => Err(InputError::Scrape(failure)),
    }
}

/// Reads up to one byte more than the scraper accepts, which shows that a metrics page exceeds the limit.
fn read_bounded(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(Limits::default().body_bytes as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn decompressed(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
    if is_gzip(&bytes) { read_bounded(MultiGzDecoder::new(&*bytes)) } else { Ok(bytes) }
}

fn has_eof_marker(body: &[u8]) -> bool {
    body.trim_ascii_end().rsplit(|byte| *byte == b'\n').next() == Some(b"# EOF")
}
