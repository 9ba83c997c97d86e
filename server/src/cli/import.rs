//! `inferboard-server import`: imports old samples from OpenMetrics text into a data directory.
use crate::cli::gzip::is_gzip;
use crate::clock::now_ms;
use crate::config::default_data_dir;
use crate::open_files::allow_open_files;
use crate::terminal::print_error;
use clap::Args;
use exposition::{DumpError, DumpSample, Label, Limits, canonical_label_value, for_each_dump_sample};
use flate2::read::MultiGzDecoder;
use promql::{Labels, stale_marker};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tsdb::{ImportSeries, ImportSummary, LocalFileSystem, OpenError, Options, Store, WriteError};

/// How much is collected before it is written. Writing takes as much again.
const BATCH_BYTES: usize = 96 << 20;

/// Memory of a sample, and of a series and each of its labels beside their texts.
const SAMPLE_BYTES: usize = 24;
const SERIES_BYTES: usize = 200;
const LABEL_BYTES: usize = 100;

/// The times that have a date with a year of four digits, as every client expects, in Unix milliseconds.
const VALID_TIMES_MS: RangeInclusive<i64> = -62_135_596_800_000..=253_402_300_799_999;

/// Arguments of `import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// OpenMetrics text with timestamps, as from `promtool tsdb dump-openmetrics`, plain or gzip; - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Directory for history; stop its server first [default: $XDG_DATA_HOME/inferboard or ~/.local/share/inferboard]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Label to add to every series that does not have it, such as model=llama (repeatable)
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
}

/// Why an import stopped. Samples imported before stay, and importing them again does no harm.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// There is no default data directory.
    #[error("there is no home directory for the history; choose a directory with --data-dir")]
    NoDataDir,
    /// The data directory cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The file is malformed, or its samples cannot be written.
    #[error("{}: {source}", path.display())]
    Dump {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: DumpError<SampleError>,
    },
}

/// Why a sample cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// It has no timestamp.
    #[error("line {0}: the sample has no timestamp")]
    NoTimestamp(usize),
    /// Its timestamp is no time of the years 1 to 9999.
    #[error("line {0}: the timestamp is not in the years 1 to 9999; it counts in seconds")]
    Time(usize),
    /// It could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("{text:?} is not NAME=VALUE")),
    }
}

/// Imports the file and returns a summary. Progress goes to standard error.
///
/// # Errors
/// At the first malformed line, and if the history cannot be opened or written.
pub fn import(args: &ImportArgs) -> Result<String, ImportError> {
    let dir = args.data_dir.clone().or_else(default_data_dir).ok_or(ImportError::NoDataDir)?;
    let input = open(&args.file).map_err(|source| ImportError::File { path: args.file.clone(), source })?;
    // Each block has one.
    if let Err(error) = allow_open_files() {
        print_error(format_args!("warning: {error}"));
    }
    // The server deletes samples that are too old: it knows its retention.
    let limits = tsdb::Limits { retention_ms: i64::MAX, size_bytes: usize::MAX, ..Options::default().limits };
    let (store, report) = Store::open(&dir, Options { limits, ..Options::default() }, Arc::new(LocalFileSystem))?;
    report.losses.iter().for_each(|loss| print_error(format_args!("warning: {loss}")));
    let mut batch = Batch::new(&store, &args.labels);
    let read = for_each_dump_sample(input, &Limits::default(), &mut |sample| batch.add(sample));
    let read = read.and_then(|()| batch.write().map_err(DumpError::Visit));
    let ImportSummary { samples, duplicates } = batch.imported;
    read.map_err(|source| ImportError::Dump { path: args.file.clone(), source })?;
    // Merge blocks now rather than when a server next runs.
    store
        .maintain(now_ms())
        .and_then(|()| store.close())
        .map_err(|error| ImportError::Dump { path: args.file.clone(), source: DumpError::Visit(error.into()) })?;
    let skipped = if duplicates == 0 { String::new() } else { format!("; skipped {duplicates} duplicates") };
    Ok(format!("imported {samples} samples into {}{skipped}\n", dir.display()))
}

fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    let input: Box<dyn Read> = if path == Path::new("-") { Box::new(io::stdin()) } else { Box::new(File::open(path)?) };
    let mut input = BufReader::with_capacity(1 << 16, input);
    Ok(if is_gzip(input.fill_buf()?) { Box::new(MultiGzDecoder::new(input)) } else { Box::new(input) })
}

/// Samples that are not written yet.
struct Batch<'a> {
    store: &'a Store,
    /// Labels to add to every series.
    labels: &'a [(String, String)],
    /// Indices into `series` by a line's text before the value.
    indices: HashMap<String, usize>,
    /// The text and index of the previous line, because lines of one series usually follow each other.
    last: Option<(String, usize)>,
    series: Vec<ImportSeries>,
    /// Memory of the series and their samples.
    size_bytes: usize,
    imported: ImportSummary,
}

impl<'a> Batch<'a> {
    fn new(store: &'a Store, labels: &'a [(String, String)]) -> Self {
        let (indices, imported) = (HashMap::new(), ImportSummary::default());
        Self { store, labels, indices, last: None, series: Vec::new(), size_bytes: 0, imported }
    }

    fn add(&mut self, sample: DumpSample<'_>) -> Result<(), SampleError> {
        let time_ms = sample.timestamp_ms.ok_or(SampleError::NoTimestamp(sample.line))?;
        if !VALID_TIMES_MS.contains(&time_ms) {
            return Err(SampleError::Time(sample.line));
        }
        let index = match &self.last {
            Some((text, index)) if text == sample.series => *index,
            _ => self.index_of(sample),
        };
        if let Some(series) = self.series.get_mut(index) {
            series.samples.push((time_ms, sample.value));
        }
        self.size_bytes += SAMPLE_BYTES;
        if self.size_bytes >= BATCH_BYTES {
            self.write()?;
            print_error(format_args!("imported {} samples", self.imported.samples));
        }
        Ok(())
    }

    fn index_of(&mut self, sample: DumpSample<'_>) -> usize {
        let index = self.indices.get(sample.series).copied().unwrap_or_else(|| {
            // Of a bucket that is written in two ways, the store joins both.
            let value = |label: &Label<'_>| canonical_label_value(sample.name, &label.name, &label.value).into_owned();
            let own = sample.labels.iter().map(|label| (&*label.name, value(label)));
            let added = self.labels.iter().map(|(name, value)| (name.as_str(), value.clone()));
            let added = added.filter(|(name, _)| !sample.labels.iter().any(|label| label.name == **name));
            let all = [(promql::METRIC_NAME, sample.name.to_owned())].into_iter().chain(own).chain(added);
            let labels = Labels::from_pairs(all.filter(|(_, value)| !value.is_empty()));
            // The text of the line is kept too.
            let text_bytes = sample.series.len() + labels.text_bytes();
            self.size_bytes += SERIES_BYTES + labels.len() * LABEL_BYTES + text_bytes;
            self.series.push(ImportSeries { labels, samples: Vec::new() });
            self.indices.insert(sample.series.to_owned(), self.series.len() - 1);
            self.series.len() - 1
        });
        self.last = Some((sample.series.to_owned(), index));
        index
    }

    fn write(&mut self) -> Result<(), SampleError> {
        self.series.iter_mut().for_each(|series| restore_stale_markers(&mut series.samples));
        let ImportSummary { samples, duplicates } = self.store.import(std::mem::take(&mut self.series))?;
        self.imported.samples += samples;
        self.imported.duplicates += duplicates;
        self.indices.clear();
        self.last = None;
        self.size_bytes = 0;
        Ok(())
    }
}

