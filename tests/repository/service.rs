//! Tests of `inferboard-server service`, on the files of another root.
use crate::packaged::{has, is_root, succeeds};
use inferboard_tests::{Companion, skipped};
use std::fs;
use std::path::Path;
use std::process::Command;

fn service(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(Companion::program().expect("the companion"));
    command.arg("service").args(arguments).arg("--root").arg(root);
    command
}

#[test]
fn a_service_is_installed_seen_and_removed() {
    if !has("systemctl") || !has("systemd-sysusers") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    let place = if is_root() { "--system" } else { "--user" };
    assert!(!service(root, &["status", place]).output().expect("the companion").status.success());

    // What is printed is what would be done, and nothing is done.
    let printed = succeeds(service(root, &["install", place, "--dry-run"]));
    assert!(printed.contains("Type=notify") && printed.contains(" enable inferboard.service"), "{printed}");
    assert_eq!(fs::read_dir(root).expect("a folder").count(), 0);
    if !is_root() {
        skipped("the service of a machine: only root can install it");
        return;
    }
    succeeds(service(root, &["install", place]));
    let unit = fs::read_to_string(root.join("etc/systemd/system/inferboard.service")).expect("the unit");
    assert!(printed.contains(&unit), "{printed}\nhas another unit than\n{unit}");
    assert!(
        unit.contains("\nExecStart=/usr/local/bin/inferboard-server serve --config /etc/inferboard/inferboard.toml\n")
    );
    assert!(root.join("usr/local/bin/inferboard-server").is_file());
    let config = root.join("etc/inferboard/inferboard.toml");
    fs::write(&config, "# mine\n").expect("the configuration");
    assert!(fs::read_to_string(root.join("etc/passwd")).expect("users").contains("inferboard:"));
    assert!(succeeds(service(root, &["status", place])).contains("starts at boot"));

    // A second time updates the unit and keeps what people wrote.
    succeeds(service(root, &["install", place]));
    assert_eq!(fs::read_to_string(&config).expect("the configuration"), "# mine\n");

    succeeds(service(root, &["uninstall", place]));
    assert!(!root.join("etc/systemd/system/inferboard.service").exists() && config.exists());
    assert!(!service(root, &["status", place]).output().expect("the companion").status.success());
    succeeds(service(root, &["uninstall", place]));
}

#[test]
fn the_unit_of_a_package_is_not_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let units = folder.path().join("usr/lib/systemd/system");
    fs::create_dir_all(&units).expect("a folder");
    fs::write(units.join("inferboard.service"), "").expect("a unit");
    let output = service(folder.path(), &["install", "--system", "--dry-run"]).output().expect("the companion");
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && message.contains("from a package"), "{message}");
}
