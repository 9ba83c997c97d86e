//! Tests of the texts of a service and of what installing one does.
use super::*;
use crate::config::Settings;
use crate::config::serve_args::ServeArgs;
use crate::service::systemd::read_state;
use crate::service::unit::{launchd_plist, systemd_unit};
use std::fs;

fn install_plan(place: &Place, program: &str) -> Plan {
    let mut plan = Plan::default();
    if place.is_launchd {
        launchd::install(&mut plan, place, Path::new(program), &place.config());
    } else {
        systemd::install(&mut plan, place, Path::new(program), &place.config());
    }
    plan
}

#[test]
fn the_unit_of_the_machine_is_shut_in_and_that_of_a_user_is_not() {
    let (program, config) = (Path::new("/usr/bin/inferboard-server"), Path::new("/etc/inferboard/inferboard.toml"));
    let machine = systemd_unit(Scope::Machine, program, config);
    for line in [
        "ExecStart=/usr/bin/inferboard-server serve --config /etc/inferboard/inferboard.toml",
        "User=inferboard",
        "StateDirectory=inferboard",
        "RuntimeDirectory=inferboard",
        "ProtectSystem=strict",
        "NoNewPrivileges=yes",
        "Restart=on-failure",
        "WantedBy=multi-user.target",
    ] {
        assert!(machine.lines().any(|own| own == line), "{line} is not in\n{machine}");
    }
    let user = systemd_unit(Scope::User, program, config);
    assert!(
        !user.contains("User=") && !user.contains("Protect") && user.contains("\nWantedBy=default.target\n"),
        "{user}"
    );
    for text in [machine, user] {
        assert!(!text.contains('@') || text.contains("@system-service"), "{text}");
        assert!(!text.contains("#@"), "{text}");
    }
}

#[test]
fn paths_are_words_of_the_command_line() {
    let unit = systemd_unit(Scope::User, Path::new("/home/a b/100%\"x"), Path::new("/home/$a/c.toml"));
    assert!(unit.contains("\nExecStart=\"/home/a b/100%%\\\"x\" serve --config /home/$$a/c.toml\n"), "{unit}");
}

#[test]
fn the_property_list_has_the_paths_escaped() {
    let path = Path::new;
    let list = launchd_plist("inferboard", path("/opt/a&b"), path("/c<d>"), path("/data"), path("/log"));
    assert!(list.contains("<string>/opt/a&amp;b</string>") && list.contains("<string>/c&lt;d&gt;</string>"), "{list}");
    assert!(list.contains("<string>/data</string>") && !list.contains('@'), "{list}");
}

#[test]
fn what_runs_depends_on_whose_service_it_is() {
    let machine = install_plan(&Place::test(Scope::Machine, false, None), "/usr/bin/x").to_string();
    let commands: Vec<&str> = machine.lines().filter(|line| line.starts_with("run ")).collect();
    assert_eq!(
        commands,
        [
            "run systemd-sysusers /etc/sysusers.d/inferboard.conf",
            "run systemctl daemon-reload",
            "run systemctl enable inferboard.service",
            "run systemctl restart inferboard.service",
        ]
    );
    let user = install_plan(&Place::test(Scope::User, false, None), "/usr/bin/x").to_string();
    assert!(user.contains("write /home/ada/.config/systemd/user/inferboard.service:"), "{user}");
    assert!(user.contains("run systemctl --user restart inferboard.service") && !user.contains("sysusers"), "{user}");
    let root = install_plan(&Place::test(Scope::Machine, false, Some("/r".into())), "/usr/bin/x").to_string();
    assert!(root.contains("run systemctl --root=/r enable inferboard.service"), "{root}");
    assert!(!root.contains("restart inferboard") && !root.contains("daemon-reload"), "{root}");
    let mac = install_plan(&Place::test(Scope::User, true, None), "/opt/x").to_string();
    assert!(mac.contains("write /home/ada/Library/LaunchAgents/inferboard.plist:"), "{mac}");
    assert!(mac.contains("run launchctl bootstrap gui/"), "{mac}");
    let mac = install_plan(&Place::test(Scope::Machine, true, None), "/opt/x").to_string();
    assert!(mac.contains("run launchctl bootstrap system /Library/LaunchDaemons/inferboard.plist"), "{mac}");
}

#[test]
fn a_configuration_that_is_there_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let (config, unit) = (folder.path().join("etc/inferboard.toml"), folder.path().join("unit"));
    let mut plan = Plan::default();
    plan.write_new(config.clone(), CONFIGURATION);
    plan.write(unit.clone(), "one");
    plan.carry_out().expect("written");
    assert_eq!(fs::read_to_string(&config).expect("a file"), CONFIGURATION);
    fs::write(&config, "retention = \"1d\"\n").expect("a change");
    assert!(plan.to_string().contains("keep "), "{plan}");
    plan.carry_out().expect("written again");
    assert_eq!(fs::read_to_string(&config).expect("a file"), "retention = \"1d\"\n");
    let mut plan = Plan::default();
    plan.remove(unit.clone());
    plan.remove(unit.clone());
    plan.carry_out().expect("removed, and not there any more");
    assert!(!unit.exists());
}

#[test]
fn a_program_at_home_is_copied_for_the_machine() {
    let machine = Place::test(Scope::Machine, false, None);
    let at = |place: &Place, path: &str| stable_program(place, Path::new(path));
    assert_eq!(at(&machine, "/root/.cargo/bin/inferboard-server"), Path::new("/usr/local/bin/inferboard-server"));
    assert_eq!(at(&machine, "/opt/inferboard/inferboard-server"), Path::new("/opt/inferboard/inferboard-server"));
    let user = Place::test(Scope::User, false, None);
    assert_eq!(at(&user, "/home/ada/bin/inferboard-server"), Path::new("/home/ada/bin/inferboard-server"));
}

#[test]
fn the_state_is_read_from_systemd() {
    let shown = "LoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\nFragmentPath=/etc/x\n";
    let state = read_state(shown);
    assert!(state.is_running);
    assert_eq!(state.text, "inferboard.service: active (running), enabled at boot\nunit: /etc/x\n");
    assert!(!read_state(&shown.replace("=active", "=failed")).is_running);
    let state = read_state("LoadState=not-found\nActiveState=inactive\n");
    assert!(!state.is_running && state.text.contains("not installed"));
}

/// The configuration as it is installed, and with all of its examples.
#[test]
fn the_configuration_and_its_examples_are_valid() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("inferboard.toml");
    let uncommented: String = CONFIGURATION
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line))
        .flat_map(|line| [line, "\n"])
        .collect();
    assert_ne!(uncommented, CONFIGURATION);
    // The examples are a target and a cluster.
    for (text, targets) in [(CONFIGURATION, 0), (&uncommented, 2)] {
        fs::write(&file, text).expect("a file");
        let args = ServeArgs { config: Some(file.clone()), in_memory: true, ..ServeArgs::default() };
        let settings = Settings::load(&args).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert!(settings.web.listen.is_local());
        assert_eq!(settings.targets.fixed.len(), targets);
    }
}
