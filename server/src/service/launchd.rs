//! The service under macOS's launchd.
use crate::service::place::{Place, Scope};
use crate::service::plan::{Plan, PlanError, output_of};
use crate::service::unit::launchd_plist;
use crate::service::{ServiceError, State};
use std::path::Path;

const LABEL: &str = "inferboard";

/// Plans the property list and the start.
pub(crate) fn install(plan: &mut Plan, place: &Place, program: &Path, config: &Path) {
    let (data, log) = place.launchd_data();
    let unit = place.unit();
    plan.write(unit.clone(), launchd_plist(LABEL, program, config, &data, &log));
    if place.is_live() {
        // It fails where the service is not loaded.
        plan.try_run("launchctl", &["bootout", &service(place)]);
        plan.run("launchctl", &["bootstrap", &domain(place), &unit.to_string_lossy()]);
    }
}

/// Plans the end of the service.
pub(crate) fn uninstall(plan: &mut Plan, place: &Place) {
    if place.is_live() {
        plan.try_run("launchctl", &["bootout", &service(place)]);
    }
    plan.remove(place.unit());
}

/// Asks launchd for the state.
pub(crate) fn state(place: &Place) -> Result<State, ServiceError> {
    let unit = place.unit();
    if !unit.exists() {
        return Ok(State { text: format!("{LABEL} is not installed\n"), is_running: false });
    }
    if !place.is_live() {
        return Ok(State { text: format!("{LABEL} starts at boot\n"), is_running: true });
    }
    let is_running = match output_of("launchctl", &["print".to_owned(), service(place)]) {
        Ok(printed) => printed.contains("state = running"),
        Err(PlanError::Failed { .. }) => false,
        Err(error) => return Err(error.into()),
    };
    let word = if is_running { "active" } else { "inactive" };
    Ok(State { text: format!("{LABEL}: {word}\nunit: {}\n", unit.display()), is_running })
}

/// Source: launchctl(1), "specifiers".
fn domain(place: &Place) -> String {
    match place.scope {
        Scope::Machine => "system".to_owned(),
        Scope::User => format!("gui/{}", rustix::process::getuid().as_raw()),
    }
}

fn service(place: &Place) -> String {
    format!("{}/{LABEL}", domain(place))
}
