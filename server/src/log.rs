//! The log on standard error. A thread writes it, so that a terminal or pipe that takes nothing holds up nothing, and what
//! could act on a terminal is escaped.
use crate::terminal;
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// The log filter unless `RUST_LOG` is set. The Kubernetes client repeats its warnings at every attempt; the companion
/// logs each failure once.
const DEFAULT_FILTER: &str = "info,kube_client=error,kube_runtime=error";

/// How much may wait to be written. Further lines are dropped and counted.
const MAX_WAITING_BYTES: usize = 1 << 20;

/// The log. It can be flushed at the end.
#[derive(Clone)]
pub struct Log(Arc<Shared>);

struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    lines: VecDeque<String>,
    bytes: usize,
    dropped: u64,
    is_writing: bool,
}

/// Logs to standard error from now on.
///
/// # Errors
/// If the system has no thread for it.
pub fn start() -> io::Result<Log> {
    let log = Log::start(io::stderr())?;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).with_env_filter(filter).init();
    Ok(log)
}

impl Log {
    fn start(mut out: impl Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared { waiting: Mutex::default(), changed: Condvar::new() });
        let own = Arc::clone(&shared);
        std::thread::Builder::new().name("log".into()).spawn(move || {
            loop {
                let text = own.next();
                // There is nowhere else to report a failure.
                let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            }
        })?;
        Ok(Self(shared))
    }

    /// Waits until everything is written, for `limit` at most.
    pub fn flush(&self, limit: Duration) {
        let end = Instant::now() + limit;
        let mut waiting = self.0.waiting.lock();
        while !waiting.lines.is_empty() || waiting.is_writing {
            if self.0.changed.wait_until(&mut waiting, end).timed_out() {
                return;
            }
        }
    }

    fn push(&self, line: String) {
        let mut waiting = self.0.waiting.lock();
        if waiting.bytes + line.len() > MAX_WAITING_BYTES {
            waiting.dropped += 1;
            return;
        }
        waiting.bytes += line.len();
        waiting.lines.push_back(line);
        drop(waiting);
        self.0.changed.notify_all();
    }
}

impl Shared {
    /// The next lines to write, as soon as there are some.
    fn next(&self) -> String {
        let mut waiting = self.waiting.lock();
        waiting.is_writing = false;
        self.changed.notify_all();
        while waiting.lines.is_empty() {
            self.changed.wait(&mut waiting);
        }
        waiting.is_writing = true;
        waiting.bytes = 0;
        let mut text: String = std::mem::take(&mut waiting.lines).into_iter().collect();
        let dropped = std::mem::take(&mut waiting.dropped);
        if dropped > 0 {
            text.push_str(&format!("{dropped} lines of the log were dropped: standard error did not take them\n"));
        }
        text
    }
}

/// The text of one event.
pub struct Event {
    log: Log,
    text: Vec<u8>,
}

impl Write for Event {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        if !self.text.is_empty() {
            // An event is one line, whatever it quotes.
            let text = self.text.strip_suffix(b"\n").unwrap_or(&self.text);
            self.log.push(format!("{}\n", terminal::one_line(&String::from_utf8_lossy(text))));
        }
    }
}

impl<'w> MakeWriter<'w> for Log {
    type Writer = Event;

    fn make_writer(&'w self) -> Event {
        Event { log: self.clone(), text: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// Takes a write only when it is told to.
    struct Slow {
        turns: mpsc::Receiver<()>,
        written: Arc<Mutex<String>>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.turns.recv();
            self.written.lock().push_str(&String::from_utf8_lossy(bytes));
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn log(log: &Log, text: &str) {
        log.make_writer().write_all(text.as_bytes()).expect("memory");
    }

    #[test]
    fn a_terminal_that_takes_nothing_holds_up_nothing() {
        let ((turn, turns), written) = (mpsc::channel(), Arc::<Mutex<String>>::default());
        let own = Log::start(Slow { turns, written: Arc::clone(&written) }).expect("a thread");
        let began = Instant::now();
        for number in 0..20_000 {
            log(&own, &format!("{number} {}\n", "x".repeat(100)));
        }
        own.flush(Duration::from_millis(10));
        assert!(began.elapsed() < Duration::from_secs(10));
        assert_eq!(written.lock().len(), 0);
        (0..3).for_each(|_| turn.send(()).expect("a writer"));
        own.flush(Duration::from_secs(60));
        assert!(written.lock().starts_with("0 xxx") && written.lock().contains(" lines of the log were dropped"));
        assert!(written.lock().len() < 2 * MAX_WAITING_BYTES);
    }

    #[test]
    fn an_event_is_one_line_that_does_not_act_on_a_terminal() {
        let ((turn, turns), written) = (mpsc::channel(), Arc::<Mutex<String>>::default());
        let own = Log::start(Slow { turns, written: Arc::clone(&written) }).expect("a thread");
        turn.send(()).expect("a writer");
        log(&own, "INFO target=\u{1b}[2J\nINFO forged\n");
        own.flush(Duration::from_secs(60));
        assert_eq!(*written.lock(), "INFO target=\\u{1b}[2J\\nINFO forged\n");
    }
}
