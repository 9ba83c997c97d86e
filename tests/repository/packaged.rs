//! What the tests of packages share: making one of the companion that all tests run, and the companion as it was installed.
use inferboard_tests::{Api, Companion, PATIENCE, Process, skipped, until};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// A user without rights: `nobody`.
pub(crate) const NOBODY: u32 = 65534;

/// The repository's root.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository")
}

/// Whether a program can be started; where it cannot, the test is reported as skipped.
pub(crate) fn has(program: &str) -> bool {
    let started = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if started.is_err() {
        skipped(format_args!("there is no {program}"));
    }
    started.is_ok()
}

/// Whether the tests run as root, who alone can start programs as another user.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Makes a package of this kind in `out`, quickly and large; its path. None where Python is missing.
pub(crate) fn package(kind: &str, out: &Path) -> Option<PathBuf> {
    if !has("python3") {
        return None;
    }
    let program = Companion::program().expect("the companion");
    let mut command = Command::new(repository().join("scripts/package"));
    command.args([kind, "--compression", "none", "--program"]).arg(program).arg("--out").arg(out);
    Some(PathBuf::from(succeeds(command).trim_end()))
}

/// Runs a command, which must succeed; what it prints.
pub(crate) fn succeeds(mut command: Command) -> String {
    let output = command.stdin(Stdio::null()).output().expect("a program");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// Makes a command run as a user without rights, where the tests run as root.
pub(crate) fn without_rights(command: &mut Command) {
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command.current_dir("/");
}

/// An installed companion that runs.
pub(crate) struct Installed {
    pub(crate) process: Process,
    pub(crate) url: String,
}

impl Installed {
    /// Starts it and waits until it says where the page is.
    pub(crate) async fn start(command: Command) -> Self {
        let mut process = Process::start("inferboard-server", command).expect("the companion");
        let url = process.word_after("Inferboard is at ", Duration::from_secs(60)).await.expect("its address");
        Self { process, url: url.trim_end_matches('/').to_owned() }
    }

    pub(crate) fn api(&self) -> Api {
        Api::new(&self.url)
    }

    /// Fetches the page, which must be the built one.
    pub(crate) async fn shows_the_page(&self) {
        let answer = self.api().get("/").await.expect("the page");
        assert!(answer.status().is_success());
        let page = answer.text().await.expect("the page");
        assert!(page.contains("<title>Inferboard</title>"), "{page}");
    }
}

/// Starts the companion, kills it once it has history, starts it again, and finds that history. Returns the second one.
pub(crate) async fn keeps_its_history(start: impl Fn() -> Command) -> Installed {
    let first = Installed::start(start()).await;
    first.shows_the_page().await;
    let api = first.api();
    let counted = async || api.value("count_over_time(up{job=\"host\"}[1h])", None).await;
    until("two samples of the machine", PATIENCE, counted, |count| *count >= 2.0).await.expect("samples");
    let oldest = oldest_sample(&api).await;
    first.process.kill().expect("killed");
    let second = Installed::start(start()).await;
    second.shows_the_page().await;
    assert_eq!(oldest_sample(&second.api()).await, oldest);
    second
}

/// When the machine was measured first, in Unix seconds as text.
async fn oldest_sample(api: &Api) -> String {
    let series = api.samples("up{job=\"host\"}[1h]", None).await.expect("the samples");
    let first = series.iter().flat_map(|series| series.samples.values.first()).next().expect("a sample");
    first.0.to_string()
}
