//! A recorded session served as a target: in its own time, or one page for each scrape with stamped samples.
use crate::{Api, Frame, Recording, Result, listening::Listening, until};
use std::{
    io::{self, Write},
    net::TcpStream,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

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
    scrapes: AtomicUsize,
    turned_to: Mutex<Option<usize>>,
}

impl Replay {
    /// Serves `recording` at `port` of loopback, or at a free one where `port` is 0.
    ///
    /// # Errors
    /// When the port cannot be had.
    pub fn start(recording: Recording, play: Play, port: u16) -> Result<Self> {
        let stage = Arc::new(Stage {
            recording,
            play,
            began: OnceLock::new(),
            scrapes: AtomicUsize::new(0),
            turned_to: Mutex::new(None),
        });
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

    /// How many scrapes were answered or refused so far.
    pub fn scrapes(&self) -> usize {
        self.stage.scrapes.load(Ordering::Relaxed)
    }

    /// Answers as in the frame of this index from now on, whatever the time.
    pub fn turn_to(&self, frame: usize) {
        *self.stage.turned_to.lock().unwrap_or_else(PoisonError::into_inner) = Some(frame);
    }

    /// Turns these replays of one recording, and play, to one page after the other, each once the scraper beside it
    /// has stored the one before: a scrape that a busy machine loses costs time and nothing else.
    ///
    /// # Errors
    /// When a scraper does not store a page within a minute.
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
                until("stored page", Duration::from_secs(60), newest, |newest_s| *newest_s == wanted_s).await?;
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
        self.scrapes.fetch_add(1, Ordering::Relaxed);
        let began = *self.began.get_or_init(SystemTime::now);
        let turned_to = *self.turned_to.lock().unwrap_or_else(PoisonError::into_inner);
        let frame = match turned_to {
            Some(index) => self.recording.frames().get(index),
            None => self.frame_after(began.elapsed().unwrap_or_default()),
        }?;
        let page = frame.page.as_deref()?;
        Some(match self.play {
            Play::Live { speed } => {
                let began_s = began.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
                let first_s = self.recording.first_ms() as f64 / 1000.0;
                moved(page, |time_s| began_s + (time_s - first_s) / speed)
            }
            Play::Stamped { last_ms } => stamped(page, frame.at_ms - self.recording.last_ms() + last_ms),
        })
    }

    /// The frame of a scrape made this long after the first, by the play.
    fn frame_after(&self, played: Duration) -> Option<&Frame> {
        let mut frames = self.recording.frames().iter();
        match self.play {
            Play::Live { speed } => {
                let at_ms = self.recording.first_ms() + (played.as_secs_f64() * 1000.0 * speed) as i64;
                frames.rfind(|frame| frame.at_ms <= at_ms)
            }
            Play::Stamped { .. } => frames.find(|frame| frame.page.is_some()),
        }
    }
}

/// The page with every sample that is a time, of start or of creation, given to `at` and back, in Unix seconds.
fn moved(page: &str, at: impl Fn(f64) -> f64) -> String {
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
        assert_eq!(replay.scrapes(), 3);
    }

    #[test]
    fn a_live_replay_begins_refusing_and_moves_the_times_in_its_pages() {
        let recording = Recording::vllm().expect("the fixture");
        let last = recording.frames().len() - 1;
        let replay = Replay::start(recording, Play::Live { speed: 1.0 }, 0).expect("a port");
        assert_eq!(scraped(&replay), "");
        replay.turn_to(last);
        let page = scraped(&replay);
        let line = page.lines().find_map(|line| line.strip_prefix("process_start_time_seconds ")).expect("the time");
        let began_s: f64 = line.parse().expect("a number");
        let now_s = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock").as_secs_f64();
        // The recorded engine started again 322.764 s after the recording's first scrape.
        assert!((began_s - now_s - 322.764).abs() < 5.0, "{began_s} {now_s}");
        assert!(page.contains("vllm:num_requests_running{engine=\"0\",model_name=\"tiny-llama\"} 0.0\n"));
    }
}
