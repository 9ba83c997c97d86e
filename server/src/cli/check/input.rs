//! Reads the metrics page to check, from a file, standard input or a URL, and determines its format.
use crate::cli::check::advice;
use crate::cli::check::target::CheckedTarget;
use crate::cli::gzip::is_gzip;
use crate::config::ConfigError;
use crate::config::access::page::HIGHEST;
use crate::scrape::fetch::Client;
use crate::scrape::metrics_page::{Answer, MetricsPage, media_type};
use crate::scrape::reader::Reader;
use crate::target::access::Access;
use crate::target::error_causes::with_presented_names;
use crate::target::failure::Failure;
use crate::target::{Endpoint, Source, Target};
use exposition::{Format, Limits};
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

/// What to check.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    /// A file, `-` or a URL.
    pub(crate) source: &'a str,
    /// The format, if it is given.
    pub(crate) format: Option<Format>,
    /// The configuration, if it is given.
    pub(crate) config: Option<&'a Path>,
    /// Lines of `[[targets]]`.
    pub(crate) set: &'a [String],
}

/// A metrics page, and where its format comes from.
pub(crate) struct Input {
    pub(crate) page: MetricsPage,
    pub(crate) format_source: FormatSource,
    /// What is worth knowing, as sentences.
    pub(crate) warnings: Vec<String>,
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
    #[error("the scrape failed ({}): {failure}", failure.reason().id())]
    Scrape {
        /// Why.
        failure: Failure,
        /// Lines of the configuration that would help.
        advice: Vec<String>,
    },
}

/// Reads the metrics page. Its format is the given one, or detected.
pub(crate) fn read(request: Request<'_>) -> Result<Input, InputError> {
    let Request { source, format, config, set } = request;
    if source.starts_with("http://") || source.starts_with("https://") {
        let CheckedTarget { target, warnings } = CheckedTarget::new(source, config, set).map_err(InputError::Usage)?;
        let page = scrape(target, format)?;
        return Ok(Input {
            format_source: if format.is_some() { FormatSource::Flag } else { FormatSource::ContentType },
            page: MetricsPage { format: format.unwrap_or(page.format), ..page },
            warnings,
        });
    }
    // The limits of a file are those that its URL would have.
    let CheckedTarget { target, .. } = CheckedTarget::new("http://localhost", None, set).map_err(InputError::Usage)?;
    let limits = target.source.endpoint().map(|endpoint| endpoint.access.limits).unwrap_or_default();
    let max_bytes = limits.body_bytes as u64 + 1;
    let body = match source {
        "-" => read_bounded(io::stdin().lock(), max_bytes),
        path => File::open(path).and_then(|file| read_bounded(file, max_bytes)),
    };
    let body = decompressed(body.map_err(InputError::Read)?, max_bytes).map_err(InputError::Decompress)?;
    let (detected, format_source) = match has_eof_marker(&body) {
        true => (Format::OpenMetrics, FormatSource::EofMarker),
        false => (Format::Text, FormatSource::NoEofMarker),
    };
    let page_format = format.unwrap_or(detected);
    Ok(Input {
        format_source: if format.is_some() { FormatSource::Flag } else { format_source },
        page: MetricsPage { body: body.into(), format: page_format, media_type: media_type(page_format, ""), limits },
        warnings: Vec::new(),
    })
}

/// Scrapes `target`, as the companion would. A given format is also that of a page without a content type.
fn scrape(target: Target, format: Option<Format>) -> Result<MetricsPage, InputError> {
    let client = Client::new(Limits::default().body_bytes).map_err(|error| InputError::Client(error.to_string()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| InputError::Client(error.to_string()))?;
    let Target { source, identity, pace } = target;
    // Targets with a URL have an endpoint, and metrics pages.
    let Source::Http(endpoint) = source else { return Err(failed(Failure::ContentType, Vec::new())) };
    let own_limits = endpoint.access.limits;
    let read_from = |endpoint: Endpoint| {
        let target = Target { source: Source::Http(endpoint), identity: identity.clone(), pace };
        let (answer, presented) = runtime
            .block_on(with_presented_names(async { Reader::new(client.clone(), Arc::new(target)).read().await }));
        match answer {
            Ok(Answer::Page(page)) => Ok(page),
            Ok(Answer::Families(_)) => Err((Failure::ContentType, presented)),
            Err(failure) => Err((failure, presented)),
        }
    };
    let read = |change: &dyn Fn(&mut Access)| read_from(endpoint.with(change));
    // What the page would need is told from the whole of it, whatever its content type.
    let whole = || {
        let page = read(&|access| (access.limits, access.fallback) = (HIGHEST, Some(Format::Text)));
        page.ok().map(|page| MetricsPage { limits: own_limits, ..page })
    };
    let page = read(&|access| access.fallback = format.or(access.fallback));
    page.map_err(|(failure, presented)| {
        let advice = match failure {
            Failure::ContentType => whole().map(|page| {
                let format = if has_eof_marker(&page.body) { Format::OpenMetrics } else { Format::Text };
                advice::fallback(&page, format)
            }),
            Failure::Broken | Failure::Status { code: 400, .. } => encrypted(&endpoint).and_then(|endpoint| {
                let line = format!("url = {:?}", endpoint.url.as_str());
                let failure = read_from(endpoint).err().map(|(failure, _)| failure);
                failure.is_none_or(Failure::is_of_https).then(|| vec![line])
            }),
            Failure::BodyLimit => whole().map(|page| advice::limits(&page, page.format)),
            _ => Some(advice::after(failure, &presented)),
        };
        failed(failure, advice.unwrap_or_default())
    })
}

/// The same endpoint at `https`; none if it is there already.
fn encrypted(endpoint: &Endpoint) -> Option<Endpoint> {
    let mut url = endpoint.url.clone();
    url.set_scheme("https").ok().filter(|()| endpoint.url.scheme() == "http")?;
    // The port stays, also where it is that of `http`.
    url.set_port(endpoint.url.port_or_known_default()).ok()?;
    Some(Endpoint { url, access: Arc::clone(&endpoint.access) })
}

fn failed(failure: Failure, advice: Vec<String>) -> InputError {
    InputError::Scrape { failure, advice }
}

/// Reads up to `max_bytes`, one more than the scraper accepts: that shows that a metrics page exceeds the limit.
fn read_bounded(from: impl Read, max_bytes: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(max_bytes).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn decompressed(bytes: Vec<u8>, max_bytes: u64) -> io::Result<Vec<u8>> {
    if is_gzip(&bytes) { read_bounded(MultiGzDecoder::new(&*bytes), max_bytes) } else { Ok(bytes) }
}

fn has_eof_marker(body: &[u8]) -> bool {
    body.trim_ascii_end().rsplit(|byte| *byte == b'\n').next() == Some(b"# EOF")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_keeps_its_port_at_https() {
        let url_of = |url: &str| {
            let endpoint = Endpoint::open(url.parse().expect("a URL"));
            encrypted(&endpoint).map(|endpoint| endpoint.url.to_string())
        };
        assert_eq!(url_of("http://gpu:8000/metrics").as_deref(), Some("https://gpu:8000/metrics"));
        assert_eq!(url_of("http://gpu/metrics").as_deref(), Some("https://gpu:80/metrics"));
        assert_eq!(url_of("https://gpu/metrics"), None);
    }
}
