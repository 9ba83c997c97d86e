//! Tests that what hangs holds up nothing else: files that do not answer, clients that do not read, and the end of the
//! process. A pipe that nothing writes to stands for storage that went away: opening it never ends.
use crate::harness::{FakeTarget, http};
use crate::program::Program;
use inferboard_tests::PATIENCE;
use rustix::process::Signal;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};

/// Within this time the process must end.
const MAX_STOP: Duration = Duration::from_secs(5);

/// More threads than it has without anything that hangs, and fewer than one for each thing.
const MAX_THREADS: u64 = 70;

/// Replaces the file by a pipe.
fn make_hang(path: &Path) {
    fs::remove_file(path).expect("a file");
    assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo").success());
}

/// How long ago the newest file of the store was written.
fn log_age(folder: &Path) -> Duration {
    let files = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file").metadata());
    let newest = files.filter_map(|file| file.ok()?.modified().ok()).max().expect("a file");
    SystemTime::now().duration_since(newest).unwrap_or_default()
}

async fn wait_for_log(log: &Path, words: &str) {
    let began = Instant::now();
    while !fs::read_to_string(log).expect("a log").contains(words) {
        assert!(began.elapsed() < PATIENCE, "no {words:?} in {}", fs::read_to_string(log).expect("a log"));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

struct Scene {
    folder: tempfile::TempDir,
    config: PathBuf,
    log: PathBuf,
    data: PathBuf,
}

impl Scene {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let [config, log, data] = ["inferboard.toml", "log", "data"].map(|name| folder.path().join(name));
        let head = "listen = \"127.0.0.1:0\"\nscrape_interval = \"500ms\"\ndiscovery = false\ngpus = false\n";
        fs::write(&config, format!("{head}{text}").replace("FOLDER", &folder.path().display().to_string()))
            .expect("a file");
        Self { folder, config, log, data }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn start(&self) -> Program {
        let data = self.data.display().to_string();
        Program::start_logged(&["--data-dir", &data], &self.config, &self.log).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_that_hang_hold_up_neither_queries_nor_the_log_nor_the_end() {
    let (target, good) = (FakeTarget::serving("a 1\n").await, FakeTarget::serving("good 1\n").await);
    let mut text = format!("[[targets]]\nurl = \"{}\"\n", good.url());
    // Each has a file of its own, and all are on the same storage.
    for number in 0..80 {
        let (url, file) = (format!("{}/{number}", target.url()), format!("FOLDER/token{number}"));
        let _ = write!(text, "[[targets]]\nurl = \"{url}\"\nreplica = \"r{number}\"\n");
        let _ = writeln!(text, "authorization = {{ credentials_file = \"{file}\" }}");
    }
    let scene = Scene::new(&text);
    let files: Vec<PathBuf> = (0..80).map(|number| scene.path(&format!("token{number}"))).collect();
    files.iter().for_each(|file| fs::write(file, "secret").expect("a file"));
    let program = scene.start().await;
    program.wait_for("count(a == 1)", &["80"]).await;
    files.iter().for_each(|file| make_hang(file));
    // Long enough for each target to be scraped some times.
    tokio::time::sleep(Duration::from_secs(4)).await;
    for _ in 0..10 {
        let began = Instant::now();
        // The previous credentials are used.
        assert_eq!(program.values("min(sum_over_time(up{job=\"targets\"}[2s])) > bool 0").await, ["1"]);
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        assert!(log_age(&scene.data) < Duration::from_secs(2), "{:?}", log_age(&scene.data));
        assert!(program.threads() < MAX_THREADS, "{} threads", program.threads());
    }
    let before_s = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a time").as_secs_f64();
    assert!(program.stop().await < MAX_STOP);
    files.iter().for_each(|file| fs::remove_file(file).expect("a pipe"));
    files.iter().for_each(|file| fs::write(file, "secret").expect("a file"));
    let again = scene.start().await;
    let query = format!("timestamp(last_over_time(good[1m] @ {before_s:.3}))");
    let newest_s: f64 = again.values(&query).await.first().and_then(|text| text.parse().ok()).expect("a sample");
    assert!(newest_s > before_s - 2.0, "the newest sample is {} s old", before_s - newest_s);
}

#[tokio::test]
async fn a_target_file_that_hangs_holds_up_neither_others_nor_a_reload() {
    let (first, second) = (FakeTarget::serving("first 1\n").await, FakeTarget::serving("second 1\n").await);
    let scene = Scene::new("file_sd = [\"FOLDER/targets/*.json\"]\n");
    fs::create_dir(scene.path("targets")).expect("a folder");
    let list = |target: &FakeTarget| format!("[{{\"targets\": [\"{}\"]}}]", target.instance());
    for name in ["a.json", "b.json", "c.json"] {
        fs::write(scene.path("targets").join(name), "[]").expect("a file");
    }
    let program = scene.start().await;
    wait_for_log(&scene.log, "c.json").await;
    make_hang(&scene.path("targets").join("b.json"));
    fs::write(scene.path("targets").join("c.json"), list(&first)).expect("a file");
    program.wait_for("first", &["1"]).await;
    let text = fs::read_to_string(&scene.config).expect("a file");
    fs::write(&scene.config, format!("{text}[[targets]]\nurl = \"{}\"\n", second.url())).expect("a file");
    program.signal(Signal::HUP);
    program.wait_for("second", &["1"]).await;
    program.wait_for("first", &["1"]).await;
    wait_for_log(&scene.log, "it does not answer").await;
    // So does the configuration itself.
    make_hang(&scene.config);
    program.signal(Signal::HUP);
    wait_for_log(&scene.log, "cannot be read within").await;
    program.wait_for("second", &["1"]).await;
    assert!(program.threads() < MAX_THREADS);
    assert!(program.stop().await < MAX_STOP);
}

#[tokio::test]
async fn a_folder_of_history_that_is_removed_is_made_again() {
    let target = FakeTarget::serving("good 1\n").await;
    let scene = Scene::new(&format!("[[targets]]\nurl = \"{}\"\n", target.url()));
    let program = scene.start().await;
    program.wait_for("count_over_time(good[1m]) >= bool 3", &["1"]).await;
    let began = Instant::now();
    fs::remove_dir_all(&scene.data).expect("a folder");
    wait_for_log(&scene.log, "the folder of the history was removed").await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    wait_for_log(&scene.log, "the folder of the history was made again").await;
    let before: usize = program.values("count_over_time(good[10m])").await[0].parse().expect("a number");
    program.wait_for(&format!("count_over_time(good[10m]) >= bool {}", before + 3), &["1"]).await;
    program.signal(Signal::KILL);
    assert_eq!(program.wait().await, None);
    let again = scene.start().await;
    again.wait_for(&format!("count_over_time(good[10m]) >= bool {}", before + 2), &["1"]).await;
}

/// A connection of another client that requests `path` and reads nothing.
async fn unread(address: &str, path: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a socket");
    socket.bind("127.0.0.2:0".parse().expect("an address")).expect("an address of loopback");
    let mut stream = socket.connect(address.parse().expect("an address")).await.expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("a connection");
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_do_not_read_hold_no_threads_and_little_memory() {
    let lines: String =
        (0..20_000).map(|n| format!("fleet{{n=\"{n}\",path=\"/v1/chat/completions\"}} {n}\n")).collect();
    let target = FakeTarget::serving(&lines).await;
    let scene = Scene::new(&format!("[[targets]]\nurl = \"{}\"\nscrape_interval = \"5s\"\n", target.url()));
    let program = scene.start().await;
    program.wait_for("count(fleet)", &["20000"]).await;
    // Once, so that the peak has what one such answer takes.
    for path in ["/api/v1/query?query=fleet", "/federate?match[]=fleet"] {
        http().get(format!("http://{}{path}", program.address())).send().await.expect("an answer");
    }
    let (before_kib, mut held) = (program.peak_kib(), Vec::new());
    for number in 0..300 {
        let path = match number % 3 {
            0 => "/federate?match[]=fleet",
            1 => "/api/v1/series?match[]=fleet",
            _ => "/api/v1/query?query=fleet",
        };
        held.push(unread(program.address(), path).await);
    }
    for _ in 0..20 {
        let began = Instant::now();
        assert_eq!(program.values("vector(2)").await, ["2"]);
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    }
    assert!(program.threads() < MAX_THREADS, "{} threads", program.threads());
    let grown_kib = program.peak_kib() - before_kib;
    assert!(grown_kib < 256 << 10, "{grown_kib} KiB");
    assert!(program.stop().await < MAX_STOP);
    drop(held);
}
