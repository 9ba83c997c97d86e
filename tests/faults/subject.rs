//! The programs that rows are tried on: the companion, and its peers where they are installed.
use crate::wire::{get, percent};
use serde_json::Value;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a program may take to start, or a query to have the expected result.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// Which program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Companion,
    Prometheus,
    VictoriaMetrics,
}

/// The peers, with the names for the table.
pub(crate) const PEERS: [(Kind, &str); 2] =
    [(Kind::Prometheus, "prometheus"), (Kind::VictoriaMetrics, "victoria-metrics")];

/// How a program is started.
#[derive(Clone, Debug, Default)]
pub(crate) struct Setup {
    /// The URLs to scrape and how often.
    pub(crate) targets: Vec<(String, Duration)>,
    /// More lines of the companion's configuration, before those of the targets.
    pub(crate) config: String,
    /// More lines after each target.
    pub(crate) per_target: String,
    pub(crate) flags: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
}

impl Setup {
    /// Scrapes these URLs every second.
    pub(crate) fn of(urls: &[String]) -> Self {
        Self { targets: urls.iter().map(|url| (url.clone(), Duration::from_secs(1))).collect(), ..Self::default() }
    }
}

/// A running program, which is killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Subject {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) folder: TempDir,
}

impl Subject {
    /// Starts the companion.
    pub(crate) fn companion(setup: &Setup) -> Self {
        Self::start(Kind::Companion, setup).expect("the companion")
    }

    /// Starts a program; none if it is not installed.
    pub(crate) fn start(kind: Kind, setup: &Setup) -> Option<Self> {
        Self::start_by(kind, setup, &|program, arguments| {
            let mut command = Command::new(program);
            command.args(arguments);
            command
        })
    }

    /// Starts the companion by a command that ends by becoming it.
    pub(crate) fn started_by(setup: &Setup, by: &dyn Fn(&OsStr, &[String]) -> Command) -> Option<Self> {
        Self::start_by(Kind::Companion, setup, by)
    }

    fn start_by(kind: Kind, setup: &Setup, by: &dyn Fn(&OsStr, &[String]) -> Command) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port");
        let log = fs::File::create(folder.path().join("log")).expect("a log");
        let plain = command(kind, setup, &folder, free)?;
        let arguments: Vec<String> = plain.get_args().map(|argument| argument.to_string_lossy().into_owned()).collect();
        let mut command = by(plain.get_program(), &arguments);
        command.current_dir(folder.path());
        command.envs(setup.env.iter().cloned()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = command.spawn().ok()?;
        let mut own = Self { child, address: free, folder };
        let ready = if kind == Kind::VictoriaMetrics { "/health" } else { "/-/ready" };
        let began = Instant::now();
        while get(own.address, ready).status != 200 {
            let is_running = matches!(own.child.try_wait(), Ok(None));
            assert!(is_running && began.elapsed() < MAX_WAIT, "{kind:?} does not start: {}", own.log());
            thread::sleep(Duration::from_millis(50));
        }
        Some(own)
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read(self.folder.path().join("log"))
            .map(|log| String::from_utf8_lossy(&log).into_owned())
            .unwrap_or_default()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Memory in MiB: now, and the most so far.
    pub(crate) fn rss_mib(&self) -> u64 {
        self.status("VmRSS:") >> 10
    }

    pub(crate) fn peak_mib(&self) -> u64 {
        self.status("VmHWM:") >> 10
    }

    pub(crate) fn threads(&self) -> u64 {
        self.status("Threads:")
    }

    pub(crate) fn files(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id())).map_or(0, Iterator::count)
    }

    fn status(&self, field: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse().unwrap_or_default()
    }

    /// The series of an instant query.
    pub(crate) fn series(&self, query: &str) -> Vec<Value> {
        let answer = get(self.address, &format!("/api/v1/query?query={}", percent(query)));
        let answer: Value = serde_json::from_slice(&unchunked(&answer)).unwrap_or_default();
        answer["data"]["result"].as_array().cloned().unwrap_or_default()
    }

    /// The values of an instant query.
    pub(crate) fn values(&self, query: &str) -> Vec<String> {
        let value = |series: &Value| series["value"][1].as_str().unwrap_or("?").to_owned();
        self.series(query).iter().map(value).collect()
    }

    /// The one value of an instant query as a number; NaN without one.
    pub(crate) fn number(&self, query: &str) -> f64 {
        self.values(query).first().and_then(|text| text.parse().ok()).unwrap_or(f64::NAN)
    }

    /// Waits until a query has these values. Returns whether it did in time.
    pub(crate) fn wait_for(&self, query: &str, expected: &[&str]) -> bool {
        let began = Instant::now();
        while self.values(query) != expected {
            if began.elapsed() > MAX_WAIT {
                return false;
            }
            thread::sleep(Duration::from_millis(100));
        }
        true
    }

    /// Ends it with SIGTERM, and returns how long that took; none if it took more than `limit`.
    pub(crate) fn stop(mut self, limit: Duration) -> Option<Duration> {
        let began = Instant::now();
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).ok()?;
        while began.elapsed() < limit {
            if let Ok(Some(_)) = self.child.try_wait() {
                return Some(began.elapsed());
            }
            thread::sleep(Duration::from_millis(10));
        }
        None
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The body of an answer, without the framing of chunks.
fn unchunked(answer: &crate::wire::Answer) -> Vec<u8> {
    if answer.header("transfer-encoding") != "chunked" {
        return answer.body.clone();
    }
    let (mut rest, mut body) = (&answer.body[..], Vec::new());
    while let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") {
        let size = std::str::from_utf8(&rest[..end]).ok().and_then(|text| usize::from_str_radix(text, 16).ok());
        let Some(piece) = size.filter(|size| *size > 0).and_then(|size| rest.get(end + 2..end + 2 + size)) else {
            break;
        };
        body.extend_from_slice(piece);
        rest = rest.get(end + 4 + piece.len()..).unwrap_or_default();
    }
    body
}

