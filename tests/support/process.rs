//! A child process that ends with the test that started it.
use crate::{FixtureError, Result};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    collections::VecDeque,
    io::{self, BufRead, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// Lines kept of what a process writes.
const KEPT_LINES: usize = 2000;
/// What a process gets to end by itself.
const GRACE: Duration = Duration::from_secs(10);

/// The process. Dropped, it is asked to end, and killed when it does not within ten seconds.
#[derive(Debug)]
pub struct Process {
    program: &'static str,
    child: Child,
    lines: Arc<Mutex<VecDeque<String>>>,
    readers: Vec<JoinHandle<()>>,
}

impl Process {
    /// Starts `command`, known as `program` in errors, without standard input; what it writes is kept.
    ///
    /// # Errors
    /// When the program is absent or cannot be started.
    pub fn start(program: &'static str, mut command: Command) -> Result<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| start_error(program, error))?;
        let lines = Arc::new(Mutex::new(VecDeque::new()));
        let mut readers = Vec::new();
        readers.extend(child.stdout.take().map(|stdout| keep_lines(stdout, &lines)));
        readers.extend(child.stderr.take().map(|stderr| keep_lines(stderr, &lines)));
        Ok(Self { program, child, lines, readers })
    }

    /// What follows `before` in the first line that holds it, up to the next white space: how programs tell the
    /// port that they were given.
    ///
    /// # Errors
    /// When the process ends, or `limit` passes, without such a line.
    pub async fn word_after(&mut self, before: &str, limit: Duration) -> Result<String> {
        let end = Instant::now() + limit;
        loop {
            // In this order: what it wrote is complete once it has ended and the readers are through.
            let ended = self.child.try_wait().ok().flatten();
            let read = self.readers.iter().all(JoinHandle::is_finished);
            let word = |line: &String| Some(line.split_once(before)?.1.split_whitespace().next()?.to_owned());
            match (self.lines().iter().find_map(word), ended) {
                (Some(word), _) => return Ok(word),
                (None, Some(status)) if read => return Err(self.error(format!("ended early with {status}"))),
                _ if Instant::now() >= end => return Err(self.error(format!("did not say {before:?} in {limit:?}"))),
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    /// Fails, with what it wrote, when it has ended.
    pub(crate) fn check_running(&mut self) -> Result<()> {
        match self.child.try_wait() {
            Ok(Some(status)) => Err(self.error(format!("ended early with {status}"))),
            _ => Ok(()),
        }
    }

    /// The last lines that it wrote, to either stream.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Makes it stand still until [`Process::resume`]: it holds its connections and answers nothing.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn pause(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on after [`Process::pause`].
    ///
    /// # Errors
    /// When the system refuses.
    pub fn resume(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let sent = kill_process(Pid::from_child(&self.child), signal);
        sent.map_err(|error| FixtureError::io(format!("cannot signal {}", self.program))(error.into()))
    }

    /// Asks it to end and waits for that; its status.
    ///
    /// # Errors
    /// When it does not end within ten seconds.
    pub fn stop(mut self) -> Result<ExitStatus> {
        self.ended().ok_or_else(|| self.error(format!("did not end within {GRACE:?} of SIGTERM")))
    }

    fn ended(&mut self) -> Option<ExitStatus> {
        if let Ok(Some(status)) = self.child.try_wait() {
            return Some(status);
        }
        // A process that ended in between is the one thing that can refuse the signal.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let end = Instant::now() + GRACE;
        while Instant::now() < end {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            thread::sleep(Duration::from_millis(20));
        }
        None
    }

    fn error(&self, what: String) -> FixtureError {
        FixtureError::Program { program: self.program, what, output: self.lines().join("\n") }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ended().is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Runs a program to its end; what it printed.
///
/// # Errors
/// When the program, known as `program` in errors, is absent or fails.
pub(crate) fn run(program: &'static str, mut command: Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| start_error(program, error))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(FixtureError::Program {
        program,
        what: format!("ended with {}", output.status),
        output: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

fn start_error(program: &'static str, source: io::Error) -> FixtureError {
    match source.kind() {
        io::ErrorKind::NotFound => FixtureError::Absent(program),
        _ => FixtureError::Io { what: format!("cannot start {program}"), source },
    }
}

/// Reads on until the stream closes, so that the process never waits for a reader.
fn keep_lines(stream: impl Read + Send + 'static, lines: &Arc<Mutex<VecDeque<String>>>) -> JoinHandle<()> {
    let lines = Arc::clone(lines);
    thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n').map_while(io::Result::ok) {
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            if lines.len() == KEPT_LINES {
                lines.pop_front();
            }
            lines.push_back(String::from_utf8_lossy(&line).into_owned());
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Process::start("sh", command).expect("a shell")
    }

    #[tokio::test]
    async fn a_process_tells_its_word_and_ends_when_asked() {
        let mut process = shell("echo listening on 127.0.0.1:12 now; exec sleep 60");
        let word = process.word_after("listening on ", Duration::from_secs(10)).await.expect("the word");
        assert_eq!(word, "127.0.0.1:12");
        assert!(!process.stop().expect("an end").success());
    }

    #[tokio::test]
    async fn an_early_end_is_told_with_the_output() {
        let error = shell("echo out of luck >&2; exit 3").word_after("ready", Duration::from_secs(10)).await;
        let told = error.expect_err("no word").to_string();
        assert!(told.contains("exit status: 3") && told.contains("out of luck"), "{told}");
    }

    #[test]
    fn an_absent_program_is_told() {
        let started = Process::start("nothing", Command::new("no-such-program-anywhere"));
        assert!(matches!(started, Err(FixtureError::Absent("nothing"))));
    }
}
