//! A recorded session served as a target: in its own time, or one page for each scrape with stamped samples.
use crate::{FixtureError, Frame, Recording, Result};
use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
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
    /// The next page at each scrape, staying with the last, so that every scraper that follows one of these stores
    /// the same points: the samples carry explicit timestamps, with the last page at `last_ms` (Unix milliseconds)
    /// and the others as far before it as recorded. Values are as recorded; refused scrapes are left out.
    Stamped {
        /// Unix milliseconds of the last page.
        last_ms: i64,
    },
}

/// The replay: a server on loopback until it is dropped.
#[derive(Debug)]
pub struct Replay {
    address: SocketAddr,
    stage: Arc<Stage>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Stage {
    recording: Recording,
    play: Play,
    began: OnceLock<SystemTime>,
    scrapes: Mutex<usize>,
    pinned: Mutex<Option<usize>>,
    closing: AtomicBool,
}

impl Replay {
    /// Serves `recording` at `port` of loopback, or at a free one where `port` is 0.
    ///
    /// # Errors
    /// When the port cannot be had.
    pub fn start(recording: Recording, play: Play, port: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .map_err(FixtureError::io(format!("cannot listen on port {port}")))?;
        let address = listener.local_addr().map_err(FixtureError::io("cannot learn the replay's port"))?;
        let stage = Arc::new(Stage {
            recording,
            play,
            began: OnceLock::new(),
            scrapes: Mutex::new(0),
            pinned: Mutex::new(None),
            closing: AtomicBool::new(false),
        });
        let accepting = Some(thread::spawn({
            let stage = Arc::clone(&stage);
            move || accept(&listener, &stage)
        }));
        Ok(Self { address, stage, accepting })
    }

    /// `127.0.0.1:<port>`, as the label `instance` names it.
    pub fn instance(&self) -> String {
        self.address.to_string()
    }

    /// The page's address.
    pub fn url(&self) -> String {
        format!("http://{}/metrics", self.address)
    }

    /// How many scrapes were answered or refused so far.
    pub fn scrapes(&self) -> usize {
        *self.stage.scrapes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers with the frame of this index from now on, whatever the time; `None` goes back to the play.
    pub fn pin(&self, frame: Option<usize>) {
        *self.stage.pinned.lock().unwrap_or_else(PoisonError::into_inner) = frame;
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        self.stage.closing.store(true, Ordering::Release);
        // The accepting thread waits in accept; one more connection wakes it.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.accepting.take() {
            let _ = thread.join();
        }
    }
}

fn accept(listener: &TcpListener, stage: &Arc<Stage>) {
    while let Ok((connection, _)) = listener.accept() {
        if stage.closing.load(Ordering::Acquire) {
            return;
        }
        let stage = Arc::clone(stage);
        // A client that stays away costs its own thread, not the next scrape. A failed exchange is the client's affair.
        thread::spawn(move || answer(connection, &stage));
    }
}

fn answer(mut connection: TcpStream, stage: &Stage) -> io::Result<()> {
    connection.set_read_timeout(Some(Duration::from_secs(5)))?;
    connection.set_write_timeout(Some(Duration::from_secs(5)))?;
    let mut request = Vec::new();
    let mut part = [0; 2048];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        let count = connection.read(&mut part)?;
        if count == 0 || request.len() > 16_384 {
            return Ok(());
        }
        request.extend_from_slice(part.get(..count).unwrap_or_default());
    }
    if !request.starts_with(b"GET /metrics ") {
        return respond(&mut connection, "404 Not Found", "");
    }
    match stage.next_page() {
        Some(page) => respond(&mut connection, "200 OK", &page),
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
        let scrape = {
            let mut scrapes = self.scrapes.lock().unwrap_or_else(PoisonError::into_inner);
            *scrapes += 1;
            *scrapes - 1
        };
        let began = *self.began.get_or_init(SystemTime::now);
        let pinned = *self.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        let frame = match pinned {
            Some(index) => self.recording.frames().get(index),
            None => self.frame_at(scrape, began.elapsed().unwrap_or_default()),
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

    /// The frame of a scrape, counted from 0, made this long after the first.
    fn frame_at(&self, scrape: usize, played: Duration) -> Option<&Frame> {
        let frames = self.recording.frames();
        match self.play {
            Play::Live { speed } => {
                let at_ms = self.recording.first_ms() + (played.as_secs_f64() * 1000.0 * speed) as i64;
                frames.iter().rfind(|frame| frame.at_ms <= at_ms)
            }
            Play::Stamped { .. } => {
                let mut pages = frames.iter().filter(|frame| frame.page.is_some());
                let last = pages.clone().next_back();
                pages.nth(scrape).or(last)
            }
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

    /// The body of the answer to a scrape; nothing where the connection was closed without one.
    fn scraped(replay: &Replay) -> String {
        let mut connection = TcpStream::connect(replay.address).expect("a connection");
        connection.write_all(b"GET /metrics HTTP/1.1\r\nHost: replay\r\n\r\n").expect("a request");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("an answer");
        answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
    }

    #[test]
    fn stamped_pages_come_one_by_one_and_the_last_stays() {
        let recording = Recording::vllm().expect("the fixture");
        let (first_ms, last_ms) = (recording.pages().next().expect("a page").0, recording.last_ms());
        let replay = Replay::start(recording, Play::Stamped { last_ms: 2_000_000_000_000 }, 0).expect("a port");
        let start = "process_start_time_seconds 1.79531964907e+09 ";
        assert!(scraped(&replay).contains(&format!("{start}{}\n", 2_000_000_000_000 - last_ms + first_ms)));
        for _ in 1..77 {
            scraped(&replay);
        }
        let last = scraped(&replay);
        assert!(last.contains("process_start_time_seconds 1.79531997239e+09 2000000000000\n"));
        assert_eq!(scraped(&replay), last);
        assert_eq!(replay.scrapes(), 79);
    }

    #[test]
    fn a_live_replay_begins_refusing_and_moves_the_times_in_its_pages() {
        let recording = Recording::vllm().expect("the fixture");
        let last = recording.frames().len() - 1;
        let replay = Replay::start(recording, Play::Live { speed: 1.0 }, 0).expect("a port");
        assert_eq!(scraped(&replay), "");
        replay.pin(Some(last));
        let page = scraped(&replay);
        let line = page.lines().find_map(|line| line.strip_prefix("process_start_time_seconds ")).expect("the time");
        let began_s: f64 = line.parse().expect("a number");
        let now_s = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock").as_secs_f64();
        // The recorded engine started again 322.764 s after the recording's first scrape.
        assert!((began_s - now_s - 322.764).abs() < 5.0, "{began_s} {now_s}");
        assert!(page.contains("vllm:num_requests_running{engine=\"0\",model_name=\"tiny-llama\"} 0.0\n"));
    }
}
