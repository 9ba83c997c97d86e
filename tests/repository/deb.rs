//! Tests of the Debian package: what is in it, what installing it does, and that its service runs as the unit says.
use crate::packaged::{NOBODY, has, is_root, keeps_its_history, package, succeeds, without_rights};
use inferboard_tests::skipped;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const UNIT: &str = "usr/lib/systemd/system/inferboard.service";
const CONFIG: &str = "etc/inferboard/inferboard.toml";

#[tokio::test]
async fn the_package_is_installed_and_its_service_keeps_its_history() {
    let folder = tempfile::tempdir().expect("a folder");
    if !has("dpkg-deb") {
        return;
    }
    let Some(deb) = package("deb", folder.path()) else { return };
    check_fields(&deb);
    let root = folder.path().join("root");
    install(&deb, &root);
    check_files(&root);
    check_unit(&root);
    for path in [folder.path(), &root] {
        fs::set_permissions(path, Permissions::from_mode(0o755)).expect("a mode");
    }
    runs_as_the_unit_says(&root).await;
    remove(&root);
}

fn check_fields(deb: &Path) {
    let mut command = Command::new("dpkg-deb");
    command.arg("--field").arg(deb);
    let fields = succeeds(command);
    let version = format!("Version: {}\n", env!("CARGO_PKG_VERSION"));
    for expected in ["Package: inferboard\n", &version, "Depends: libc6 (>= 2.", "Maintainer: "] {
        assert!(fields.contains(expected), "{expected} is not in\n{fields}");
    }
    let mut command = Command::new("dpkg-deb");
    command.arg("--contents").arg(deb);
    let contents = succeeds(command);
    for line in contents.lines() {
        let mut words = line.split_whitespace();
        let (mode, owner) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        assert_eq!(owner, "root/root", "{line}");
        let is_program = line.ends_with("./usr/bin/inferboard-server");
        let expected = if line.ends_with('/') || is_program { "rwxr-xr-x" } else { "rw-r--r--" };
        assert_eq!(mode.get(1..), Some(expected), "{line}");
    }
}

/// Installs into an empty root, whose scripts run outside of it. Without root the files are unpacked only.
fn install(deb: &Path, root: &Path) {
    fs::create_dir(root).expect("a folder");
    if !is_root() {
        skipped("dpkg's scripts: only root can install a package");
        let mut command = Command::new("dpkg-deb");
        command.arg("--extract").arg(deb).arg(root);
        succeeds(command);
        return;
    }
    for path in ["var/lib/dpkg/info", "var/lib/dpkg/updates", "var/log", "etc"] {
        fs::create_dir_all(root.join(path)).expect("a folder");
    }
    fs::write(root.join("var/lib/dpkg/status"), "").expect("a file");
    let mut command = dpkg(root);
    // The root has no packages, and so not the ones that it depends on.
    command.args(["--force-depends", "--install"]).arg(deb);
    succeeds(command);
    // What runs no systemd needs neither.
    if has("systemd-sysusers") {
        let users = fs::read_to_string(root.join("etc/passwd")).expect("users");
        assert!(users.contains("\ninferboard:") || users.starts_with("inferboard:"), "{users}");
    }
    if has("deb-systemd-helper") {
        let link = root.join("etc/systemd/system/multi-user.target.wants/inferboard.service");
        assert!(link.symlink_metadata().is_ok(), "the service starts at boot");
    }
    let mut command = dpkg(root);
    command.args(["--verify", "inferboard"]);
    assert_eq!(succeeds(command), "", "all files have the sums that the package says");
}

fn dpkg(root: &Path) -> Command {
    let mut command = Command::new("dpkg");
    command.arg(format!("--root={}", root.display())).args(["--force-script-chrootless", "--no-triggers"]);
    // dpkg wants to find these folders.
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin")).env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn check_files(root: &Path) {
    let doc = "usr/share/doc/inferboard";
    for path in [
        UNIT,
        CONFIG,
        "usr/bin/inferboard-server",
        "usr/lib/sysusers.d/inferboard.conf",
        "usr/share/man/man1/inferboard-server.1.gz",
        "usr/share/man/man1/inferboard-server-check.1.gz",
        "usr/share/bash-completion/completions/inferboard-server",
        "usr/share/zsh/vendor-completions/_inferboard-server",
        "usr/share/fish/vendor_completions.d/inferboard-server.fish",
        &format!("{doc}/copyright"),
        &format!("{doc}/changelog.gz"),
        &format!("{doc}/CHANGELOG.md.gz"),
        &format!("{doc}/third-party-licenses.txt.gz"),
        &format!("{doc}/configuration.md"),
    ] {
        assert!(root.join(path).is_file(), "{path} is missing");
    }
    let mut command = Command::new("gzip");
    command.arg("-cd").arg(root.join(doc).join("third-party-licenses.txt.gz"));
    let notices = succeeds(command);
    assert!(notices.contains("\ntokio 1.") && notices.contains("\nleptos 0.") && notices.contains("Permission is"));
    assert!(!notices.contains("\nthirtyfour "), "what only tests use is not in the program");
}

