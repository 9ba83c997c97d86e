//! A recorded session served as a target: in its own time, or one page for each scrape with stamped samples.
use crate::{Api, Frame, PATIENCE, Recording, Result, listening::Listening, now_ms, until};
use std::{
    collections::{HashMap, HashSet},
    io::{self, Write},
    net::TcpStream,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, SystemTime},
};

/// What [`Play::Endless`] repeats.
const REPEATED_MS: i64 = 60_000;

/// How a replay chooses the page to answer with.
#[derive(Clone, Copy, Debug)]
pub enum Play {
    /// What was recorded at this time of the session, `speed` times as fast, from the first scrape on, staying with
    /// the last page. Where the engine was down the connection is closed without an answer. The times of start and
    /// creation in the page are moved to the time of the replay.
    Live {
        /// Recorded seconds in a second.
        speed: f64,
    },
    /// As [`Play::Live`], but the engine goes on after the last scrape: its last minute is repeated, and counters grow.
    Endless {
        /// Recorded seconds in a second.
        speed: f64,
    },
    /// The page that the replay was turned to, at first the first, so that every scraper that has seen each stores the
    /// same points: the samples carry explicit timestamps, with the last page at `last_ms` (Unix milliseconds) and the
    /// others as far before it as recorded. Values are as recorded.
    Stamped {
        /// Unix milliseconds of the last page.
        last_ms: i64,
    },
}

/// The replay: a server on loopback until it is dropped.
#[derive(Debug)]
pub struct Replay {
    stage: Arc<Stage>,
    listening: Listening,
}

#[derive(Debug)]
struct Stage {
    recording: Recording,
    play: Play,
    began: OnceLock<SystemTime>,
    served: Mutex<Vec<Served>>,
    turned_to: Mutex<Option<Turn>>,
}

/// A page that the replay stays with.
#[derive(Clone, Copy, Debug)]
struct Turn {
    frame: usize,
    /// When the engine's process is said to have started, in Unix seconds; as played where there is none.
    started_s: Option<f64>,
}

/// One answered scrape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served {
    /// When it came, Unix milliseconds.
    pub at_ms: i64,
    /// Whether it got a page; else the connection was closed.
    pub is_up: bool,
}

impl Replay {
    /// Serves `recording` at `port` of loopback, or at a free one where `port` is 0.
    ///
    /// # Errors
    /// When the port cannot be had.
    pub fn start(recording: Recording, play: Play, port: u16) -> Result<Self> {
        Self::serve(recording, play, port, OnceLock::new())
    }

    /// Serves `recording` at a free port of loopback, played since `began`.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn begun(recording: Recording, play: Play, began: SystemTime) -> Result<Self> {
        Self::serve(recording, play, 0, OnceLock::from(began))
    }

    fn serve(recording: Recording, play: Play, port: u16, began: OnceLock<SystemTime>) -> Result<Self> {
        let (served, turned_to) = (Mutex::default(), Mutex::default());
        let stage = Arc::new(Stage { recording, play, began, served, turned_to });
        let listening = Listening::start(port, {
            let stage = Arc::clone(&stage);
            move |head, connection| answer(head, connection, &stage)
        })?;
        Ok(Self { stage, listening })
    }

    /// `127.0.0.1:<port>`, as the label `instance` names it.
    pub fn instance(&self) -> String {
        self.listening.address.to_string()
    }

    /// The page's address.
    pub fn url(&self) -> String {
        format!("http://{}/metrics", self.listening.address)
    }

    /// The scrapes so far.
    pub fn served(&self) -> Vec<Served> {
        self.stage.served.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Answers as in the frame of this index from now on, whatever the time.
    pub fn turn_to(&self, frame: usize) {
        self.turn(Turn { frame, started_s: None });
    }

    fn turn(&self, turn: Turn) {
        *self.stage.turned_to.lock().unwrap_or_else(PoisonError::into_inner) = Some(turn);
    }

    /// Plays an engine that starts, runs, stops, starts and runs again, each for so many scrapes, whatever the time that
    /// they take. The Unix seconds at which its two processes started.
    ///
    /// # Errors
    /// When the scrapes do not come.
    pub async fn two_runs(&self, scrapes: usize) -> Result<[f64; 2]> {
        let frames = self.stage.recording.frames();
        let (before, after) = self.stage.recording.restart();
        let at = |time_ms: i64| frames.iter().position(|frame| frame.at_ms == time_ms).unwrap_or(0);
        let down = frames.iter().position(|frame| frame.page.is_none()).unwrap_or(0);
        let mut starts = [0.0; 2];
        for (started, up) in starts.iter_mut().zip([at(before), at(after)]) {
            self.turn_to(down);
            self.wait_for(scrapes).await?;
            *started = now_ms() as f64 / 1000.0;
            self.wait_for(scrapes).await?;
            self.turn(Turn { frame: up, started_s: Some(*started) });
            self.wait_for(2 * scrapes).await?;
        }
        Ok(starts)
    }

    /// Waits for so many scrapes more.
    async fn wait_for(&self, scrapes: usize) -> Result<()> {
        let wanted = self.served().len() + scrapes;
        until("scrapes", PATIENCE, async || Ok(self.served().len()), |count| *count >= wanted).await.map(drop)
    }

    /// Turns these replays of one recording, and play, to one page after the other, each once the scraper beside it
    /// has stored the one before: a scrape that a busy machine loses costs time and nothing else.
    ///
    /// # Errors
    /// When a scraper does not store a page in time.
    pub async fn turn_through(scraped: &[(&Self, Api)]) -> Result<()> {
        let Some((first, _)) = scraped.first() else { return Ok(()) };
        let Play::Stamped { last_ms } = first.stage.play else { return Ok(()) };
        let recording = &first.stage.recording;
        for (index, frame) in recording.frames().iter().enumerate().filter(|(_, frame)| frame.page.is_some()) {
            scraped.iter().for_each(|(replay, _)| replay.turn_to(index));
            let stamp_ms = frame.at_ms - recording.last_ms() + last_ms;
            for (_, api) in scraped {
                let newest = async || api.value("max(timestamp(vllm:num_requests_running))", Some(stamp_ms)).await;
                let wanted_s = stamp_ms as f64 / 1000.0;
                until("stored page", PATIENCE, newest, |newest_s| *newest_s == wanted_s).await?;
            }
        }
        Ok(())
    }
}