/// Makes each lone NaN a stale marker. OpenMetrics has no stale markers, so dumps have NaN where a series ends. A series
/// whose values are NaN has several in succession, and a scraper never writes two stale markers in succession.
fn restore_stale_markers(samples: &mut [(i64, f64)]) {
    samples.sort_by_key(|(time_ms, _)| *time_ms);
    let is_nan = |samples: &[(i64, f64)], at: usize| samples.get(at).is_some_and(|(_, value)| value.is_nan());
    let mut follows_nan = false;
    for at in 0..samples.len() {
        let (is_nan_here, is_nan_next) = (is_nan(samples, at), is_nan(samples, at + 1));
        if is_nan_here && !follows_nan && !is_nan_next {
            samples[at].1 = stale_marker();
        }
        follows_nan = is_nan_here;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use promql::is_stale;

    fn import_text(text: &str) -> Result<String, ImportError> {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("dump");
        std::fs::write(&file, text).expect("room");
        import(&ImportArgs { file, data_dir: Some(dir.path().join("data")), labels: Vec::new() })
    }

    #[test]
    fn times_without_a_date_are_refused() {
        for (time, is_valid) in [
            ("1790000000", true),
            ("-1", true),
            ("253402300799", true),
            ("253402300800", false),
            ("9223372036854775", false),
            ("1e300", false),
            ("-1e300", false),
        ] {
            let imported = import_text(&format!("a 1 1\na 1 {time}\n# EOF\n"));
            let text = imported.map_err(|error| error.to_string());
            assert_eq!(text.is_ok(), is_valid, "{time}: {text:?}");
            assert!(is_valid || text.is_err_and(|error| error.contains("line 2: the timestamp")), "{time}");
        }
    }

    #[test]
    fn a_batch_ends_when_its_labels_are_long() {
        let dir = tempfile::tempdir().expect("a folder");
        let (store, _) = Store::open(dir.path(), Options::default(), Arc::new(LocalFileSystem)).expect("a store");
        let mut batch = Batch::new(&store, &[]);
        let mut most_series = 0;
        for number in 0..14_000 {
            let value = format!("{number:0>4000}");
            let (series, labels) = (format!("a{{l=\"{value}\"}}"), [Label { name: "l".into(), value: value.into() }]);
            let sample =
                DumpSample { line: 1, series: &series, name: "a", labels: &labels, value: 1.0, timestamp_ms: Some(0) };
            batch.add(sample).expect("room");
            most_series = most_series.max(batch.series.len());
        }
        assert!((5_000..13_000).contains(&most_series), "{most_series}");
        batch.write().expect("room");
        assert_eq!(batch.imported.samples, 14_000);
        assert_eq!(store.stats().block_samples, 14_000);
    }

    #[test]
    fn a_lone_nan_is_a_stale_marker() {
        let marked = |values: &[f64]| {
            let mut samples: Vec<_> = values.iter().enumerate().map(|(at, value)| (at as i64, *value)).collect();
            restore_stale_markers(&mut samples);
            let mark = |value: f64| {
                if is_stale(value) {
                    'x'
                } else if value.is_nan() {
                    'n'
                } else {
                    '.'
                }
            };
            samples.into_iter().map(|(_, value)| mark(value)).collect::<String>()
        };
        const NAN: f64 = f64::NAN;
        assert_eq!(marked(&[1.0, 2.0, NAN]), "..x");
        assert_eq!(marked(&[1.0, NAN, 2.0, NAN]), ".x.x");
        assert_eq!(marked(&[NAN, 1.0]), "x.");
        assert_eq!(marked(&[NAN, NAN, 1.0, NAN, NAN, NAN]), "nn.nnn");
        let mut unsorted = [(3, NAN), (1, 1.0), (2, NAN)];
        restore_stale_markers(&mut unsorted);
        assert!(unsorted[1].1.is_nan() && !is_stale(unsorted[1].1) && !is_stale(unsorted[2].1));
    }
}
