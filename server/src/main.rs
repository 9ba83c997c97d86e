//! The command `inferboard-server`: runs one of its subcommands and exits with its code.
#![warn(clippy::print_stderr, clippy::print_stdout)]
use clap::Parser;
use server::app::{App, AppError};
use server::cli::args::{Cli, Command};
use server::cli::{check, export, health, import, package_files, query};
use server::config::load::Loader;
use server::config::restart::FixedSettings;
use server::config::serve_args::ServeArgs;
use server::config::{ConfiguredTargets, Settings};
use server::demo::args::DemoArgs;
use server::demo::{Demo, DemoError};
use server::open_files::allow_open_files;
use server::service;
use server::service::notify::{ServiceState, notify};
use server::sources::gpus::helper;
use server::{log, stop, terminal};
use std::error::Error;
use std::fmt::Display;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tracing::{error, info, warn};

/// The exit codes for invalid usage or configuration, and for any later failure.
const USAGE: u8 = 2;
const FAILURE: u8 = 1;

/// The running program, even if its file has been replaced by another version.
const OWN_PROGRAM: &str = "/proc/self/exe";

/// How long the last lines of the log may take at the end.
const MAX_FLUSH_TIME: Duration = Duration::from_millis(100);

#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    match Cli::parse().into_command() {
        Command::Serve(args) => serve(args),
        Command::Demo(args) => demo(args),
        Command::Check(args) => check::run(&args),
        Command::CollectGpus(args) => helper::run(&args),
        Command::Export(args) => print_or_fail(export::export(&args), USAGE),
        Command::Import(args) => print_or_fail(import::import(&args), FAILURE),
        Command::Query(args) => print_or_fail(query::query(&args), FAILURE),
        Command::Health(args) => print_or_fail(health::health(&args), FAILURE),
        Command::Service(args) => service::run(&args),
        Command::PackageFiles(args) => print_or_fail(package_files::write(&args), FAILURE),
    }
}

fn serve(args: ServeArgs) -> ExitCode {
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(format_args!("cannot start the async runtime: {error}"), FAILURE),
    };
    // Without a configuration file there is nothing to reload, so SIGHUP ends the process as SIGTERM does.
    let can_reload = args.config.is_some();
    let loader = Loader::new(args);
    let settings = match runtime.block_on(loader.load()) {
        Ok(settings) => settings,
        Err(error) => {
            // A thread may hang.
            runtime.shutdown_background();
            return fail(error, USAGE);
        }
    };
    let log = match log::start() {
        Ok(log) => log,
        Err(error) => return fail(format_args!("cannot start the thread that logs: {error}"), FAILURE),
    };
    settings.add_own_names();
    settings.warnings.iter().for_each(|warning| warn!("{warning}"));
    if let Err(error) = allow_open_files() {
        warn!("{error}");
    }
    let outcome = runtime.block_on(run(settings, can_reload.then_some(loader)));
    // Do not wait for threads: one may hang in the kernel.
    runtime.shutdown_background();
    log.flush(MAX_FLUSH_TIME);
    outcome.map_or_else(|error| fail(error, FAILURE), |()| ExitCode::SUCCESS)
}

/// Serves a simulated fleet. Its history is gone afterwards.
fn demo(args: DemoArgs) -> ExitCode {
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(format_args!("cannot start the async runtime: {error}"), FAILURE),
    };
    let folder = match Demo::folder() {
        Ok(folder) => folder,
        Err(error) => return fail(error, FAILURE),
    };
    if let Err(error) = allow_open_files() {
        terminal::print_error(format_args!("warning: {error}"));
    }
    let outcome = runtime.block_on(prepare_and_serve(args, folder.path().to_owned()));
    runtime.shutdown_background();
    let path = folder.path().to_owned();
    if let Err(error) = folder.close() {
        terminal::print_error(format_args!("warning: cannot remove the folder {}: {error}", path.display()));
    }
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let is_usage = matches!(error.downcast_ref(), Some(DemoError::Config(_)));
            fail(error, if is_usage { USAGE } else { FAILURE })
        }
    }
}

