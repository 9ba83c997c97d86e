//! `inferboard-server export`: configuration for programs that work beside the companion.
pub mod prometheus_config;

use crate::cli::export::prometheus_config::PrometheusConfigArgs;
use crate::config::ConfigError;
use catalogue::Recipe;
use clap::{Args, Subcommand};
use std::collections::BTreeSet;

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
    /// A Grafana dashboard (JSON, to be imported) with the page's graphs
    GrafanaDashboard(GraphsArgs),
    /// Prometheus recording rules for the page's graphs
    RecordingRules(GraphsArgs),
}

/// Which graphs, for which backend.
#[derive(Debug, Args)]
struct GraphsArgs {
    /// Only graphs that an engine feeds, by its id as `check` names it (repeatable) [default: all]
    #[arg(long = "engine", value_name = "ENGINE")]
    engines: Vec<String>,
    /// The label that names the model in that Prometheus
    #[arg(long, value_name = "LABEL", default_value = "model")]
    model_label: String,
}

impl GraphsArgs {
    /// Tells whether a metric is one of the engines asked for.
    fn present(&self) -> Result<impl Fn(&str) -> bool, ConfigError> {
        let unknown = self.engines.iter().find(|id| catalogue::engine(id).is_none());
        if let Some(id) = unknown {
            let known: Vec<_> = catalogue::ENGINES.iter().map(|engine| engine.id).collect();
            let problem = format!("{id:?} is none of {}", known.join(", "));
            return Err(ConfigError::Setting { setting: "--engine".into(), problem });
        }
        let engines: Vec<_> = self.engines.iter().filter_map(|id| catalogue::engine(id)).collect();
        let names: BTreeSet<&str> =
            engines.iter().flat_map(|engine| engine.recipes.iter().flat_map(Recipe::names)).collect();
        let all = engines.is_empty();
        // Where nothing is known of what is scraped, names as engines write them.
        Ok(move |name: &str| if all { catalogue::is_original(name) } else { names.contains(name) })
    }
}

/// The text to print.
///
/// # Errors
/// When an argument or the configuration cannot be used.
pub fn export(args: &ExportArgs) -> Result<String, ConfigError> {
    match &args.what {
        Export::PrometheusConfig(args) => prometheus_config::scrape_configs(args),
        Export::GrafanaDashboard(args) => Ok(catalogue_export::grafana_dashboard(&args.model_label, &args.present()?)),
        Export::RecordingRules(args) => Ok(catalogue_export::recording_rules(&[&args.model_label], &args.present()?)),
    }
}
