//! The companion's command.
use anyhow::Context;
use clap::Parser;
use server::app::App;
use server::cli::args::{Cli, Command, ServeArgs};
use server::cli::{check, export, import, query};
use server::config::{Settings, Sources};
use server::sources::gpus::helper;
use std::fmt::Display;
use std::io::Write as _;
use std::process::ExitCode;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tracing::{error, info};
use tracing_subscriber::EnvFilter;

/// Exit codes: wrong usage or configuration, and anything that failed later.
const USAGE: u8 = 2;
const FAILURE: u8 = 1;

/// This program as the kernel knows it, also when the file was replaced by another version.
const PROGRAM: &str = "/proc/self/exe";

/// What is logged where `RUST_LOG` does not say. What the Kubernetes client repeats at each attempt is said once here.
const LOGGED: &str = "info,kube_client=error,kube_runtime=error";

fn main() -> ExitCode {
    match Cli::parse().into_command() {
        Command::Serve(args) => serve(args),
        Command::Check(args) => check::run(&args),
        Command::CollectGpus(args) => helper::run(&args),
        Command::Export(args) => match export::export(&args) {
            Ok(text) => print(&text),
            Err(error) => fail(error, USAGE),
        },
        Command::Import(args) => import::import(&args).map_or_else(|error| fail(error, FAILURE), |text| print(&text)),
        Command::Query(args) => query::query(&args).map_or_else(|error| fail(error, FAILURE), |text| print(&text)),
    }
}

fn serve(args: ServeArgs) -> ExitCode {
    let settings = match Settings::load(&args) {
        Ok(settings) => settings,
        Err(error) => return fail(error, USAGE),
    };
    match run(settings, args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(format_args!("{error:#}"), FAILURE),
    }
}

fn run(settings: Settings, args: ServeArgs) -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LOGGED));
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).with_env_filter(filter).init();
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let outcome = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).context("cannot listen for signals")?;
        let app = App::bind(settings).await?.with_helpers(PROGRAM.into());
        println!("Inferboard is at http://{}/", app.address());
        let (send, reloads) = mpsc::channel(1);
        // Without a file there is nothing to read again, and the signal ends the program as it does others.
        if args.config.is_some() {
            let hangups = signal(SignalKind::hangup()).context("cannot listen for signals")?;
            tokio::spawn(reload_on_hangup(args, hangups, send));
        }
        let stop = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            info!("stopping");
        };
        app.run(stop, reloads).await;
        Ok(())
    });
    // A collector that hangs in the kernel must not keep the program.
    runtime.shutdown_background();
    outcome
}

/// Reads the configuration again on SIGHUP and sends its sources; one that cannot be used changes nothing.
async fn reload_on_hangup(args: ServeArgs, mut hangups: Signal, send: mpsc::Sender<Sources>) {
    while hangups.recv().await.is_some() {
        match Settings::load(&args) {
            Ok(settings) => {
                info!("the configuration was read again; what changed for targets is in force");
                // The receiver is gone only at the end.
                let _ = send.send(settings.sources).await;
            }
            Err(error) => error!(error = ?error.to_string(), "the configuration cannot be used; the old one stays"),
        }
    }
}

/// Prints to standard output; whoever closed it has seen enough.
fn print(text: &str) -> ExitCode {
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

fn fail(error: impl Display, code: u8) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(code)
}
