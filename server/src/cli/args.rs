//! The command line.
use crate::cli::check::CheckArgs;
use crate::cli::export::ExportArgs;
use crate::cli::import::ImportArgs;
use crate::cli::query::QueryArgs;
pub use crate::config::serve_args::ServeArgs;
use crate::sources::gpus::helper::HelperArgs;
use clap::{Parser, Subcommand};

/// The metrics tab for deployed models: collects, keeps and shows the metrics of inference replicas.
#[derive(Debug, Parser)]
#[command(name = "inferboard-server", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do; `serve` when absent.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Flags of `serve`.
    #[command(flatten)]
    pub serve: ServeArgs,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Collect, keep history, and serve the page (the default)
    Serve(ServeArgs),
    /// Say what would be stored of a metrics page, what is refused, and why: exits with 0 or 1
    Check(CheckArgs),
    /// Print configuration for other programs
    Export(ExportArgs),
    /// Load old samples into a data directory; a server drops those older than its --retention
    Import(ImportArgs),
    /// Ask a running server in PromQL
    Query(QueryArgs),
    /// Ask the GPUs' driver, for a server that starts this itself
    #[command(hide = true)]
    CollectGpus(HelperArgs),
}

impl Cli {
    /// What to do: `serve` where nothing was named.
    pub fn into_command(self) -> Command {
        self.command.unwrap_or(Command::Serve(self.serve))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serve(words: &[&str]) -> Result<ServeArgs, clap::error::ErrorKind> {
        let words = std::iter::once(&"inferboard-server").chain(words);
        match Cli::try_parse_from(words).map(Cli::into_command) {
            Ok(Command::Serve(serve)) => Ok(serve),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.kind()),
        }
    }

    #[test]
    fn serve_is_what_runs_without_a_word() {
        for words in [
            &["--target", "http://a", "--target", "http://b"][..],
            &["serve", "--target", "http://a", "--target", "http://b"],
        ] {
            assert_eq!(serve(words).expect("flags").targets, ["http://a", "http://b"]);
        }
        assert_eq!(serve(&["--no-such-flag"]).unwrap_err(), clap::error::ErrorKind::UnknownArgument);
        assert!(serve(&["no-such-word"]).is_err());
    }
}