fn answer(head: &str, connection: &mut TcpStream, stage: &Stage) -> io::Result<()> {
    if !head.starts_with("GET /metrics ") {
        return respond(connection, "404 Not Found", "");
    }
    match stage.next_page() {
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

impl Stage {
    /// The page to answer with, or none to refuse; counts the scrape.
    fn next_page(&self) -> Option<String> {
        let began = *self.began.get_or_init(SystemTime::now);
        let turn = *self.turned_to.lock().unwrap_or_else(PoisonError::into_inner);
        let frame = match turn {
            Some(turn) => self.recording.frames().get(turn.frame),
            None => self.frame_after(began.elapsed().unwrap_or_default()),
        };
        let continued = match (self.play, turn) {
            (Play::Endless { speed }, None) => self.continued(began.elapsed().unwrap_or_default().mul_f64(speed)),
            _ => None,
        };
        let page = continued.as_deref().or_else(|| frame.and_then(|frame| frame.page.as_deref()));
        let served = Served { at_ms: now_ms(), is_up: page.is_some() };
        self.served.lock().unwrap_or_else(PoisonError::into_inner).push(served);
        let (frame, page) = (frame?, page?);
        Some(match (self.play, turn.and_then(|turn| turn.started_s)) {
            (Play::Live { speed } | Play::Endless { speed }, Some(started_s)) => {
                let recorded_s = start_s(page).unwrap_or_default();
                moved(page, |time_s| started_s + (time_s - recorded_s) / speed)
            }
            (Play::Live { speed } | Play::Endless { speed }, None) => {
                let began_s = began.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
                let first_s = self.recording.first_ms() as f64 / 1000.0;
                moved(page, |time_s| began_s + (time_s - first_s) / speed)
            }
            (Play::Stamped { last_ms }, _) => stamped(page, frame.at_ms - self.recording.last_ms() + last_ms),
        })
    }

    /// The page of an engine that goes on, this long after the first scrape; none before the last.
    fn continued(&self, recorded: Duration) -> Option<String> {
        let length = Duration::from_millis((self.recording.last_ms() - self.recording.first_ms()).unsigned_abs());
        let beyond_ms = recorded.checked_sub(length)?.as_millis() as i64;
        let pages: Vec<(i64, &str)> = self.recording.pages().collect();
        let (last_ms, last) = *pages.last()?;
        let (first_ms, first) = *pages.iter().find(|(at_ms, _)| *at_ms > last_ms - REPEATED_MS)?;
        let round_ms = (last_ms - first_ms).max(1);
        let (rounds, within_ms) = (beyond_ms / round_ms, first_ms + beyond_ms % round_ms);
        let (_, now) = *pages.iter().rfind(|(at_ms, _)| *at_ms <= within_ms)?;
        Some(grown(now, last, first, rounds))
    }

    /// The frame of a scrape made this long after the first, by the play.
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

/// The page `now` of a phase from `first` to `last` that has been repeated `rounds` times since `last`: its counters go on
/// where they were.
fn grown(now: &str, last: &str, first: &str, rounds: i64) -> String {
    let counters: HashSet<&str> = last.lines().filter_map(counter).collect();
    let is_counter = |series: &str| {
        let name = series.split('{').next().unwrap_or_default();
        let part = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        counters.contains(name) || part.is_some_and(|family| counters.contains(family))
    };
    let (last, first) = (values(last), values(first));
    samples_mapped(now, |sample| {
        let (series, value) = sample.rsplit_once(' ')?;
        let value: f64 = value.parse().ok().filter(|_| is_counter(series))?;
        let at = |values: &HashMap<&str, f64>| values.get(series).copied().unwrap_or(0.0);
        let (last, first) = (at(&last), at(&first));
        Some(format!("{series} {}", last + rounds as f64 * (last - first) + value - first))
    })
}

/// The family that a line declares to count.
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

/// When the engine's process started, in Unix seconds, as the page says.
fn start_s(page: &str) -> Option<f64> {
    page.lines().find_map(|line| line.strip_prefix("process_start_time_seconds ")?.parse().ok())
}

/// The page with every sample that is a time, of start or of creation, given to `at` and back, in Unix seconds.
pub(crate) fn moved(page: &str, at: impl Fn(f64) -> f64) -> String {
    samples_mapped(page, |sample| {
        let (series, value) = sample.rsplit_once(' ')?;
        let name = series.split('{').next()?;
        let time_s: f64 = value.parse().ok()?;
        (name == "process_start_time_seconds" || name.ends_with("_created")).then(|| format!("{series} {}", at(time_s)))
    })
}

/// The page with `at_ms` (Unix milliseconds) as the explicit timestamp of every sample.
fn stamped(page: &str, at_ms: i64) -> String {
    samples_mapped(page, |sample| Some(format!("{sample} {at_ms}")))
}

/// The page with its samples' lines given to `map`, kept where it gives nothing.
fn samples_mapped(page: &str, map: impl Fn(&str) -> Option<String>) -> String {
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

    /// The body of the answer to a scrape; nothing where the connection was closed without one.
    fn scraped(replay: &Replay) -> String {
        let mut connection = TcpStream::connect(replay.listening.address).expect("a connection");
        connection.write_all(b"GET /metrics HTTP/1.1\r\nHost: replay\r\n\r\n").expect("a request");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("an answer");
        answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
    }

    #[test]
    fn a_stamped_replay_stays_with_its_page_until_it_is_turned() {
        let recording = Recording::vllm().expect("the fixture");
        let (first_ms, last_ms, last) =
            (recording.pages().next().expect("a page").0, recording.last_ms(), recording.frames().len() - 1);
        let replay = Replay::start(recording, Play::Stamped { last_ms: 2_000_000_000_000 }, 0).expect("a port");
        let first = scraped(&replay);
        let stamp_ms = 2_000_000_000_000 - last_ms + first_ms;
        assert!(first.contains(&format!("process_start_time_seconds 1.79531964907e+09 {stamp_ms}\n")));
        assert_eq!(scraped(&replay), first);
        replay.turn_to(last);
        assert!(scraped(&replay).contains("process_start_time_seconds 1.79531997239e+09 2000000000000\n"));
        assert_eq!(replay.served().len(), 3);
    }

    #[test]
    fn an_endless_replay_goes_on_counting() {
        let recording = Recording::vllm().expect("the fixture");
        let length = Duration::from_millis((recording.last_ms() - recording.first_ms()).unsigned_abs());
        let count = |page: &str| {
            let name = "http_requests_total{handler=\"/v1/completions\",method=\"POST\",status=\"2xx\"}";
            values(page).get(name).copied().expect("requests")
        };
        let last = count(recording.pages().next_back().expect("a page").1);
        let after = |rounds: u32| {
            let began = SystemTime::now() - length - Duration::from_secs(60) * rounds;
            let replay = Replay::begun(recording.clone(), Play::Endless { speed: 1.0 }, began).expect("a port");
            count(&scraped(&replay))
        };
        let (one, two) = (after(1), after(2));
        assert!(last < one && one < two, "{last} {one} {two}");
    }

    #[test]
    fn a_live_replay_begins_refusing_and_moves_the_times_in_its_pages() {
        let recording = Recording::vllm().expect("the fixture");
        let last = recording.frames().len() - 1;
        let began = SystemTime::now();
        let replay = Replay::begun(recording, Play::Live { speed: 1.0 }, began).expect("a port");
        assert_eq!(scraped(&replay), "");
        replay.turn_to(last);
        let page = scraped(&replay);
        let now_s = began.duration_since(SystemTime::UNIX_EPOCH).expect("a clock").as_secs_f64();
        // The recorded engine started again 322.764 s after the recording's first scrape.
        assert!((start_s(&page).expect("the time") - now_s - 322.764).abs() < 0.001, "{page}");
        assert!(page.contains("vllm:num_requests_running{engine=\"0\",model_name=\"tiny-llama\"} 0.0\n"));
    }
}
