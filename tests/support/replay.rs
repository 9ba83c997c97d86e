//! A recorded session served as a target: in real time, or one metrics page at a time with explicit timestamps.
use crate::loopback_server::LoopbackServer;
use crate::{Api, Frame, PATIENCE, Recording, Result, now_ms, until};
use std::collections::{HashMap, HashSet};
use std::io;
use std::io::Write;
use std::net::TcpStream;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

/// The length of the phase that [`Play::Endless`] repeats.
const REPEATED_MS: i64 = 60_000;

/// How a replay selects the metrics page that it serves.
#[derive(Clone, Copy, Debug)]
pub enum Play {
    /// Serves the page of the current time of the session, which begins with the first scrape, runs `speed` times as
    /// fast as recorded, and stays at the last page. While the engine was down, connections are closed without a
    /// response. Start and creation times in the page are shifted to the time of the replay.
    Live {
        /// Recorded seconds per second.
        speed: f64,
    },
    /// Like [`Play::Live`], but after the last scrape the last minute is repeated, and counters continue to grow.
    Endless {
        /// Recorded seconds per second.
        speed: f64,
    },
    /// Serves the page that the test selects, by default the first one. All samples have explicit timestamps, so that
    /// every scraper that has seen all pages stores the same samples: the last page has `last_ms`, and the others are
    /// as far before it as recorded. Values are as recorded.
    Stamped {
        /// The timestamp of the last page, in Unix milliseconds.
        last_ms: i64,
    },
}

/// The replay: a server on loopback, which stops on drop.
#[derive(Debug)]
pub struct Replay {
    state: Arc<State>,
    server: LoopbackServer,
}

#[derive(Debug)]
struct State {
    recording: Recording,
    play: Play,
    began: OnceLock<SystemTime>,
    served: Mutex<Vec<Served>>,
    selected: Mutex<Option<Selection>>,
}

/// A recorded scrape that the replay serves regardless of the time.
#[derive(Clone, Copy, Debug)]
struct Selection {
    frame: usize,
    /// The start time that the page reports for the engine's process, in Unix seconds; by default that of the replay.
    started_s: Option<f64>,
}

/// One scrape of the replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served {
    /// The time of the request, in Unix milliseconds.
    pub at_ms: i64,
    /// Whether it received a metrics page, rather than a closed connection.
    pub is_up: bool,
}

impl Replay {
    /// Serves `recording` on `port` of loopback, or on a free one if `port` is 0.
    ///
    /// # Errors
    /// When the port is not available.
    pub fn start(recording: Recording, play: Play, port: u16) -> Result<Self> {
        Self::serve(recording, play, port, OnceLock::new())
    }

    /// Serves `recording` on a free port of loopback, as if the replay had started at `began`.
    ///
    /// # Errors
    /// When no port is available.
    pub fn begun(recording: Recording, play: Play, began: SystemTime) -> Result<Self> {
        Self::serve(recording, play, 0, OnceLock::from(began))
    }

    fn serve(recording: Recording, play: Play, port: u16, began: OnceLock<SystemTime>) -> Result<Self> {
        let (served, selected) = (Mutex::default(), Mutex::default());
        let state = Arc::new(State { recording, play, began, served, selected });
        let server = LoopbackServer::start(port, {
            let state = Arc::clone(&state);
            move |request, connection| answer(request, connection, &state)
        })?;
        Ok(Self { state, server })
    }

    /// `127.0.0.1:<port>`, the value of the label `instance`.
    pub fn instance(&self) -> String {
        self.server.address.to_string()
    }

    /// The URL of the metrics page.
    pub fn url(&self) -> String {
        format!("http://{}/metrics", self.server.address)
    }

