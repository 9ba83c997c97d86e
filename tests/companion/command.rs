//! Tests of the command line: what it prints, and its exit codes.
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_inferboard-server"));
    // Keeps the tests away from the user's own history.
    command.env("XDG_DATA_HOME", env!("CARGO_TARGET_TMPDIR"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn wrong_usage_exits_2_with_a_line_that_says_what_to_do() {
    for (args, hint) in [
        (&["--listen", "0.0.0.0:0"][..], "--allow-open-network"),
        (&["--listen", "nowhere"], "address and port"),
        (&["--target", "localhost:8000"], "http://"),
        (&["--config", "no/such/file.toml"], "no/such/file.toml"),
        (&["--retention", "soon"], "--retention"),
        (&["--no-such-flag"], "--no-such-flag"),
    ] {
        let output = command(args).output().expect("the command");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {stderr}");
        assert!(stderr.starts_with("error: ") && stderr.contains(hint), "{args:?}: {stderr}");
        assert!(args[0] == "--no-such-flag" || stderr.lines().count() == 1, "{stderr}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_port_in_use_exits_1() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let listen = taken.local_addr().expect("an address").to_string();
    let output = command(&["--listen", &listen]).output().expect("the command");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("cannot listen") && stderr.contains("--listen"), "{stderr}");
    assert_eq!(stderr.matches("in use").count(), 1, "the cause is named once: {stderr}");
}

#[test]
fn the_server_prints_its_address_and_exits_on_sigterm() {
    let mut child =
        command(&["serve", "--listen", "127.0.0.1:0", "--no-discovery", "--in-memory"]).spawn().expect("the command");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("stdout")).read_line(&mut line).expect("a line");
    let address = line.trim().strip_prefix("Inferboard is at http://").and_then(|rest| rest.strip_suffix('/'));
    let address: std::net::SocketAddr =
        address.and_then(|address| address.parse().ok()).unwrap_or_else(|| panic!("{line}"));
    assert_ne!(address.port(), 0);
    assert!(std::net::TcpStream::connect(address).is_ok());
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("a process");
    assert_eq!(child.wait().expect("an exit status").code(), Some(0));
    let mut log = String::new();
    child.stderr.take().expect("stderr").read_to_string(&mut log).expect("text");
    assert!(log.lines().all(|line| line.bytes().all(|byte| (0x20..0x7f).contains(&byte))), "{log}");
}
