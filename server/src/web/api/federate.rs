//! `/federate`: a metrics page with the latest sample of each selected series. Source: Prometheus's `web/federate.go`.
use crate::clock::now_ms;
use crate::web::accept_encoding::accepts_encoding;
use crate::web::api::bad_parameter;
use crate::web::api::body::CountedMemory;
use crate::web::api::compress::{PIECE_BYTES, Pieces, streamed};
use crate::web::api::evaluator::{Evaluator, MAX_QUERY_TIME, Work, api_error};
use crate::web::api::parameters::Params;
use crate::web::api::series::{MATCH, selected};
use crate::web::api::text_response::{VARY_PAGE, encoding, text_error};
use axum::extract::{Request, State};
use axum::response::Response;
use exposition::{Encoding, Family, Kind, Sample, Timestamp, write_part};
use prometheus_api::ApiError;
use promql::{Labels, METRIC_NAME, Selector, is_stale};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

/// How many alternatives of a selector are looked up at once.
const ALTERNATIVES_AT_ONCE: usize = 16;

/// About what a sample takes before it is written.
const SAMPLE_BYTES: usize = 64;

/// Bytes of labels that series mostly share. Longer ones are counted, as the store may have unpacked them for the answer.
const SHORT_LABEL_BYTES: usize = 512;

/// How many samples are found between two checks of the memory.
const BETWEEN_CHECKS: usize = 512;

const ADVICE: &str = "select fewer series with match[]";

/// `/federate?match[]=…`
pub(crate) async fn federate(State(evaluator): State<Arc<Evaluator>>, request: Request) -> Response {
    let gzip = accepts_encoding(request.headers(), "gzip");
    let (encoding, peer) = (encoding(request.headers()), evaluator.peer_of(&request));
    let params = match Params::read(request).await {
        Ok(params) => params,
        Err(response) => return response,
    };
    let response = async {
        if params.all(MATCH).next().is_none() {
            return Err(bad_parameter(MATCH, "give at least one selector, such as match[]={job=\"vllm\"}"));
        }
        let work = evaluator.run(Arc::clone(&peer), Instant::now() + MAX_QUERY_TIME, move |work| {
            let selected = selected(work, &params)?;
            let mut latest = LatestSamples::find(work, &selected.selector)?;
            latest.sort(encoding);
            Ok(Page { latest, encoding, next: 0 })
        });
        streamed(&peer, encoding.content_type(), VARY_PAGE, gzip, work.await?)
    };
    response.await.unwrap_or_else(|error| text_error(&error))
}

/// The latest sample of a series.
struct LatestSample {
    labels: Labels,
    time_ms: i64,
    value: f64,
}

impl LatestSample {
    /// The metric's name as it is written on the page.
    fn name(&self, encoding: Encoding) -> Cow<'_, str> {
        encoding.encoded_name(self.labels.metric_name().unwrap_or_default())
    }

    /// The order of names on the page. Most neighbours have the same one.
    fn cmp_name(&self, other: &Self, encoding: Encoding) -> Ordering {
        if self.labels.metric_name() == other.labels.metric_name() {
            return Ordering::Equal;
        }
        self.name(encoding).cmp(&other.name(encoding))
    }
}

/// Samples with the memory that they take.
struct LatestSamples {
    samples: Vec<LatestSample>,
    /// Whether a series may be there more than once.
    may_repeat: bool,
    _memory: CountedMemory,
}

impl LatestSamples {
    /// Those of the series that `selector` selects, in no order and perhaps more than once.
    fn find(work: &Work<'_>, selector: &Selector) -> Result<Self, ApiError> {
        let until_ms = now_ms();
        let after_ms = until_ms - work.options.lookback_ms;
        let mut memory = CountedMemory::new(&work.peer.memory)?;
        let (mut samples, mut label_bytes, mut outcome) = (Vec::new(), 0, Ok(()));
        for alternatives in selector.any_of.chunks(ALTERNATIVES_AT_ONCE) {
            let selector = Selector { any_of: alternatives.to_vec() };
            let read = work.evaluator.storage.select_latest(&selector, after_ms, until_ms, &mut |labels, column| {
                if let (Some(&time_ms), Some(&value)) = (column.times_ms.last(), column.values.last())
                    && !is_stale(value)
                {
                    label_bytes += labels.text_bytes().saturating_sub(SHORT_LABEL_BYTES);
                    samples.push(LatestSample { labels: labels.clone(), time_ms, value });
                }
                if samples.len() % BETWEEN_CHECKS == 0 {
                    let counted = memory.grow_to(samples.capacity() * SAMPLE_BYTES + label_bytes);
                    outcome = counted.and_then(|()| work.check_interrupt(ADVICE));
                }
                if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            });
            read.map_err(|error| api_error(&error.into()))?;
            std::mem::replace(&mut outcome, Ok(()))?;
            work.check_interrupt(ADVICE)?;
        }
        Ok(Self { samples, may_repeat: selector.any_of.len() > ALTERNATIVES_AT_ONCE, _memory: memory })
    }

