//! `inferboard-server export`: configuration for programs that work beside the companion.
mod prometheus_config;

use crate::config::ConfigError;
use clap::{Args, Subcommand};
use prometheus_config::PrometheusConfigArgs;

/// Arguments of `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    #[command(subcommand)]
    what: Export,
}

/// What can be exported.
#[derive(Debug, Subcommand)]
enum Export {
    /// Scrape jobs with which a Prometheus takes over what is collected here
    PrometheusConfig(PrometheusConfigArgs),
}

/// The text to print.
///
/// # Errors
/// When an argument or the configuration cannot be used.
pub fn export(args: &ExportArgs) -> Result<String, ConfigError> {
    match &args.what {
        Export::PrometheusConfig(args) => prometheus_config::scrape_configs(args),
    }
}