    /// All scrapes so far.
    pub fn served(&self) -> Vec<Served> {
        self.state.served.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Serves the recorded scrape with this index from now on, regardless of the time.
    pub fn turn_to(&self, frame: usize) {
        self.select(Selection { frame, started_s: None });
    }

    fn select(&self, selection: Selection) {
        *self.state.selected.lock().unwrap_or_else(PoisonError::into_inner) = Some(selection);
    }

    /// Plays an engine that starts, runs, stops, starts and runs again; while it does not run, connections are refused.
    /// Each phase lasts for a number of scrapes by the companion at `api`, however long they take. Returns the start times
    /// of the two processes in Unix seconds.
    ///
    /// # Errors
    /// When the scrapes do not arrive in time, or another program has taken the port.
    pub async fn two_runs(&self, api: &Api, scrapes: usize) -> Result<[f64; 2]> {
        let frames = self.state.recording.frames();
        let (before, after) = self.state.recording.restart();
        let index = |time_ms: i64| frames.iter().position(|frame| frame.at_ms == time_ms).unwrap_or(0);
        let mut starts = [0.0; 2];
        for (started, up) in starts.iter_mut().zip([index(before), index(after)]) {
            self.server.pause();
            self.wait_for_attempts(api, scrapes).await?;
            *started = now_ms() as f64 / 1000.0;
            self.wait_for_attempts(api, scrapes).await?;
            self.select(Selection { frame: up, started_s: Some(*started) });
            self.server.resume()?;
            self.wait_for(2 * scrapes).await?;
        }
        Ok(starts)
    }

    /// Waits for more scrapes that the companion at `api` has stored, successful or not.
    async fn wait_for_attempts(&self, api: &Api, scrapes: usize) -> Result<()> {
        let query = format!("sum(count_over_time(up{{instance=\"{}\"}}[10m]))", self.instance());
        let count = async || Ok(api.vector(&query, None).await?.first().map_or(0.0, |series| series.samples.value.1.0));
        let expected = count().await? + scrapes as f64;
        until("scrapes", PATIENCE, count, |count| *count >= expected).await.map(drop)
    }

    /// Waits for more scrapes.
    async fn wait_for(&self, scrapes: usize) -> Result<()> {
        let expected = self.served().len() + scrapes;
        until("scrapes", PATIENCE, async || Ok(self.served().len()), |count| *count >= expected).await.map(drop)
    }

    /// Serves one metrics page after another from replays of the same recording and play. Proceeds when every scraper,
    /// whose API is given with its replay, has stored the page, so a lost scrape only costs time.
    ///
    /// # Errors
    /// When a scraper does not store a page in time.
    pub async fn turn_through(scraped: &[(&Self, Api)]) -> Result<()> {
        let Some((first, _)) = scraped.first() else { return Ok(()) };
        let Play::Stamped { last_ms } = first.state.play else { return Ok(()) };
        let recording = &first.state.recording;
        for (index, frame) in recording.frames().iter().enumerate().filter(|(_, frame)| frame.page.is_some()) {
            scraped.iter().for_each(|(replay, _)| replay.turn_to(index));
            let stamp_ms = frame.at_ms - recording.last_ms() + last_ms;
            for (_, api) in scraped {
                let newest = async || api.value("max(timestamp(vllm:num_requests_running))", Some(stamp_ms)).await;
                let expected_s = stamp_ms as f64 / 1000.0;
                until("stored page", PATIENCE, newest, |newest_s| *newest_s == expected_s).await?;
            }
        }
        Ok(())
    }
}

fn answer(request: &str, connection: &mut TcpStream, state: &State) -> io::Result<()> {
    if !request.starts_with("GET /metrics ") {
        return respond(connection, "404 Not Found", "");
    }
    match state.next_page() {
        Some(page) => respond(connection, "200 OK", &page),
        None => Ok(()),
    }
}

fn respond(connection: &mut TcpStream, status: &str, body: &str) -> io::Result<()> {
    let length = body.len();
    write!(
        connection,
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )?;
    connection.flush()
}

impl State {
    /// Records a scrape and returns its metrics page, or `None` to close the connection.
    fn next_page(&self) -> Option<String> {
        let began = *self.began.get_or_init(SystemTime::now);
        let selection = *self.selected.lock().unwrap_or_else(PoisonError::into_inner);
        let frame = match selection {
            Some(selection) => self.recording.frames().get(selection.frame),
            None => self.frame_after(began.elapsed().unwrap_or_default()),
        };
        let continued = match (self.play, selection) {
            (Play::Endless { speed }, None) => self.continued(began.elapsed().unwrap_or_default().mul_f64(speed)),
            _ => None,
        };
        let page = continued.as_deref().or_else(|| frame.and_then(|frame| frame.page.as_deref()));
        let served = Served { at_ms: now_ms(), is_up: page.is_some() };
        self.served.lock().unwrap_or_else(PoisonError::into_inner).push(served);
        let (frame, page) = (frame?, page?);
        Some(match (self.play, selection.and_then(|selection| selection.started_s)) {
            (Play::Live { speed } | Play::Endless { speed }, Some(started_s)) => {
                let recorded_s = start_s(page).unwrap_or_default();
                shift_times(page, |time_s| started_s + (time_s - recorded_s) / speed)
            }
            (Play::Live { speed } | Play::Endless { speed }, None) => {
                let began_s = began.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
                let first_s = self.recording.first_ms() as f64 / 1000.0;
                shift_times(page, |time_s| began_s + (time_s - first_s) / speed)
            }
            (Play::Stamped { last_ms }, _) => with_timestamp(page, frame.at_ms - self.recording.last_ms() + last_ms),
        })
    }