/// Simulates the past of a fleet into `dir`, and serves it until a signal ends it, which may come before.
async fn prepare_and_serve(args: DemoArgs, dir: PathBuf) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut stop = stop::on_signal(true).map_err(AppError::Signals)?;
    terminal::print_error(format_args!("simulating {} days of a fleet", args.days));
    let is_stopped = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&is_stopped);
    let mut prepared = tokio::task::spawn_blocking(move || Demo::prepare(&args, &dir, &flag));
    let demo = tokio::select! {
        demo = &mut prepared => demo??,
        _ = &mut stop => {
            is_stopped.store(true, Relaxed);
            // It ends soon, and nothing may write to its folder when that is removed.
            prepared.await??
        }
    };
    let Some(Demo { settings, fleet }) = demo.filter(|_| !is_stopped.load(Relaxed)) else { return Ok(()) };
    let log = log::start()?;
    let app = App::bind(settings).await?.with_demo(fleet);
    terminal::print(&format!("Inferboard is at {}\n", app.url()));
    // Nothing is reloaded.
    let (_send, reloads) = mpsc::channel(1);
    let stop = async move {
        let _ = stop.await;
    };
    app.run(stop, reloads).await;
    log.flush(MAX_FLUSH_TIME);
    Ok(())
}

/// Serves until a signal ends it. `loader` loads the settings again on SIGHUP.
async fn run(settings: Settings, loader: Option<Loader>) -> Result<(), AppError> {
    let stop = stop::on_signal(loader.is_none()).map_err(AppError::Signals)?;
    let fixed = settings.fixed();
    let app = App::bind(settings).await?.with_gpu_helper(OWN_PROGRAM.into());
    let (send, reloads) = mpsc::channel(1);
    if let Some(loader) = loader {
        let hangups = signal(SignalKind::hangup()).map_err(AppError::Signals)?;
        tokio::spawn(reload_on_hangup(loader, fixed, hangups, send));
    }
    // Only now, as whoever reads this may send a signal.
    terminal::print(&format!("Inferboard is at {}\n", app.url()));
    report(ServiceState::Ready);
    let stop = async move {
        // The sender is dropped only with its thread, which ends the process.
        let _ = stop.await;
        report(ServiceState::Stopping);
    };
    app.run(stop, reloads).await;
    Ok(())
}

/// Reports to the service manager, which would otherwise wait.
fn report(state: ServiceState) {
    if let Err(error) = notify(state) {
        warn!("cannot report to the service manager: {error}");
    }
}

/// Reloads the configuration on SIGHUP and sends its targets. An invalid configuration changes nothing. Settings that
/// differ from the `running` ones but cannot change are logged.
async fn reload_on_hangup(
    loader: Loader,
    running: FixedSettings,
    mut hangups: Signal,
    send: mpsc::Sender<ConfiguredTargets>,
) {
    while hangups.recv().await.is_some() {
        match loader.load().await {
            Ok(settings) => {
                settings.warnings.iter().for_each(|warning| warn!("{warning}"));
                let changed = running.changed(&settings).join(", ");
                if !changed.is_empty() {
                    warn!(settings = changed, "these settings have changed and take effect at the next start only");
                }
                let (targets, has_lists) = (settings.targets.fixed.len(), settings.targets.has_lists());
                match targets {
                    0 if !has_lists => warn!("configuration reloaded; it has no targets"),
                    _ => info!(targets, "configuration reloaded"),
                }
                // The receiver is gone only while the companion stops.
                let _ = send.send(settings.targets).await;
            }
            Err(error) => error!(error = ?error.to_string(), "invalid configuration; keeping the previous one"),
        }
    }
}

fn print_or_fail(outcome: Result<String, impl Display>, code: u8) -> ExitCode {
    match outcome {
        Ok(text) => {
            terminal::print(&text);
            ExitCode::SUCCESS
        }
        Err(error) => fail(error, code),
    }
}

fn fail(error: impl Display, code: u8) -> ExitCode {
    terminal::print_error(format_args!("error: {error}"));
    ExitCode::from(code)
}