/// The companion: the one that `INFERBOARD_SERVER` names, or else the one that cargo builds.
pub(crate) fn program() -> PathBuf {
    inferboard_tests::Companion::program().expect("the companion").clone()
}

fn command(kind: Kind, setup: &Setup, folder: &TempDir, listen: SocketAddr) -> Option<Command> {
    let (config, data) = (folder.path().join("config"), folder.path().join("data"));
    let (config_text, command) = match kind {
        Kind::Companion => {
            let mut command = Command::new(program());
            command.args(["--no-gpus", "--no-discovery", "--listen", &listen.to_string()]);
            command.arg("--config").arg(&config).arg("--data-dir").arg(&data).args(&setup.flags);
            (companion_config(setup), command)
        }
        Kind::Prometheus => {
            let mut command = Command::new(found("prometheus")?);
            command.arg(format!("--config.file={}", config.display()));
            command
                .arg(format!("--storage.tsdb.path={}", data.display()))
                .arg(format!("--web.listen-address={listen}"));
            (peer_config(setup), command)
        }
        Kind::VictoriaMetrics => {
            let mut command = Command::new(found("victoria-metrics")?);
            command.arg(format!("-promscrape.config={}", config.display())).arg("-search.latencyOffset=0s");
            command.arg(format!("-storageDataPath={}", data.display())).arg(format!("-httpListenAddr={listen}"));
            (peer_config(setup), command)
        }
    };
    fs::write(&config, config_text).expect("a file");
    Some(command)
}

fn found(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|path| path.is_file())
}

fn companion_config(setup: &Setup) -> String {
    let mut text = format!("scrape_interval = \"1s\"\n{}\n", setup.config);
    for (number, (url, interval)) in setup.targets.iter().enumerate() {
        let _ = writeln!(
            text,
            "[[targets]]\nurl = \"{url}\"\nreplica = \"r{number}\"\nscrape_interval = \"{}ms\"",
            interval.as_millis()
        );
        let _ = writeln!(text, "{}", setup.per_target);
    }
    text
}

fn peer_config(setup: &Setup) -> String {
    let mut text = "global:\n  scrape_interval: 1s\n  scrape_timeout: 1s\nscrape_configs:\n".to_owned();
    for (number, (url, interval)) in setup.targets.iter().enumerate() {
        let rest = url.strip_prefix("http://").unwrap_or(url);
        let (address, path) = rest.split_once('/').unwrap_or((rest, "metrics"));
        let interval = interval.as_millis();
        let _ = writeln!(
            text,
            "- job_name: 'r{number}'\n  scrape_interval: {interval}ms\n  scrape_timeout: {interval}ms\n  metrics_path: /{path}\n  static_configs: [{{targets: ['{address}']}}]"
        );
    }
    text
}
