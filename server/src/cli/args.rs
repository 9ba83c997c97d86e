//! The arguments of the command line.
use crate::cli::check::CheckArgs;
use crate::cli::export::ExportArgs;
use crate::cli::health::HealthArgs;
use crate::cli::import::ImportArgs;
use crate::cli::package_files::PackageFilesArgs;
use crate::cli::query::QueryArgs;
use crate::config::serve_args::ServeArgs;
use crate::demo::args::DemoArgs;
use crate::service::ServiceArgs;
use crate::sources::gpus::helper::HelperArgs;
use clap::{Parser, Subcommand};

/// The metrics tab for deployed models: collects, stores and shows metrics of inference replicas.
#[derive(Debug, Parser)]
#[command(name = "inferboard-server", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// The subcommand; by default `serve`.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The flags of `serve`, if no subcommand is given.
    #[command(flatten)]
    pub serve: ServeArgs,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Collect metrics, store their history and serve the page (default)
    Serve(ServeArgs),
    /// Show a simulated fleet with its history, to learn on; nothing of it is kept
    Demo(DemoArgs),
    /// Check a metrics page: show what would be stored, or what is wrong with it (exit code 1)
    Check(CheckArgs),
    /// Print configuration for Prometheus and Grafana
    Export(ExportArgs),
    /// Import old samples into a data directory; a server deletes those that exceed its --retention
    Import(ImportArgs),
    /// Send a PromQL query to a running server
    Query(QueryArgs),
    /// Ask a running server whether it serves (exit code 1 if it does not)
    Health(HealthArgs),
    /// Run the server as a service: install it, remove it, see its state
    Service(ServiceArgs),
    /// Sample this machine's GPUs; started by `serve`
    #[command(hide = true)]
    CollectGpus(HelperArgs),
    /// Write the files of a package: unit, configuration, man pages, completions
    #[command(hide = true)]
    PackageFiles(PackageFilesArgs),
}

impl Cli {
    /// The subcommand, or `serve` if none was given.
    pub fn into_command(self) -> Command {
        self.command.unwrap_or(Command::Serve(self.serve))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serve_args(args: &[&str]) -> Result<ServeArgs, clap::error::ErrorKind> {
        let args = std::iter::once(&"inferboard-server").chain(args);
        match Cli::try_parse_from(args).map(Cli::into_command) {
            Ok(Command::Serve(serve)) => Ok(serve),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.kind()),
        }
    }

    #[test]
    fn serve_is_the_default_command() {
        for args in [
            &["--target", "http://a", "--target", "http://b"][..],
            &["serve", "--target", "http://a", "--target", "http://b"],
        ] {
            assert_eq!(serve_args(args).expect("flags").targets, ["http://a", "http://b"]);
        }
        assert_eq!(serve_args(&["--no-such-flag"]).unwrap_err(), clap::error::ErrorKind::UnknownArgument);
        assert!(serve_args(&["no-such-command"]).is_err());
    }
}
