//! `inferboard-server service`: installs the companion as a service of this machine or of a user, removes it, tells its
//! state. What is done is a plan first, so that `--dry-run` prints what would happen.
pub mod launchd;
pub mod notify;
pub mod place;
pub mod plan;
pub mod systemd;
pub mod unit;

use crate::service::place::{Place, PlaceArgs, Scope};
use crate::service::plan::{Plan, PlanError};
use crate::terminal;
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The commented configuration that an installation begins with.
pub const CONFIGURATION: &str = include_str!("inferboard.toml");

/// The exit code for what failed, and for a service that does not run.
const FAILURE: u8 = 1;

/// Arguments of `service`.
#[derive(Debug, Args)]
pub struct ServiceArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Install the service, start it, and have it started again at each boot
    Install(InstallArgs),
    /// Stop the service and remove it; the configuration and the history stay
    Uninstall(UninstallArgs),
    /// Say whether the service is installed and runs (exit code 1 if it does not)
    Status(StatusArgs),
}

#[derive(Debug, Args)]
struct InstallArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Configuration file; a commented one is written if there is none [default: /etc/inferboard/inferboard.toml, or
    /// ~/.config/inferboard/inferboard.toml with --user]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Program to run [default: this one; for the machine a copy in /usr/local/bin, unless it is below /usr or /opt]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Print what would be written and run, and do nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Args)]
struct UninstallArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Print what would be removed and run, and do nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Args)]
struct StatusArgs {
    #[command(flatten)]
    place: PlaceArgs,
}

/// Why the service cannot be installed, removed or looked at.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// A user has no home.
    #[error("HOME is not set, so there is no place for a user's service; use --system as root")]
    NoHome,
    /// The path of the running program is not known.
    #[error("cannot find this program's file: {0}; name it with --program")]
    NoProgram(std::io::Error),
    /// A path cannot be written into a unit.
    #[error("{0:?} is not an absolute path of readable characters, which a service needs")]
    Path(PathBuf),
    /// A package brought the service.
    #[error("{0} is there already, from a package; `systemctl enable --now inferboard` starts it")]
    Packaged(PathBuf),
    /// No service manager runs here.
    #[error("no systemd runs here, so nothing would start the service; start `inferboard-server serve` by hand")]
    NoManager,
    /// A step of the plan failed.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

/// Runs the command and returns its exit code.
pub fn run(args: &ServiceArgs) -> ExitCode {
    let outcome = match &args.verb {
        Verb::Install(args) => install(args).map(|()| ExitCode::SUCCESS),
        Verb::Uninstall(args) => uninstall(args).map(|()| ExitCode::SUCCESS),
        Verb::Status(args) => status(args),
    };
    outcome.unwrap_or_else(|error| {
        terminal::print_error(format_args!("error: {error}"));
        ExitCode::from(FAILURE)
    })
}

fn install(args: &InstallArgs) -> Result<(), ServiceError> {
    let place = args.place.resolve()?;
    let given = match &args.program {
        Some(program) => program.clone(),
        None => std::env::current_exe().map_err(ServiceError::NoProgram)?,
    };
    let program = stable_program(&place, &given);
    let config = args.config.clone().unwrap_or_else(|| place.config());
    for path in [&program, &config] {
        readable(path)?;
    }
    if let Some(unit) = place.packaged_unit() {
        return Err(ServiceError::Packaged(unit));
    }
    let mut plan = Plan::default();
    if program != given {
        plan.copy(&given, place.at(&program));
    }
    plan.write_new(place.at(&config), CONFIGURATION);
    if place.is_launchd {
        launchd::install(&mut plan, &place, &program, &config);
    } else {
        systemd::install(&mut plan, &place, &program, &config);
    }
    carry_out(&plan, &place, args.dry_run)?;
    if !args.dry_run {
        terminal::print(&format!("Installed. The configuration is {}.\n", place.at(&config).display()));
        if place.scope == Scope::User && !place.is_launchd {
            terminal::print("It runs while you are logged in; `loginctl enable-linger` keeps it running after that.\n");
        }
    }
    Ok(())
}

fn uninstall(args: &UninstallArgs) -> Result<(), ServiceError> {
    let place = args.place.resolve()?;
    let mut plan = Plan::default();
    if place.is_launchd {
        launchd::uninstall(&mut plan, &place);
    } else {
        systemd::uninstall(&mut plan, &place);
    }
    carry_out(&plan, &place, args.dry_run)?;
    if !args.dry_run {
        terminal::print("Removed. The program, the configuration and the history are still there.\n");
    }
    Ok(())
}

/// Carries a plan out, or prints it.
fn carry_out(plan: &Plan, place: &Place, is_dry: bool) -> Result<(), ServiceError> {
    if is_dry {
        terminal::print(&plan.to_string());
        return Ok(());
    }
    if place.is_live() && !place.has_manager() {
        return Err(ServiceError::NoManager);
    }
    Ok(plan.carry_out()?)
}

fn status(args: &StatusArgs) -> Result<ExitCode, ServiceError> {
    let place = args.place.resolve()?;
    let state = if place.is_launchd { launchd::state(&place)? } else { systemd::state(&place)? };
    terminal::print(&state.text);
    Ok(if state.is_running { ExitCode::SUCCESS } else { ExitCode::from(FAILURE) })
}

/// What `status` prints, and whether the service runs; for another root, whether it is to be started at boot.
#[derive(Debug)]
pub struct State {
    /// What is printed, with its last newline.
    pub text: String,
    /// Whether it runs.
    pub is_running: bool,
}

/// Where the program is when it runs as a service. A home folder may be closed to the service's user, or be removed.
fn stable_program(place: &Place, given: &Path) -> PathBuf {
    let is_stable = place.scope == Scope::User || given.starts_with("/usr") || given.starts_with("/opt");
    if is_stable { given.to_owned() } else { PathBuf::from("/usr/local/bin/inferboard-server") }
}

/// Checks that a path can be written into a unit.
fn readable(path: &Path) -> Result<(), ServiceError> {
    let is_readable = path.is_absolute() && path.to_str().is_some_and(|text| !text.chars().any(char::is_control));
    is_readable.then_some(()).ok_or_else(|| ServiceError::Path(path.to_owned()))
}

#[cfg(test)]
mod tests;
