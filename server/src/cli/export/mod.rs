//! `inferboard-server export`: prints configuration for Prometheus and Grafana.
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

/// The subcommands of `export`.
#[derive(Debug, Subcommand)]
enum Export {
    /// Print scrape jobs with which a Prometheus collects everything that the companion stores
    PrometheusConfig(PrometheusConfigArgs),
    /// Print a Grafana dashboard with the page's graphs, as JSON to import
    GrafanaDashboard(GraphsArgs),
    /// Print Prometheus recording rules for the page's graphs
    RecordingRules(GraphsArgs),
}

/// Selects graphs.
#[derive(Debug, Args)]
struct GraphsArgs {
    /// Include only graphs of an engine, by the id that `check --json` prints (repeatable) [default: all]
    #[arg(long = "engine", value_name = "ENGINE")]
    engines: Vec<String>,
    /// Label that contains the model in Prometheus
    #[arg(long, value_name = "LABEL", default_value = "model")]
    model_label: String,
}

impl GraphsArgs {
    /// Whether a metric belongs to one of the selected engines.
    fn present(&self) -> Result<impl Fn(&str) -> bool, ConfigError> {
        let label = &self.model_label;
        let is_start = |c: char| c.is_ascii_alphabetic() || c == '_';
        if !label.starts_with(is_start) || !label.chars().all(|c| is_start(c) || c.is_ascii_digit()) {
            let problem = format!("{label:?} is not a label name; use letters, digits and _");
            return Err(ConfigError::Setting { setting: "--model-label".into(), problem });
        }
        let unknown = self.engines.iter().find(|id| catalogue::engine(id).is_none());
        if let Some(id) = unknown {
            let ids: Vec<_> = catalogue::ENGINES.iter().map(|engine| engine.id).collect();
            let problem = format!("unknown engine {id:?}; choose from {}", ids.join(", "));
            return Err(ConfigError::Setting { setting: "--engine".into(), problem });
        }
        let engines: Vec<_> = self.engines.iter().filter_map(|id| catalogue::engine(id)).collect();
        let names: BTreeSet<&str> =
            engines.iter().flat_map(|engine| engine.recipes.iter().flat_map(Recipe::names)).collect();
        let is_any = engines.is_empty();
        // Without a selection, assume the names that engines themselves export.
        Ok(move |name: &str| if is_any { catalogue::is_original(name) } else { names.contains(name) })
    }
}

/// The text to print.
///
/// # Errors
/// If an argument or the configuration is invalid.
pub fn export(args: &ExportArgs) -> Result<String, ConfigError> {
    match &args.what {
        Export::PrometheusConfig(args) => prometheus_config::scrape_configs(args),
        Export::GrafanaDashboard(args) => Ok(catalogue_export::grafana_dashboard(&args.model_label, &args.present()?)),
        Export::RecordingRules(args) => Ok(catalogue_export::recording_rules(&[&args.model_label], &args.present()?)),
    }
}
