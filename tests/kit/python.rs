//! Runs scripts with the Prometheus client for Python, if it is installed.
use std::env;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// Runs a Python `script` with `input` and returns its output. Prints a message and returns `None` if the client is not
/// installed. The environment variable `PROMETHEUS_CLIENT_PYTHON` names the interpreter.
pub fn run(script: &str, input: &[u8]) -> Option<Vec<u8>> {
    let interpreter = env::var_os("PROMETHEUS_CLIENT_PYTHON").unwrap_or_else(|| "python3".into());
    let has_client = Command::new(&interpreter)
        .args(["-c", "import prometheus_client.openmetrics.parser"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !has_client {
        println!("skipped: {} has no package prometheus_client", interpreter.display());
        return None;
    }
    let mut child = Command::new(&interpreter)
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the interpreter that ran above");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("output");
    writer.join().expect("no panic").expect("all input is read");
    assert!(output.status.success(), "the script failed");
    Some(output.stdout)
}