    /// Sorts the samples by their names on the page, each series once.
    fn sort(&mut self, encoding: Encoding) {
        if self.may_repeat {
            self.samples.sort_unstable_by(|a, b| a.labels.cmp(&b.labels));
            self.samples.dedup_by(|a, b| a.labels == b.labels);
        }
        self.samples.sort_by(|a, b| a.cmp_name(b, encoding));
    }
}

/// How many samples of a family are written at once.
const SAMPLES_AT_ONCE: usize = 256;

/// The page, which is written while it is sent.
struct Page {
    /// Sorted by their names on the page.
    latest: LatestSamples,
    encoding: Encoding,
    /// The first sample that is not written yet.
    next: usize,
}

impl Pieces for Page {
    fn write_next(&mut self, out: &mut Vec<u8>) -> bool {
        let encoding = self.encoding;
        let mut text = String::new();
        while text.len() < PIECE_BYTES {
            let rest = self.latest.samples.get(self.next..).unwrap_or_default();
            let rest = rest.get(..SAMPLES_AT_ONCE).unwrap_or(rest);
            let Some(samples) = rest.chunk_by(|a, b| a.cmp_name(b, encoding).is_eq()).next() else {
                text.push_str(encoding.eof_marker());
                out.extend_from_slice(text.as_bytes());
                return false;
            };
            let previous = self.next.checked_sub(1).and_then(|at| self.latest.samples.get(at));
            let is_continued = samples.first().zip(previous).is_some_and(|(a, b)| a.cmp_name(b, encoding).is_eq());
            self.next += samples.len();
            let start = text.len();
            write_part(&[family(samples, encoding)], encoding, &mut text);
            if is_continued {
                drop_metadata(&mut text, start);
            }
        }
        out.extend_from_slice(text.as_bytes());
        true
    }
}

/// Removes the lines from `start` on that are about the family, which has them already.
fn drop_metadata(text: &mut String, start: usize) {
    let part = text.get(start..).unwrap_or_default();
    let lines = part.split_inclusive('\n').take_while(|line| line.starts_with('#'));
    let end = start + lines.map(str::len).sum::<usize>();
    text.replace_range(start..end, "");
}

/// The family of these samples, which share one name. Its type is unknown, because the store has none.
fn family(samples: &[LatestSample], encoding: Encoding) -> Family {
    let name = samples.first().map(|first| first.name(encoding).into_owned()).unwrap_or_default();
    let samples = samples.iter().map(|LatestSample { labels, time_ms, value }| Sample {
        name: name.clone(),
        labels: page_labels(labels),
        value: *value,
        timestamp: Some(Timestamp::from_ms(*time_ms)),
        exemplar: None,
    });
    let samples = samples.collect();
    Family { name, kind: Kind::Unknown, help: String::new(), unit: String::new(), samples }
}

/// All labels but the name. An empty `instance` keeps the scraper from adding its own to a series that has none.
fn page_labels(labels: &Labels) -> Vec<(String, String)> {
    let instance = labels.get("instance").is_none().then_some(("instance", ""));
    let others = labels.iter().filter(|(name, _)| *name != METRIC_NAME);
    others.chain(instance).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::peers::Peers;
    use std::net::Ipv4Addr;

    #[test]
    fn a_page_in_pieces_is_the_page() {
        let peer = Peers::new(1, 256 << 20).at(Ipv4Addr::LOCALHOST.into());
        for accept in ["text/plain;version=0.0.4", "application/openmetrics-text"] {
            let encoding = Encoding::from_accept(accept);
            let sample = |number: usize| LatestSample {
                labels: Labels::from_pairs([
                    ("__name__", format!("m{}", number / 1000)),
                    ("n", format!("{number:05}")),
                ]),
                time_ms: 1000,
                value: number as f64,
            };
            let samples: Vec<_> = (0..3500).map(sample).collect();
            let families: Vec<_> = samples.chunks(1000).map(|samples| family(samples, encoding)).collect();
            let mut whole = String::new();
            write_part(&families, encoding, &mut whole);
            whole.push_str(encoding.eof_marker());
            let latest =
                LatestSamples { samples, may_repeat: false, _memory: CountedMemory::new(&peer.memory).expect("room") };
            let (mut page, mut pieces, mut has_more) = (Page { latest, encoding, next: 0 }, Vec::new(), true);
            while has_more {
                let mut piece = Vec::new();
                has_more = page.write_next(&mut piece);
                assert!(piece.len() < 2 * PIECE_BYTES, "{}", piece.len());
                pieces.extend(piece);
            }
            assert_eq!(String::from_utf8(pieces).expect("text"), whole);
        }
    }
}