    /// The metrics page of an engine that continues after the recording, at a time since its first scrape. `None`
    /// during the recording.
    fn continued(&self, recorded: Duration) -> Option<String> {
        let length = Duration::from_millis((self.recording.last_ms() - self.recording.first_ms()).unsigned_abs());
        let beyond_ms = recorded.checked_sub(length)?.as_millis() as i64;
        let pages: Vec<(i64, &str)> = self.recording.pages().collect();
        let (last_ms, last) = *pages.last()?;
        let (first_ms, first) = *pages.iter().find(|(at_ms, _)| *at_ms > last_ms - REPEATED_MS)?;
        let phase_ms = (last_ms - first_ms).max(1);
        let (repetitions, current_ms) = (beyond_ms / phase_ms, first_ms + beyond_ms % phase_ms);
        let (_, current) = *pages.iter().rfind(|(at_ms, _)| *at_ms <= current_ms)?;
        Some(with_growing_counters(current, last, first, repetitions))
    }

    /// The recorded scrape to serve at this time after the first request.
    fn frame_after(&self, played: Duration) -> Option<&Frame> {
        let mut frames = self.recording.frames().iter();
        match self.play {
            Play::Live { speed } | Play::Endless { speed } => {
                let at_ms = self.recording.first_ms() + (played.as_secs_f64() * 1000.0 * speed) as i64;
                frames.rfind(|frame| frame.at_ms <= at_ms)
            }
            Play::Stamped { .. } => frames.find(|frame| frame.page.is_some()),
        }
    }
}

/// The metrics page `current` of a phase from `first` to `last` that has been repeated `repetitions` times. Counters
/// continue from their values in `last`.
fn with_growing_counters(current: &str, last: &str, first: &str, repetitions: i64) -> String {
    let counters: HashSet<&str> = last.lines().filter_map(counter).collect();
    let is_counter = |series: &str| {
        let name = series.split('{').next().unwrap_or_default();
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
        counters.contains(name) || base.is_some_and(|family| counters.contains(family))
    };
    let (last, first) = (values(last), values(first));
    map_samples(current, |sample| {
        let (series, value) = sample.rsplit_once(' ')?;
        let value: f64 = value.parse().ok().filter(|_| is_counter(series))?;
        let value_in = |values: &HashMap<&str, f64>| values.get(series).copied().unwrap_or(0.0);
        let (last, first) = (value_in(&last), value_in(&first));
        Some(format!("{series} {}", last + repetitions as f64 * (last - first) + value - first))
    })
}

/// The name of the family if this line declares a counter, histogram or summary.
fn counter(line: &str) -> Option<&str> {
    let (name, kind) = line.strip_prefix("# TYPE ")?.split_once(' ')?;
    ["counter", "histogram", "summary"].contains(&kind).then_some(name)
}

fn values(page: &str) -> HashMap<&str, f64> {
    let samples = page.lines().filter(|line| !line.starts_with('#'));
    samples
        .filter_map(|line| line.rsplit_once(' '))
        .filter_map(|(name, value)| Some((name, value.parse().ok()?)))
        .collect()
}

/// The start time of the engine's process in a metrics page, in Unix seconds.
fn start_s(page: &str) -> Option<f64> {
    page.lines().find_map(|line| line.strip_prefix("process_start_time_seconds ")?.parse().ok())
}

/// Applies `shift` to every start or creation time in a metrics page, in Unix seconds.
pub(crate) fn shift_times(page: &str, shift: impl Fn(f64) -> f64) -> String {
    map_samples(page, |sample| {
        let (series, value) = sample.rsplit_once(' ')?;
        let name = series.split('{').next()?;
        let time_s: f64 = value.parse().ok()?;
        (name == "process_start_time_seconds" || name.ends_with("_created"))
            .then(|| format!("{series} {}", shift(time_s)))
    })
}

/// Adds the explicit timestamp `at_ms` (Unix milliseconds) to every sample of a metrics page.
fn with_timestamp(page: &str, at_ms: i64) -> String {
    map_samples(page, |sample| Some(format!("{sample} {at_ms}")))
}

/// Replaces the samples of a metrics page by the results of `map`; keeps those for which it returns `None`.
fn map_samples(page: &str, map: impl Fn(&str) -> Option<String>) -> String {
    let mut text = String::with_capacity(page.len() * 5 / 4);
    for line in page.lines() {
        match if line.starts_with('#') || line.is_empty() { None } else { map(line) } {
            Some(mapped) => text.push_str(&mapped),
            None => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    /// Scrapes the replay; the body of the response is empty if the connection was closed without one.
    fn scrape(replay: &Replay) -> String {
        let mut connection = TcpStream::connect(replay.server.address).expect("a connection");
        connection.write_all(b"GET /metrics HTTP/1.1\r\nHost: replay\r\n\r\n").expect("a request");
        let mut response = String::new();
        connection.read_to_string(&mut response).expect("a response");
        response.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
    }

    #[test]
    fn a_stamped_replay_keeps_its_page_until_another_is_selected() {
        let recording = Recording::vllm().expect("the fixture");
        let (first_ms, last_ms, last) =
            (recording.pages().next().expect("a page").0, recording.last_ms(), recording.frames().len() - 1);
        let replay = Replay::start(recording, Play::Stamped { last_ms: 2_000_000_000_000 }, 0).expect("a port");
        let first = scrape(&replay);
        let stamp_ms = 2_000_000_000_000 - last_ms + first_ms;
        assert!(first.contains(&format!("process_start_time_seconds 1.79531964907e+09 {stamp_ms}\n")));
        assert_eq!(scrape(&replay), first);
        replay.turn_to(last);
        assert!(scrape(&replay).contains("process_start_time_seconds 1.79531997239e+09 2000000000000\n"));
        assert_eq!(replay.served().len(), 3);
    }

    #[test]
    fn counters_of_an_endless_replay_keep_growing() {
        let recording = Recording::vllm().expect("the fixture");
        let length = Duration::from_millis((recording.last_ms() - recording.first_ms()).unsigned_abs());
        let count = |page: &str| {
            let name = "http_requests_total{handler=\"/v1/completions\",method=\"POST\",status=\"2xx\"}";
            values(page).get(name).copied().expect("requests")
        };
        let last = count(recording.pages().next_back().expect("a page").1);
        let count_after = |minutes: u32| {
            let began = SystemTime::now() - length - Duration::from_secs(60) * minutes;
            let replay = Replay::begun(recording.clone(), Play::Endless { speed: 1.0 }, began).expect("a port");
            count(&scrape(&replay))
        };
        let (one, two) = (count_after(1), count_after(2));
        assert!(last < one && one < two, "{last} {one} {two}");
    }

    #[test]
    fn a_live_replay_is_down_at_first_and_shifts_the_times_in_its_pages() {
        let recording = Recording::vllm().expect("the fixture");
        let last = recording.frames().len() - 1;
        let began = SystemTime::now();
        let replay = Replay::begun(recording, Play::Live { speed: 1.0 }, began).expect("a port");
        assert_eq!(scrape(&replay), "");
        replay.turn_to(last);
        let page = scrape(&replay);
        let now_s = began.duration_since(SystemTime::UNIX_EPOCH).expect("a clock").as_secs_f64();
        // The recorded engine restarts 322.764 s after the first scrape.
        assert!((start_s(&page).expect("a start time") - now_s - 322.764).abs() < 0.001, "{page}");
        assert!(page.contains("vllm:num_requests_running{engine=\"0\",model_name=\"tiny-llama\"} 0.0\n"));
    }
}
