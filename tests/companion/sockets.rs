//! Tests of a companion that listens at a socket in the file system: who can reach it, and what becomes of its file.
use crate::certificates::{Folder, args_with};
use crate::harness::args;
use crate::program::PROGRAM;
use inferboard_tests::PATIENCE;
use rustix::process::{Pid, Signal, kill_process};
use server::app::App;
use server::config::Settings;
use server::config::serve_args::ServeArgs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

const READ: &str = "reads-0123456789abcdef";

/// A program that listens at a socket; killed when dropped.
struct Listening(Child);

impl Listening {
    /// Starts the program, and waits until it prints where it listens.
    async fn start(path: &Path, flags: &[&str]) -> Self {
        let mut command = command(path, flags);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program");
        let out = tokio::process::ChildStdout::from_std(child.stdout.take().expect("its output")).expect("a pipe");
        let mut line = String::new();
        let mut out = tokio::io::BufReader::new(out);
        tokio::io::AsyncBufReadExt::read_line(&mut out, &mut line).await.expect("its first line");
        assert_eq!(line, format!("Inferboard is at unix:{}\n", path.display()));
        Self(child)
    }

    fn end(&mut self, signal: Signal) -> Option<i32> {
        kill_process(Pid::from_child(&self.0), signal).expect("a process");
        self.0.wait().expect("an exit status").code()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn command(path: &Path, flags: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    let listen = format!("unix:{}", path.display());
    command.args(["--listen", &listen, "--in-memory", "--no-discovery", "--no-gpus"]).args(flags).stdin(Stdio::null());
    command
}

async fn run(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().expect("it runs")).await.expect("an end")
}

/// Asks the companion at the socket, and returns the whole answer.
async fn ask(path: &Path, target: &str, headers: &str) -> String {
    let mut stream = UnixStream::connect(path).await.expect("a connection");
    let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.expect("a write");
    let mut answer = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("an end").expect("an answer");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_socket_is_for_its_group_and_goes_with_its_process() {
    let folder = Folder::new();
    let path = folder.path("i.sock");
    let mut program = Listening::start(&path, &[]).await;
    let file = path.symlink_metadata().expect("a file");
    assert!(file.file_type().is_socket() && file.permissions().mode() & 0o777 == 0o660, "{file:?}");
    assert!(ask(&path, "/api/v1/query?query=1", "").await.starts_with("HTTP/1.1 200 "));
    let server = format!("unix:{}", path.display());
    for (arguments, expected) in [(&["health"][..], "is ready"), (&["query", "1 + 1"], "2")] {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).args(["--server", &server]);
        let output = run(command).await;
        assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains(expected), "{output:?}");
    }
    assert_eq!(program.end(Signal::TERM), Some(0));
    assert!(!path.exists(), "the file is left");
    let mut command = Command::new(PROGRAM);
    command.args(["health", "--server", &server]);
    let absent = run(command).await;
    assert!(absent.status.code() == Some(1) && String::from_utf8_lossy(&absent.stderr).contains("cannot reach unix:"));
}

#[tokio::test]
async fn the_file_of_a_dead_process_is_replaced_and_that_of_a_live_one_is_not() {
    let folder = Folder::new();
    let path = folder.path("i.sock");
    let mut killed = Listening::start(&path, &[]).await;
    killed.end(Signal::KILL);
    assert!(path.exists(), "a process that is killed leaves its file");
    let live = Listening::start(&path, &[]).await;
    let refused = run(command(&path, &[])).await;
    let problem = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{problem}");
    assert!(problem.contains("another process listens there") && problem.contains("--listen"), "{problem}");
    assert!(ask(&path, "/-/ready", "").await.starts_with("HTTP/1.1 200 "), "the first one goes on");
    drop(live);
    let other = folder.write("file", "not a socket");
    let refused = run(command(&other, &[])).await;
    assert!(String::from_utf8_lossy(&refused.stderr).contains("a file that is no socket"), "{refused:?}");
    assert_eq!(std::fs::read_to_string(&other).expect("the file"), "not a socket");
    let absent = run(command(&folder.path("none/i.sock"), &[])).await;
    assert!(String::from_utf8_lossy(&absent.stderr).contains("its folder does not exist; create it"), "{absent:?}");
}

#[tokio::test]
async fn a_file_that_somebody_else_has_put_there_stays() {
    let folder = Folder::new();
    let path = folder.path("i.sock");
    let listen = Some(format!("unix:{}", path.display()));
    let app = App::bind(Settings::load(&ServeArgs { listen, ..args(&[]) }).expect("settings")).await.expect("a socket");
    assert_eq!(app.url(), format!("unix:{}", path.display()));
    std::fs::remove_file(&path).expect("the file");
    let other = std::os::unix::net::UnixListener::bind(&path).expect("another socket");
    drop(app);
    assert!(path.exists());
    drop(other);
}

#[tokio::test]
async fn tokens_hold_at_a_socket_and_nobody_writes_by_being_there() {
    let folder = Folder::new();
    folder.write("read", READ);
    let path = folder.path("i.sock");
    let open = Listening::start(&path, &[]).await;
    let writing = ask(&path, "/api/v1/inferboard/writing", "").await;
    assert!(writing.contains("\"allowed\":false") && writing.contains("write_token_file"), "{writing}");
    drop(open);
    let config = folder.config("read_token_file = \"$DIR/read\"\nsocket_mode = \"0600\"\n");
    let guarded = Listening::start(&path, &["--config", &config.display().to_string()]).await;
    assert_eq!(path.symlink_metadata().expect("a file").permissions().mode() & 0o777, 0o600);
    assert!(ask(&path, "/api/v1/query?query=1", "").await.starts_with("HTTP/1.1 401 "));
    let token = format!("Authorization: Bearer {READ}\r\n");
    assert!(ask(&path, "/api/v1/query?query=1", &token).await.starts_with("HTTP/1.1 200 "));
    drop(guarded);
    let tls = "listen = \"unix:$DIR/i.sock\"\ntls_cert_file = \"$DIR/read\"\ntls_key_file = \"$DIR/read\"\n";
    let refused = Settings::load(&ServeArgs { listen: None, ..args_with(&folder.config(tls)) });
    assert!(refused.is_err(), "neither a certificate nor a place for one");
}

#[tokio::test]
async fn a_proxy_at_the_socket_is_believed_if_that_is_configured() {
    let folder = Folder::new();
    let path = folder.path("i.sock");
    folder.write("read", READ);
    let said = "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Host: dash.example\r\nX-Forwarded-User: ada\r\n";
    for (proxies, status) in [("unix", "200"), ("127.0.0.1", "401")] {
        let config = folder.config(&format!(
            "read_token_file = \"$DIR/read\"\nallowed_hosts = [\"dash.example\"]\ntrusted_proxies = [\"{proxies}\"]\n\
             user_header = \"X-Forwarded-User\"\n"
        ));
        let program = Listening::start(&path, &["--config", &config.display().to_string()]).await;
        let answer = ask(&path, "/api/v1/query?query=1", said).await;
        assert_eq!(answer.get(9..12), Some(status), "{proxies}: {answer}");
        drop(program);
    }
}
