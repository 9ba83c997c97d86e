//! The page to check: from a file, standard input or a URL, and the format it is to be read in.
use crate::cli::args::ServeArgs;
use crate::config::{ConfigError, Settings};
use crate::scrape::fetch::Client;
use crate::scrape::metrics_page::{Answer, MetricsPage};
use crate::scrape::reader::Reader;
use crate::target::failure::Failure;
use exposition::{Format, Limits};
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io;
use std::io::Read;

/// What every gzip file begins with (RFC 1952, section 2.3.1).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// A page and why it is read in its format.
pub(crate) struct Input {
    pub(crate) page: MetricsPage,
    pub(crate) chosen_by: ChosenBy,
}

/// Why a page is read in its format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ChosenBy {
    /// `--format`
    Flag,
    /// The server said so.
    ContentType,
    /// The page ends with `# EOF`, as OpenMetrics does.
    EndMark,
    /// It does not.
    NoEndMark,
}

/// No page.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    /// The URL is none that can be scraped.
    #[error(transparent)]
    Usage(ConfigError),
    /// The file cannot be read.
    #[error("cannot be read: {0}; give a file, - or a URL that begins with http:// or https://")]
    Read(io::Error),
    /// The file is broken gzip.
    #[error("cannot be unpacked: {0}; give the page as it is, or packed by gzip")]
    Unpack(io::Error),
    /// There is no HTTP client.
    #[error("cannot be asked: {0}")]
    Client(String),
    /// The scrape fails before the page is read.
    #[error("the scrape fails ({}): {_0}", _0.reason().id())]
    Scrape(Failure),
}

/// Reads the page that `source` names, in `format` or else in the one that fits.
pub(crate) fn read(source: &str, format: Option<Format>) -> Result<Input, InputError> {
    if source.starts_with("http://") || source.starts_with("https://") {
        let page = scraped(source)?;
        return Ok(Input {
            chosen_by: if format.is_some() { ChosenBy::Flag } else { ChosenBy::ContentType },
            page: MetricsPage { format: format.unwrap_or(page.format), ..page },
        });
    }
    let body = match source {
        "-" => bounded(io::stdin().lock()),
        path => File::open(path).and_then(bounded),
    };
    let body = unpacked(body.map_err(InputError::Read)?).map_err(InputError::Unpack)?;
    let (fitting, why) = by_ending(&body);
    Ok(Input {
        chosen_by: if format.is_some() { ChosenBy::Flag } else { why },
        page: MetricsPage { body: body.into(), format: format.unwrap_or(fitting), content_type: None },
    })
}

/// The page of the target that `url` would be, asked for as the scraper asks.
fn scraped(url: &str) -> Result<MetricsPage, InputError> {
    let args = ServeArgs { targets: vec![url.to_owned()], ..ServeArgs::default() };
    let mut settings = Settings::load(&args).map_err(InputError::Usage)?;
    let target = settings.sources.targets.pop().ok_or(InputError::Scrape(Failure::Connect))?;
    let client = Client::new(Limits::default().body_bytes).map_err(|error| InputError::Client(error.to_string()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| InputError::Client(error.to_string()))?;
    match runtime.block_on(async { Reader::new(client, target).read().await }) {
        Ok(Answer::Page(page)) => Ok(page),
        // A URL is a target with a metrics page.
        Ok(Answer::Families(_)) => Err(InputError::Scrape(Failure::ContentType)),
        Err(failure) => Err(InputError::Scrape(failure)),
    }
}

/// At most one byte more than the scraper takes, so that a page beyond the limit is told from one at it.
fn bounded(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(Limits::default().body_bytes as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unpacked(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
    if bytes.starts_with(&GZIP_MAGIC) { bounded(MultiGzDecoder::new(&*bytes)) } else { Ok(bytes) }
}

fn by_ending(body: &[u8]) -> (Format, ChosenBy) {
    if body.trim_ascii_end().rsplit(|byte| *byte == b'\n').next() == Some(b"# EOF") {
        (Format::OpenMetrics, ChosenBy::EndMark)
    } else {
        (Format::Text, ChosenBy::NoEndMark)
    }
}
