//! `inferboard-server import`: old samples from a dump in OpenMetrics text into a data directory.
use crate::clock::now_ms;
use crate::config::default_data_dir;
use clap::Args;
use exposition::{DumpError, DumpSample, Limits, for_each_dump_sample};
use flate2::read::MultiGzDecoder;
use promql::Labels;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tsdb::{ImportSeries, ImportSummary, LocalFileSystem, OpenError, Options, Store, WriteError};

/// Samples that are gathered before they are written: about 100 MiB.
const BATCH: usize = 4_000_000;

/// What every gzip file begins with (RFC 1952, section 2.3.1).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Arguments of `import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// OpenMetrics text with timestamps, as `promtool tsdb dump-openmetrics` prints it (gzip too); - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where history is kept; no server may be using it [default: $XDG_DATA_HOME/inferboard or ~/.local/share/inferboard]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// A label for every series, such as model=llama, where the series has none by that name (repeatable)
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
}

/// An import that did not get to the end. What was imported before stays, and importing it again does no harm.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file is not there.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no place for the samples.
    #[error("there is no home directory to keep history in: give --data-dir")]
    NoDataDir,
    /// The place cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The file is not what it should be, or its samples cannot be written.
    #[error("{}: {source}", path.display())]
    Dump {
        /// The file.
        path: PathBuf,
        /// Why.
        source: DumpError<Refusal>,
    },
}

/// A sample that cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It has no place in time.
    #[error("line {0}: the sample has no timestamp")]
    NoTime(usize),
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

/// Imports the file, and says what was imported. How far it is goes to standard error.
///
/// # Errors
/// At the first thing that is wrong.
pub fn import(args: &ImportArgs) -> Result<String, ImportError> {
    let dir = args.data_dir.clone().or_else(default_data_dir).ok_or(ImportError::NoDataDir)?;
    let input = open(&args.file).map_err(|source| ImportError::File { path: args.file.clone(), source })?;
    // What is too old is for the server to drop, which knows how long it keeps samples.
    let limits = tsdb::Limits { retention_ms: i64::MAX, size_bytes: usize::MAX, ..Options::default().limits };
    let (store, report) = Store::open(&dir, Options { limits, ..Options::default() }, Arc::new(LocalFileSystem))?;
    report.losses.iter().for_each(|loss| eprintln!("warning: {loss}"));
    let mut batch = Batch::new(&store, &args.labels);
    let read = for_each_dump_sample(input, &Limits::default(), &mut |sample| batch.add(sample));
    let read = read.and_then(|()| batch.write().map_err(DumpError::Visit));
    let ImportSummary { samples, duplicates } = batch.imported;
    read.map_err(|source| ImportError::Dump { path: args.file.clone(), source })?;
    // Blocks that belong together become one now rather than when a server next runs.
    store
        .maintain(now_ms())
        .and_then(|()| store.close())
        .map_err(|error| ImportError::Dump { path: args.file.clone(), source: DumpError::Visit(error.into()) })?;
    let left_out = if duplicates == 0 { String::new() } else { format!("; {duplicates} were given twice") };
    Ok(format!("imported {samples} samples into {}{left_out}\n", dir.display()))
}

fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    let input: Box<dyn Read> = if path == Path::new("-") { Box::new(io::stdin()) } else { Box::new(File::open(path)?) };
    let mut input = BufReader::with_capacity(1 << 16, input);
    Ok(if input.fill_buf()?.starts_with(&GZIP_MAGIC) { Box::new(MultiGzDecoder::new(input)) } else { Box::new(input) })
}

/// Samples that are not written yet.
struct Batch<'a> {
    store: &'a Store,
    labels: &'a [(String, String)],
    /// Places in `series` by the text of the line before the value.
    places: HashMap<String, usize>,
    last: Option<(String, usize)>,
    series: Vec<ImportSeries>,
    samples: usize,
    imported: ImportSummary,
}

impl<'a> Batch<'a> {
    fn new(store: &'a Store, labels: &'a [(String, String)]) -> Self {
        let (places, imported) = (HashMap::new(), ImportSummary::default());
        Self { store, labels, places, last: None, series: Vec::new(), samples: 0, imported }
    }

    fn add(&mut self, sample: DumpSample<'_>) -> Result<(), Refusal> {
        let time_ms = sample.timestamp_ms.ok_or(Refusal::NoTime(sample.line))?;
        let place = match &self.last {
            Some((text, place)) if text == sample.series => *place,
            _ => self.place(sample),
        };
        if let Some(series) = self.series.get_mut(place) {
            series.samples.push((time_ms, sample.value));
        }
        self.samples += 1;
        if self.samples >= BATCH {
            self.write()?;
            eprintln!("imported {} samples", self.imported.samples);
        }
        Ok(())
    }

    fn place(&mut self, sample: DumpSample<'_>) -> usize {
        let place = self.places.get(sample.series).copied().unwrap_or_else(|| {
            let own = sample.labels.iter().map(|label| (&*label.name, &*label.value));
            let more = self.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let more = more.filter(|(name, _)| !sample.labels.iter().any(|label| label.name == **name));
            let named = [(promql::METRIC_NAME, sample.name)].into_iter().chain(own).chain(more);
            let labels = Labels::from_pairs(named.filter(|(_, value)| !value.is_empty()));
            self.series.push(ImportSeries { labels, samples: Vec::new() });
            self.places.insert(sample.series.to_owned(), self.series.len() - 1);
            self.series.len() - 1
        });
        self.last = Some((sample.series.to_owned(), place));
        place
    }

    fn write(&mut self) -> Result<(), Refusal> {
        let ImportSummary { samples, duplicates } = self.store.import(std::mem::take(&mut self.series))?;
        self.imported.samples += samples;
        self.imported.duplicates += duplicates;
        self.places.clear();
        self.last = None;
        self.samples = 0;
        Ok(())
    }
}
