//! The service under systemd.
use crate::service::place::{Place, Scope};
use crate::service::plan::{Plan, PlanError, output_of};
use crate::service::unit::{SYSUSERS, systemd_unit};
use crate::service::{ServiceError, State};
use std::path::{Path, PathBuf};

const UNIT: &str = "inferboard.service";

/// Plans the files of the service, its user, and its start.
pub(crate) fn install(plan: &mut Plan, place: &Place, program: &Path, config: &Path) {
    plan.write(place.unit(), systemd_unit(place.scope, program, config));
    if place.scope == Scope::Machine {
        let users = users(place);
        plan.write(users.clone(), SYSUSERS);
        run(plan, place, "systemd-sysusers", &[&users.to_string_lossy()]);
    }
    if place.is_live() {
        run(plan, place, "systemctl", &["daemon-reload"]);
    }
    run(plan, place, "systemctl", &["enable", UNIT]);
    if place.is_live() {
        run(plan, place, "systemctl", &["restart", UNIT]);
    }
}

/// Plans the end of the service. Its user stays, who owns the history.
pub(crate) fn uninstall(plan: &mut Plan, place: &Place) {
    let now: &[&str] = if place.is_live() { &["disable", "--now", UNIT] } else { &["disable", UNIT] };
    let arguments: Vec<String> = arguments(place, now);
    plan.try_run("systemctl", &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    plan.remove(place.unit());
    if place.is_live() {
        run(plan, place, "systemctl", &["daemon-reload"]);
    }
}

/// Asks systemd for the state.
pub(crate) fn state(place: &Place) -> Result<State, ServiceError> {
    if !place.is_live() {
        // It prints the state and fails for all but `enabled`.
        let state = output_of("systemctl", &arguments(place, &["is-enabled", UNIT]));
        let is_enabled = match state {
            Err(error @ PlanError::Start { .. }) => return Err(error.into()),
            other => other.is_ok(),
        };
        let word = if is_enabled { "starts at boot" } else { "is not installed" };
        return Ok(State { text: format!("{UNIT} {word}\n"), is_running: is_enabled });
    }
    let wanted = "--property=LoadState,UnitFileState,ActiveState,SubState,FragmentPath";
    let printed = output_of("systemctl", &arguments(place, &["show", wanted, UNIT]))?;
    Ok(read_state(&printed))
}

/// What `systemctl show` prints, for people.
pub(crate) fn read_state(printed: &str) -> State {
    let value = |name: &str| {
        let line = printed.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.unwrap_or_default()
    };
    if value("LoadState") != "loaded" {
        return State { text: format!("{UNIT} is not installed\n"), is_running: false };
    }
    let text = format!(
        "{UNIT}: {} ({}), {} at boot\nunit: {}\n",
        value("ActiveState"),
        value("SubState"),
        value("UnitFileState"),
        value("FragmentPath")
    );
    State { text, is_running: value("ActiveState") == "active" }
}

fn users(place: &Place) -> PathBuf {
    place.at(Path::new("/etc/sysusers.d/inferboard.conf"))
}

fn run(plan: &mut Plan, place: &Place, program: &'static str, words: &[&str]) {
    let arguments = arguments(place, words);
    plan.run(program, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
}

/// The arguments with those that say where.
fn arguments(place: &Place, words: &[&str]) -> Vec<String> {
    let root = place.root().map(|root| format!("--root={}", root.display()));
    let user = (place.scope == Scope::User).then(|| if place.is_live() { "--user" } else { "--global" }.to_owned());
    root.into_iter().chain(user).chain(words.iter().map(|&word| word.to_owned())).collect()
}
