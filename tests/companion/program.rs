//! Runs the companion as a process of its own, whose memory can be measured and which can be killed.
use crate::harness::http;
use inferboard_tests::PATIENCE;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, BufReader};

/// The path of the program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_inferboard-server");

/// The program to run: the one that `INFERBOARD_SERVER` names, by default the one of this build.
fn program() -> OsString {
    std::env::var_os("INFERBOARD_SERVER").unwrap_or_else(|| PROGRAM.into())
}

/// A running program; killed when dropped.
pub(crate) struct Program {
    child: Child,
    address: String,
}

impl Program {
    /// Starts the program with `flags` and a configuration file, and waits until it prints its address.
    pub(crate) async fn start(flags: &[&str], config: &Path) -> Self {
        Self::start_command(Command::new(program()).args(flags).arg("--config").arg(config)).await
    }

    /// Like `start`, with its log in the file `log`.
    pub(crate) async fn start_logged(flags: &[&str], config: &Path, log: &Path) -> Self {
        let log = std::fs::File::create(log).expect("a log");
        Self::start_with(Command::new(program()).args(flags).arg("--config").arg(config), log.into()).await
    }

    /// Like `start`, for a prepared command.
    pub(crate) async fn start_command(command: &mut Command) -> Self {
        Self::start_with(command, Stdio::null()).await
    }

    async fn start_with(command: &mut Command, log: Stdio) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().expect("the program");
        let out = tokio::process::ChildStdout::from_std(child.stdout.take().expect("its output")).expect("a pipe");
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).await.expect("its first line");
        let address = line.trim().rsplit("://").next().unwrap_or_default().trim_end_matches('/').to_owned();
        Self { child, address }
    }

    /// The series of an instant query.
    pub(crate) async fn series(&self, query: &str) -> Vec<Value> {
        let url = format!("http://{}/api/v1/query", self.address);
        let response = http().get(url).query(&[("query", query)]).send().await.expect("an answer");
        let answer: Value = serde_json::from_slice(&response.bytes().await.expect("a body")).expect("json");
        answer["data"]["result"].as_array().unwrap_or_else(|| panic!("{answer}")).clone()
    }

    /// The values of an instant query, in no particular order.
    pub(crate) async fn values(&self, query: &str) -> Vec<String> {
        let values = self.series(query).await.into_iter();
        values.map(|series| series["value"][1].as_str().unwrap_or("?").to_owned()).collect()
    }

    /// Waits until the values of a query are `expected`, and returns how long that took.
    pub(crate) async fn wait_for(&self, query: &str, expected: &[&str]) -> Duration {
        let began = Instant::now();
        loop {
            let values = self.values(query).await;
            if values == expected {
                return began.elapsed();
            }
            assert!(began.elapsed() < PATIENCE, "{query} is {values:?}, not {expected:?}");
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// The address on which the program listens.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The process ID.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("a process");
    }

    /// Ends the program with SIGTERM, and returns how long that took.
    pub(crate) async fn stop(mut self) -> Duration {
        let began = Instant::now();
        self.signal(Signal::TERM);
        while self.child.try_wait().expect("an exit status").is_none() {
            assert!(began.elapsed() < PATIENCE, "the program does not end");
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        began.elapsed()
    }

    /// Waits until the program ends, and returns its exit code.
    pub(crate) async fn wait(mut self) -> Option<i32> {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("an exit status") {
                return status.code();
            }
            assert!(began.elapsed() < PATIENCE, "the program does not end");
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// The peak of its memory.
    pub(crate) fn peak_kib(&self) -> u64 {
        self.status("VmHWM:")
    }

    /// The number of its threads.
    pub(crate) fn resident_kib(&self) -> u64 {
        self.status("VmRSS:")
    }

    pub(crate) fn threads(&self) -> u64 {
        self.status("Threads:")
    }

    fn status(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("a process");
        let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("a field");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // The program may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
