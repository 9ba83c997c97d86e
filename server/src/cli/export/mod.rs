//! `inferboard-server export`: prints configuration for Prometheus and Grafana.
pub mod prometheus_config;

use crate::cli::export::prometheus_config::PrometheusConfigArgs;
use crate::config::serve_args::ServeArgs;
use crate::config::{ConfigError, Settings};
use catalogue::{Recipe, bare_name};
use clap::{Args, Subcommand};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

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
    /// Print Prometheus alerting rules for the findings that PromQL can say; they need the recording rules
    AlertingRules(AlertsArgs),
}

/// Arguments of `alerting-rules`.
#[derive(Debug, Args)]
struct AlertsArgs {
    /// Label that contains the model in Prometheus
    #[arg(long, value_name = "LABEL", default_value = "model")]
    model_label: String,
    /// Configuration file of the companion, from which the thresholds are read
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
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
    /// Configuration file of the companion, from which the metrics of your own are read
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl GraphsArgs {
    /// Whether a metric belongs to one of the selected engines.
    fn present(&self) -> Result<impl Fn(&str) -> bool, ConfigError> {
        check_label(&self.model_label)?;
        add_own_names(self.config.as_deref())?;
        let unknown = self.engines.iter().find(|id| catalogue::engine(id).is_none());
        if let Some(id) = unknown {
            let ids: Vec<_> = catalogue::engines().iter().map(|engine| engine.id).collect();
            let problem = format!("unknown engine {id:?}; choose from {}", ids.join(", "));
            return Err(ConfigError::Setting { setting: "--engine".into(), problem });
        }
        let engines: Vec<_> = self.engines.iter().filter_map(|id| catalogue::engine(id)).collect();
        let read = engines.iter().flat_map(|engine| engine.recipes.iter().flat_map(Recipe::names)).map(bare_name);
        // A histogram is known by its count.
        let names: BTreeSet<String> = read.flat_map(|name| [name.to_owned(), format!("{name}_count")]).collect();
        let is_any = engines.is_empty();
        // Without a selection, assume the names that engines themselves export.
        Ok(move |name: &str| if is_any { catalogue::is_original(name) } else { names.contains(name) })
    }
}

/// Adds the metrics of the user's own in a configuration file to the catalogue.
///
/// # Errors
/// If the file cannot be used.
pub(crate) fn add_own_names(config: Option<&Path>) -> Result<(), ConfigError> {
    if let Some(settings) = settings(config)? {
        settings.add_own_names();
    }
    Ok(())
}

/// The settings in a configuration file, for a command that does not listen.
fn settings(config: Option<&Path>) -> Result<Option<Settings>, ConfigError> {
    let args =
        |path: &Path| ServeArgs { config: Some(path.to_owned()), allow_open_network: true, ..ServeArgs::default() };
    config.map(|path| Settings::load(&args(path))).transpose()
}

fn check_label(label: &str) -> Result<(), ConfigError> {
    let is_start = |c: char| c.is_ascii_alphabetic() || c == '_';
    if label.starts_with(is_start) && label.chars().all(|c| is_start(c) || c.is_ascii_digit()) {
        return Ok(());
    }
    let problem = format!("{label:?} is not a label name; use letters, digits and _");
    Err(ConfigError::Setting { setting: "--model-label".into(), problem })
}

/// The text to print.
///
/// # Errors
/// If an argument or the configuration is invalid.
pub fn export(args: &ExportArgs) -> Result<String, ConfigError> {
    match &args.what {
        Export::PrometheusConfig(args) => prometheus_config::scrape_configs(args),
        Export::GrafanaDashboard(args) => Ok(catalogue_export::grafana_dashboard(&args.model_label, &args.present()?)),
        Export::AlertingRules(args) => {
            check_label(&args.model_label)?;
            let settings = settings(args.config.as_deref())?;
            let thresholds = settings.map(|settings| settings.thresholds).unwrap_or_default();
            Ok(findings::alerting_rules(&args.model_label, &thresholds))
        }
        Export::RecordingRules(args) => Ok(catalogue_export::recording_rules(&[&args.model_label], &args.present()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_have_the_thresholds_of_the_configuration() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "[findings]\nkv-cache-full = { share = 0.95, minutes = 10 }\n").expect("a file");
        let rules = |config| {
            let args = AlertsArgs { model_label: "model".into(), config };
            export(&ExportArgs { what: Export::AlertingRules(args) }).expect("alerting rules")
        };
        let of_cache = |rules: &str| {
            let (_, rule) = rules.split_once("- alert: InferboardKvCacheFull").expect("the alert");
            rule.split("- alert").next().expect("a rule").to_owned()
        };
        let usual = of_cache(&rules(None));
        assert!(usual.contains("0.9 ") && usual.contains("for: 3m"), "{usual}");
        let own = of_cache(&rules(Some(file.path().to_owned())));
        assert!(own.contains("0.95") && own.contains("for: 10m"), "{own}");
    }

    #[test]
    fn the_graphs_of_an_engine_are_all_that_it_feeds_and_no_others() {
        let args = |engines: &[&str]| GraphsArgs {
            engines: engines.iter().map(|id| (*id).to_owned()).collect(),
            model_label: "model".into(),
            config: None,
        };
        let rules = |engines: &[&str]| {
            export(&ExportArgs { what: Export::RecordingRules(args(engines)) }).expect("recording rules")
        };
        let of_vllm = rules(&["vllm"]);
        // A counter, a histogram, and a gauge whose name carries matchers.
        for name in
            ["vllm:request_success_total", "vllm:e2e_request_latency_seconds_bucket", "vllm:num_requests_running"]
        {
            assert!(of_vllm.contains(name), "{name}");
        }
        assert!(!of_vllm.contains("sglang:") && rules(&[]).contains("sglang:"));
        let error = export(&ExportArgs { what: Export::RecordingRules(args(&["vlm"])) }).expect_err("no such engine");
        assert!(error.to_string().contains("unknown engine \"vlm\"; choose from"), "{error}");
    }
}