/// Has systemd judge the unit, where it is installed.
fn check_unit(root: &Path) {
    if !has("systemd-analyze") {
        return;
    }
    let text = fs::read_to_string(root.join(UNIT)).expect("the unit");
    let program = root.join("usr/bin/inferboard-server");
    // The program is looked for on this machine.
    let local = root.parent().expect("a folder").join("inferboard.service");
    fs::write(&local, text.replace("/usr/bin/inferboard-server", &program.to_string_lossy())).expect("the unit");
    let mut command = Command::new("systemd-analyze");
    command.args(["verify", "--man=no", "--recursive-errors=no"]).arg(&local);
    let output = command.output().expect("systemd-analyze");
    let problems = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !problems.contains("inferboard"), "{problems}");
    let mut command = Command::new("systemd-analyze");
    // The scale is from 0, shut in, to 100.
    command.args(["security", "--offline=true", "--no-pager", "--threshold=30"]).arg(&local);
    succeeds(command);
}

/// What follows `key=` in a unit, by line.
fn values<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).collect()
}

/// Starts the program with the command line and the environment of the unit, as a user that owns the data folder alone.
async fn runs_as_the_unit_says(root: &Path) {
    let unit = fs::read_to_string(root.join(UNIT)).expect("the unit");
    let state = root.join("var/lib").join(values(&unit, "StateDirectory")[0]);
    fs::create_dir_all(&state).expect("the data folder");
    fs::set_permissions(&state, Permissions::from_mode(0o700)).expect("a mode");
    if is_root() {
        chown(&state, Some(NOBODY), Some(NOBODY)).expect("an owner");
    }
    // A person edits the configuration: another port, as this machine's may be taken, and quick scrapes.
    let config = fs::read_to_string(root.join(CONFIG)).expect("the configuration");
    let edited = config
        .replace("#listen = \"127.0.0.1:7117\"", "listen = \"127.0.0.1:0\"\ngpus = false")
        .replace("#scrape_interval = \"5s\"", "scrape_interval = \"1s\"\nscrape_timeout = \"1s\"")
        .replace("#discovery = true", "discovery = false");
    assert_ne!(edited, config);
    fs::write(root.join(CONFIG), edited).expect("the configuration");
    let told = root.parent().expect("a folder").join("notify");
    let socket = UnixDatagram::bind(&told).expect("a socket");
    fs::set_permissions(&told, Permissions::from_mode(0o777)).expect("a mode");
    socket.set_read_timeout(Some(Duration::from_secs(60))).expect("a limit");
    let below = |path: &str| root.join(path.trim_start_matches('/'));
    let start = || {
        let mut words = values(&unit, "ExecStart")[0].split(' ');
        let mut command = Command::new(below(words.next().expect("a program")));
        command.args(words.map(|word| if word.starts_with('/') { below(word) } else { PathBuf::from(word) }));
        command.env_clear().env("NOTIFY_SOCKET", &told);
        for variable in values(&unit, "Environment") {
            let (name, value) = variable.split_once('=').expect("a variable");
            command.env(name, below(value));
        }
        without_rights(&mut command);
        command
    };
    assert_eq!(values(&unit, "Type"), ["notify"]);
    let again = keeps_its_history(start).await;
    let mut message = [0; 32];
    for expected in [&b"READY=1"[..], b"READY=1"] {
        let length = socket.recv(&mut message).expect("a report to the service manager");
        assert_eq!(&message[..length], expected);
    }
    assert!(again.process.stop().expect("stopped").success(), "SIGTERM is a clean end");
    let length = socket.recv(&mut message).expect("a report to the service manager");
    assert_eq!(&message[..length], b"STOPPING=1");
    if is_root() {
        let owned: Vec<_> = files(root).into_iter().filter(|path| owner(path) == NOBODY).collect();
        assert!(!owned.is_empty() && owned.iter().all(|path| path.starts_with(&state)), "{owned:?}");
    }
}

fn owner(path: &Path) -> u32 {
    path.symlink_metadata().map_or(0, |metadata| metadata.uid())
}

/// Everything below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(files(&entry.path()));
        }
        found.push(entry.path());
    }
    found
}

/// Removing keeps what people made; purging does not.
fn remove(root: &Path) {
    if !is_root() {
        return;
    }
    let mut command = dpkg(root);
    command.args(["--remove", "inferboard"]);
    succeeds(command);
    assert!(!root.join("usr/bin/inferboard-server").exists());
    assert!(root.join(CONFIG).exists() && root.join("var/lib/inferboard").exists(), "a conffile and the history stay");
    let mut command = dpkg(root);
    command.args(["--purge", "inferboard"]);
    succeeds(command);
    assert!(!root.join(CONFIG).exists() && !root.join("var/lib/inferboard").exists());
    let link = root.join("etc/systemd/system/multi-user.target.wants/inferboard.service");
    assert!(link.symlink_metadata().is_err(), "nothing starts at boot");
}
