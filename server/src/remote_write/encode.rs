//! The body of a request: the message of Remote-Write 1.0 or 2.0, compressed with snappy.
//! Sources: Prometheus's `prompb/remote.proto`, `prompb/types.proto` and `prompb/io/prometheus/write/v2/types.proto`.
use crate::remote_write::protobuf::{write_double, write_integer, write_message, write_text, write_varint};
use crate::remote_write::series::{SeriesSamples, by_series, with_external};
use crate::remote_write::settings::MessageVersion;
use crate::scrape::metadata::{Description, Metadata};
use bytes::Bytes;
use exposition::Kind;
use std::collections::HashMap;
use tsdb::QueueSample;

/// A body, and what is in it.
#[derive(Clone, Debug)]
pub(super) struct EncodedRequest {
    pub(super) body: Bytes,
    pub(super) samples: u64,
    /// The newest of its times, in Unix milliseconds.
    pub(super) newest_ms: i64,
}

/// The request with these samples; none if it would be too long for snappy, whose limit is 4 GiB.
pub(super) fn encode_samples(
    message: MessageVersion,
    samples: &[QueueSample],
    external: &[(String, String)],
    metadata: &Metadata,
) -> Option<EncodedRequest> {
    let series = by_series(samples);
    let raw = match message {
        MessageVersion::V1 => first_version(&series, external),
        MessageVersion::V2 => second_version(&series, external, metadata),
    };
    let newest_ms = samples.iter().map(|sample| sample.time_ms).max().unwrap_or_default();
    Some(EncodedRequest { body: compressed(&raw)?, samples: samples.len() as u64, newest_ms })
}

/// The request of Remote-Write 1.0 with the metadata of families; none if it is too long.
pub(super) fn encode_metadata(families: &[(String, Description)]) -> Option<Bytes> {
    let mut raw = Vec::new();
    for (name, Description { kind, help, unit }) in families {
        write_message(&mut raw, 3, |out| {
            write_integer(out, 1, type_number(*kind));
            write_text(out, 2, name);
            write_text(out, 4, help);
            write_text(out, 5, unit);
        });
    }
    compressed(&raw)
}

fn compressed(raw: &[u8]) -> Option<Bytes> {
    snap::raw::Encoder::new().compress_vec(raw).ok().map(Bytes::from)
}

fn first_version(series: &[SeriesSamples<'_>], external: &[(String, String)]) -> Vec<u8> {
    let mut out = Vec::new();
    for SeriesSamples { labels, samples } in series {
        write_message(&mut out, 1, |out| {
            for (name, value) in with_external(labels, external) {
                write_message(out, 1, |out| {
                    write_text(out, 1, name);
                    write_text(out, 2, value);
                });
            }
            write_samples(out, samples);
        });
    }
    out
}

/// The fields of samples have the same numbers in both versions.
fn write_samples(out: &mut Vec<u8>, samples: &[&QueueSample]) {
    for sample in samples {
        write_message(out, 2, |out| {
            write_double(out, 1, sample.value);
            write_integer(out, 2, sample.time_ms);
        });
    }
}

/// Texts that are in a request once.
struct Symbols<'t> {
    numbers: HashMap<&'t str, u32>,
    texts: Vec<&'t str>,
}

impl<'t> Symbols<'t> {
    /// The empty text, which is always the first.
    fn new() -> Self {
        Self { numbers: HashMap::from([("", 0)]), texts: vec![""] }
    }

    fn number(&mut self, text: &'t str) -> u32 {
        *self.numbers.entry(text).or_insert_with(|| {
            self.texts.push(text);
            self.texts.len() as u32 - 1
        })
    }
}

fn second_version(series: &[SeriesSamples<'_>], external: &[(String, String)], metadata: &Metadata) -> Vec<u8> {
    let mut descriptions: HashMap<&str, Option<Description>> = HashMap::new();
    for name in series.iter().filter_map(|series| series.labels.metric_name()) {
        descriptions.entry(name).or_insert_with(|| metadata.of_sample(name));
    }
    let (mut symbols, mut all) = (Symbols::new(), Vec::new());
    for SeriesSamples { labels, samples } in series {
        let description = labels.metric_name().and_then(|name| descriptions.get(name)?.as_ref());
        write_message(&mut all, 5, |out| {
            write_message(out, 1, |out| {
                for text in with_external(labels, external).flat_map(|(name, value)| [name, value]) {
                    write_varint(out, u64::from(symbols.number(text)));
                }
            });
            write_samples(out, samples);
            if let Some(Description { kind, help, unit }) = description {
                write_message(out, 5, |out| {
                    write_integer(out, 1, type_number(*kind));
                    write_integer(out, 3, i64::from(symbols.number(help)));
                    write_integer(out, 4, i64::from(symbols.number(unit)));
                });
            }
        });
    }
    let mut out = Vec::with_capacity(all.len() * 2);
    symbols.texts.iter().for_each(|text| write_text(&mut out, 4, text));
    out.extend_from_slice(&all);
    out
}

/// The number of a type, which is the same in both versions.
fn type_number(kind: Kind) -> i64 {
    match kind {
        Kind::Unknown => 0,
        Kind::Counter => 1,
        Kind::Gauge => 2,
        Kind::Histogram => 3,
        Kind::GaugeHistogram => 4,
        Kind::Summary => 5,
        Kind::Info => 6,
        Kind::StateSet => 7,
    }
}
