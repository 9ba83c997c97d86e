//! A child process that does not outlive the test that started it.
use crate::{FixtureError, Result};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{io, thread};

/// The number of output lines that are kept.
const MAX_LINES: usize = 2000;
/// The time that a process gets to exit after SIGTERM.
const GRACE: Duration = Duration::from_secs(10);

/// The process. Dropping it sends SIGTERM, and SIGKILL if the process does not exit within ten seconds.
#[derive(Debug)]
pub struct Process {
    program: &'static str,
    child: Child,
    lines: Arc<Mutex<VecDeque<String>>>,
    readers: Vec<JoinHandle<()>>,
}

impl Process {
    /// Starts `command`, which errors call `program`, without standard input. Keeps its output.
    ///
    /// # Errors
    /// When the program is not installed or cannot be started.
    pub fn start(program: &'static str, mut command: Command) -> Result<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| start_error(program, error))?;
        let lines = Arc::new(Mutex::new(VecDeque::new()));
        let mut readers = Vec::new();
        readers.extend(child.stdout.take().map(|stdout| keep_lines(stdout, &lines)));
        readers.extend(child.stderr.take().map(|stderr| keep_lines(stderr, &lines)));
        Ok(Self { program, child, lines, readers })
    }

    /// Waits for a line of output that contains `before` and returns the word that follows; programs print the port
    /// that they use in this way.
    ///
    /// # Errors
    /// When the process exits or `limit` passes without such a line.
    pub async fn word_after(&mut self, before: &str, limit: Duration) -> Result<String> {
        let end = Instant::now() + limit;
        loop {
            // The order matters: the output is complete once the process has exited and the readers have finished.
            let exited = self.child.try_wait().ok().flatten();
            let is_read = self.readers.iter().all(JoinHandle::is_finished);
            let word = |line: &String| Some(line.split_once(before)?.1.split_whitespace().next()?.to_owned());
            match (self.lines().iter().find_map(word), exited) {
                (Some(word), _) => return Ok(word),
                (None, Some(status)) if is_read => return Err(self.error(format!("exited early with {status}"))),
                _ if Instant::now() >= end => return Err(self.error(format!("did not print {before:?} in {limit:?}"))),
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    /// Fails with the output of the process if it has exited.
    pub(crate) fn check_running(&mut self) -> Result<()> {
        match self.child.try_wait() {
            Ok(Some(status)) => Err(self.error(format!("exited early with {status}"))),
            _ => Ok(()),
        }
    }

    /// The last lines of its standard output and standard error.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Suspends the process until [`Process::resume`]: it keeps its connections and does not respond.
    ///
    /// # Errors
    /// When the process cannot be signalled.
    pub fn pause(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Continues after [`Process::pause`].
    ///
    /// # Errors
    /// When the process cannot be signalled.
    pub fn resume(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    /// Ends the process with SIGKILL, as a machine that loses power would, and waits for its end.
    ///
    /// # Errors
    /// When the process cannot be signalled.
    pub fn kill(mut self) -> Result<()> {
        let killed = self.child.kill().and_then(|()| self.child.wait());
        killed.map(|_| ()).map_err(FixtureError::io(format!("cannot kill {}", self.program)))
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let sent = kill_process(Pid::from_child(&self.child), signal);
        sent.map_err(|error| FixtureError::io(format!("cannot signal {}", self.program))(error.into()))
    }

    /// Sends SIGTERM, waits for the process to exit and returns its status.
    ///
    /// # Errors
    /// When it does not exit within ten seconds.
    pub fn stop(mut self) -> Result<ExitStatus> {
        self.terminate().ok_or_else(|| self.error(format!("did not exit within {GRACE:?} of SIGTERM")))
    }

    fn terminate(&mut self) -> Option<ExitStatus> {
        if let Ok(Some(status)) = self.child.try_wait() {
            return Some(status);
        }
        // The signal can fail only because the process has just exited.
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
        if self.terminate().is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Runs a program until it exits and returns its standard output.
///
/// # Errors
/// When the program, which errors call `program`, is not installed or fails.
pub(crate) fn run(program: &'static str, mut command: Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| start_error(program, error))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(FixtureError::Program {
        program,
        what: format!("exited with {}", output.status),
        output: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

fn start_error(program: &'static str, source: io::Error) -> FixtureError {
    match source.kind() {
        io::ErrorKind::NotFound => FixtureError::Absent(program),
        _ => FixtureError::Io { what: format!("cannot start {program}"), source },
    }
}

/// Reads until the stream closes, so that the process never blocks on a full pipe.
fn keep_lines(stream: impl Read + Send + 'static, lines: &Arc<Mutex<VecDeque<String>>>) -> JoinHandle<()> {
    let lines = Arc::clone(lines);
    thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n').map_while(io::Result::ok) {
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            if lines.len() == MAX_LINES {
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
    async fn a_word_of_the_output_is_returned_and_stop_ends_the_process() {
        let mut process = shell("echo listening on 127.0.0.1:12 now; exec sleep 60");
        let word = process.word_after("listening on ", Duration::from_secs(10)).await.expect("the word");
        assert_eq!(word, "127.0.0.1:12");
        assert!(!process.stop().expect("an exit status").success());
    }

    #[tokio::test]
    async fn an_early_exit_is_reported_with_the_output() {
        let error = shell("echo out of luck >&2; exit 3").word_after("ready", Duration::from_secs(10)).await;
        let message = error.expect_err("no word").to_string();
        assert!(message.contains("exit status: 3") && message.contains("out of luck"), "{message}");
    }

    #[test]
    fn a_program_that_is_not_installed_is_reported() {
        let started = Process::start("nothing", Command::new("no-such-program-anywhere"));
        assert!(matches!(started, Err(FixtureError::Absent("nothing"))));
    }
}
