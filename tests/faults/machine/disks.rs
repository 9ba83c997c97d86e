//! Rows F3 and F12: disks that are full, locked or read-only.
use crate::machine::{counting, wait_until};
use crate::outcome::Outcome;
use crate::subject::{Kind, PEERS, Setup, Subject, program};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// How long the disk is full.
const FULL: Duration = Duration::from_secs(10);

/// A small file system in memory; unmounted when it is dropped. Needs root.
struct Mounted(PathBuf);

impl Mounted {
    fn new(path: &Path, options: &str) -> Option<Self> {
        fs::create_dir_all(path).ok()?;
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(path).stderr(Stdio::null());
        command.status().ok()?.success().then(|| Self(path.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Lazily, as a program that is ending may still have files open.
        let _ = Command::new("umount").arg("-l").arg(&self.0).stderr(Stdio::null()).status();
    }
}

/// What a program made of a full disk.
struct Full {
    is_alive: bool,
    answered: bool,
    /// How long after there was room it said that all is well; none if it never did.
    recovered: Option<Duration>,
    lost: usize,
}

/// F3: the disk is full for a while.
pub(crate) fn full_disk() -> Outcome {
    let text = |full: &Full| match full.is_alive {
        false => "ended".to_owned(),
        true => format!(
            "answered: {}, well again after {:.1?}, {} scrapes of 1 s lost after a kill",
            full.answered, full.recovered, full.lost
        ),
    };
    let Some(full) = fill(Kind::Companion) else { return Outcome::skipped("needs root, to mount a small disk") };
    let is_well = full.recovered.is_some_and(|took| took <= Duration::from_secs(12));
    let outcome = Outcome::of(full.is_alive && full.answered && is_well && full.lost <= 1, text(&full));
    PEERS.iter().fold(outcome, |outcome, (kind, name)| outcome.with_peer(name, fill(*kind).map(|full| text(&full))))
}

fn fill(kind: Kind) -> Option<Full> {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let _mounted = Mounted::new(&data, "size=48m")?;
    let target = counting();
    let setup = Setup::of(&[target.url()]);
    let mut subject = Subject::start_in(kind, &setup, folder)?;
    wait_until(Duration::from_secs(10), || target.connections() > 3)?;
    let ballast = data.join("ballast");
    let mut file = fs::File::create(&ballast).ok()?;
    for size in [1 << 16, 1 << 10, 1] {
        while file.write_all(&vec![7; size]).is_ok() {}
    }
    let before = target.connections();
    thread::sleep(FULL);
    let is_alive = subject.is_running();
    if !is_alive {
        return Some(Full { is_alive, answered: false, recovered: None, lost: 0 });
    }
    let answered = subject.number("count(up)") >= 1.0 && target.connections() > before + 5;
    drop(file);
    fs::remove_file(&ballast).ok()?;
    let recovered = match kind {
        Kind::Companion => wait_until(Duration::from_secs(20), || {
            subject.number("inferboard_store_write_failed{job=\"inferboard\"}") == 0.0
        }),
        _ => Some(Duration::ZERO),
    };
    thread::sleep(Duration::from_secs(4));
    let served = target.connections().saturating_sub(1);
    let folder = subject.killed();
    let subject = Subject::start_in(kind, &setup, folder)?;
    let stored = subject.history("scrapes");
    let lost = (0..served).filter(|scrape| !stored.contains(&(*scrape as f64))).count();
    drop(subject);
    Some(Full { is_alive, answered, recovered, lost })
}

/// F12: a folder that another process uses, and one that cannot be written to, are refused with a reason.
pub(crate) fn unusable_folders() -> Outcome {
    let first = Subject::companion(&Setup::default());
    let locked = refused(&first.data());
    let folder = tempfile::tempdir().expect("a folder");
    let read_only = read_only(&folder);
    let is_said = |said: &Option<(i32, String)>, word: &str| {
        said.as_ref().is_none_or(|(code, text)| *code == 1 && text.contains(word))
    };
    let holds = is_said(&locked, "in use") && locked.is_some() && is_said(&read_only, "read-only");
    let code = |said: Option<(i32, String)>| said.map_or("not tried".into(), |(code, _)| format!("exit {code}"));
    Outcome::of(holds, format!("in use: {}, read-only: {}", code(locked), code(read_only)))
}

fn read_only(folder: &TempDir) -> Option<(i32, String)> {
    let data = folder.path().join("data");
    let _mounted = Mounted::new(&data, "ro,size=1m")?;
    refused(&data)
}

/// The exit code and the words of a companion that must not start over a folder.
fn refused(data: &Path) -> Option<(i32, String)> {
    let mut command = Command::new(program());
    command.args(["--no-gpus", "--no-discovery", "--listen", "127.0.0.1:0", "--data-dir"]).arg(data);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().ok()?;
    if wait_until(Duration::from_secs(10), || !matches!(child.try_wait(), Ok(None))).is_none() {
        let _ = child.kill();
        let _ = child.wait();
        return Some((-1, "it starts".into()));
    }
    let output = child.wait_with_output().ok()?;
    Some((output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).to_lowercase()))
}
