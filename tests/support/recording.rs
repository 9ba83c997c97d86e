//! Recorded sessions of an engine: folders with a file `<Unix milliseconds>.{up,down}.prom.gz` for each scrape.
use crate::{FixtureError, Result, now_ms};
use flate2::read::GzDecoder;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// One recorded scrape.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The time of the scrape, in Unix milliseconds.
    pub at_ms: i64,
    /// The metrics page; `None` while the engine refused connections.
    pub page: Option<String>,
}

/// The scrapes of a session in order of time; at least one.
#[derive(Clone, Debug)]
pub struct Recording {
    frames: Vec<Frame>,
}

impl Recording {
    /// Nine minutes of vLLM 0.32, scraped every 5 s: start-up, one request per second, a burst that queues, a phase
    /// with client errors, an idle phase, a restart, two requests per second.
    ///
    /// # Errors
    /// When the fixture cannot be read.
    pub fn vllm() -> Result<Self> {
        Self::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/vllm-0.32-session"))
    }

    /// Loads the session in `folder`.
    ///
    /// # Errors
    /// When the folder cannot be read, is empty, or has a file with an invalid name or text.
    pub fn load(folder: &Path) -> Result<Self> {
        let listing = format!("cannot list {}", folder.display());
        let mut frames = Vec::new();
        for entry in fs::read_dir(folder).map_err(FixtureError::io(&listing))? {
            frames.push(read_frame(&entry.map_err(FixtureError::io(&listing))?.path())?);
        }
        frames.sort_by_key(|frame| frame.at_ms);
        if frames.is_empty() {
            return Err(FixtureError::Recording {
                file: folder.display().to_string(),
                why: "the folder is empty".into(),
            });
        }
        Ok(Self { frames })
    }

    /// All scrapes.
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// The times and the metrics pages of the scrapes that succeeded.
    pub fn pages(&self) -> impl DoubleEndedIterator<Item = (i64, &str)> {
        self.frames.iter().filter_map(|frame| Some((frame.at_ms, frame.page.as_deref()?)))
    }

    /// The samples, and `up`, in the Prometheus text format with timestamps, of which the last is a moment ago.
    pub fn stamped(&self) -> String {
        let last_ms = now_ms() - 5000;
        let mut text = String::new();
        for (at_ms, metrics_page) in self.pages() {
            let at_ms = at_ms - self.last_ms() + last_ms;
            for line in metrics_page.lines().chain(["up{engine=\"0\"} 1"]).filter(|line| !line.starts_with('#')) {
                // Writing to a string cannot fail.
                let _ = writeln!(text, "{line} {at_ms}");
            }
        }
        text
    }

    /// All recorded samples by series: times of the scrapes in Unix milliseconds, and values. The parser is independent
    /// of the code under test and reads only what these metrics pages contain.
    pub fn samples(&self) -> BTreeMap<SeriesKey, Vec<(i64, f64)>> {
        let mut samples: BTreeMap<SeriesKey, Vec<(i64, f64)>> = BTreeMap::new();
        for (at_ms, page) in self.pages() {
            for line in page.lines().filter(|line| !line.starts_with('#')) {
                if let Some((series, value)) = line.rsplit_once(' ')
                    && let Ok(value) = value.parse()
                {
                    samples.entry(SeriesKey::parse(series)).or_default().push((at_ms, value));
                }
            }
        }
        samples
    }

    /// The times of the last metrics page before the engine's restart and of the first one after it. The restart is the
    /// longest gap between two pages.
    pub fn restart(&self) -> (i64, i64) {
        let times: Vec<i64> = self.pages().map(|(at_ms, _)| at_ms).collect();
        let pairs = times.windows(2).filter_map(|pair| Some((*pair.first()?, *pair.get(1)?)));
        pairs.max_by_key(|(before_ms, after_ms)| after_ms - before_ms).unwrap_or_default()
    }

    /// The time of the first scrape, in Unix milliseconds.
    pub fn first_ms(&self) -> i64 {
        self.frames.first().map_or(0, |frame| frame.at_ms)
    }

    /// The time of the last scrape, in Unix milliseconds.
    pub fn last_ms(&self) -> i64 {
        self.frames.last().map_or(0, |frame| frame.at_ms)
    }
}

/// The identity of a series: its labels by name, including `__name__`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeriesKey(pub BTreeMap<String, String>);

impl SeriesKey {
    /// The value of a label, empty if it is absent; `__name__` is the metric's name.
    pub fn label(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Parses `name{label="value",...}`. No label value in the recording contains a quote or a comma.
    fn parse(series: &str) -> Self {
        let (name, labels) = series.trim_end_matches('}').split_once('{').unwrap_or((series, ""));
        let pairs = labels.split(',').filter_map(|label| label.split_once('='));
        let labels = pairs.map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned()));
        Self(labels.chain([("__name__".to_owned(), name.to_owned())]).collect())
    }
}

fn read_frame(file: &Path) -> Result<Frame> {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let invalid = |why: &str| FixtureError::Recording { file: name.clone(), why: why.to_owned() };
    let stem = name.strip_suffix(".prom.gz").ok_or_else(|| invalid("its name does not end in .prom.gz"))?;
    let (at_ms, state) = stem.split_once('.').ok_or_else(|| invalid("its name has no state"))?;
    let at_ms = at_ms.parse().map_err(|_| invalid("its name does not begin with Unix milliseconds"))?;
    let page = match state {
        "up" => Some(decompress(file)?),
        "down" => None,
        _ => return Err(invalid("its state is neither up nor down")),
    };
    Ok(Frame { at_ms, page })
}

fn decompress(file: &Path) -> Result<String> {
    let mut text = String::new();
    File::open(file)
        .and_then(|file| GzDecoder::new(file).read_to_string(&mut text))
        .map_err(FixtureError::io(format!("cannot decompress {}", file.display())))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fixture_has_all_scrapes() {
        let recording = Recording::vllm().expect("the fixture");
        assert_eq!(recording.frames().len(), 109);
        assert_eq!(recording.pages().count(), 77);
        assert!(recording.frames().is_sorted_by(|a, b| a.at_ms < b.at_ms));
        assert!(recording.pages().all(|(_, page)| page.contains("vllm:num_requests_running")));
    }

    #[test]
    fn samples_have_their_labels() {
        let samples = Recording::vllm().expect("the fixture").samples();
        assert!(samples.len() > 300, "{}", samples.len());
        let (series, samples) = samples
            .iter()
            .find(|(series, _)| series.label("__name__") == "http_requests_total" && series.label("status") == "4xx")
            .expect("the client errors");
        assert_eq!((series.label("handler"), series.label("method"), series.0.len()), ("/v1/completions", "POST", 4));
        assert_eq!(samples.first(), Some(&(1_795_319_879_752, 4.0)));
    }

    #[test]
    fn an_invalid_recording_is_reported_with_the_reason() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(Recording::load(folder.path()).expect_err("empty").to_string().contains("empty"));
        fs::write(folder.path().join("12.sideways.prom.gz"), "").expect("a file");
        assert!(Recording::load(folder.path()).expect_err("invalid").to_string().contains("neither up nor down"));
    }
}
