//! The companion's command.
use anyhow::Context;
use clap::Parser;
use server::app::App;
use server::cli::Cli;
use server::config::Settings;
use std::fmt::Display;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;
use tracing_subscriber::EnvFilter;

/// Exit codes: wrong usage or configuration, and anything that failed later.
const USAGE: u8 = 2;
const FAILURE: u8 = 1;

fn main() -> ExitCode {
    let settings = match Settings::load(&Cli::parse().into_serve()) {
        Ok(settings) => settings,
        Err(error) => return fail(error, USAGE),
    };
    match run(settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(format_args!("{error:#}"), FAILURE),
    }
}

fn run(settings: Settings) -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).with_env_filter(filter).init();
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let outcome = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).context("cannot listen for signals")?;
        let app = App::bind(settings).await?;
        println!("Inferboard is at http://{}/", app.address());
        app.run(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            info!("stopping");
        })
        .await;
        Ok(())
    });
    // A collector that hangs in the kernel must not keep the program.
    runtime.shutdown_background();
    outcome
}

fn fail(error: impl Display, code: u8) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(code)
}
