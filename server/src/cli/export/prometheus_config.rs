//! `scrape_configs` for a Prometheus that takes over what is collected here: this server's own page, and what it stores.
use crate::cli::args::ServeArgs;
use crate::config::{ConfigError, Settings};
use crate::sources::host::Host;
use clap::Args;
use reqwest::Url;
use std::path::PathBuf;

/// Arguments of `export prometheus-config`.
#[derive(Debug, Args)]
pub(crate) struct PrometheusConfigArgs {
    /// Configuration file of the companion, for its address and interval
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address the companion listens on [default: the file's, or 127.0.0.1:7117]
    #[arg(long, value_name = "ADDRESS:PORT", conflicts_with = "url")]
    listen: Option<String>,
    /// Where Prometheus reaches the companion, such as https://gpubox.example/inferboard, when not at that address
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

/// The YAML to paste into `prometheus.yml`.
pub(crate) fn scrape_configs(args: &PrometheusConfigArgs) -> Result<String, ConfigError> {
    let serve = ServeArgs {
        config: args.config.clone(),
        listen: args.listen.clone(),
        // Nothing is listened on here.
        allow_open_network: true,
        ..ServeArgs::default()
    };
    let settings = Settings::load(&serve)?;
    let url = match &args.url {
        Some(url) => base(url)?,
        None => base(&format!("http://{}", reached_at(&settings)))?,
    };
    let interval_ms = settings.pace.interval.as_millis();
    let (scheme, prefix) = (url.scheme(), url.path().trim_end_matches('/'));
    let target = yaml(url.authority());
    let [metrics_path, federate_path] = ["/metrics", "/federate"].map(|path| yaml(&format!("{prefix}{path}")));
    Ok(format!(
        r#"# For prometheus.yml, by `inferboard-server export prometheus-config`.
scrape_configs:
  # The companion itself and the machine it runs on: its store, processors, memory.
  - job_name: inferboard
    scrape_interval: {interval_ms}ms
    scheme: {scheme}
    metrics_path: {metrics_path}
    static_configs:
      - targets: [{target}]

  # Everything it has scraped or collected elsewhere: the latest sample of each series, at its own time.
  - job_name: inferboard-federate
    scrape_interval: {interval_ms}ms
    scheme: {scheme}
    metrics_path: {federate_path}
    # The samples keep the labels job, instance, model and replica that they have in Inferboard.
    honor_labels: true
    params:
      # Which series; add further selectors, or narrow this one. What the job above brings is left out.
      'match[]':
        - '{{__name__=~".+",job!~"host|inferboard"}}'
    static_configs:
      - targets: [{target}]
"#
    ))
}

/// Where the configured address is reached from this machine, or from others if all addresses are listened on.
fn reached_at(settings: &Settings) -> String {
    let port = settings.listen.port();
    match Host::new(settings.host_paths.clone()).name() {
        Some(name) if settings.listen.ip().is_unspecified() => format!("{name}:{port}"),
        _ => settings.listen.to_string(),
    }
}

fn base(text: &str) -> Result<Url, ConfigError> {
    let refused = |problem: String| ConfigError::Setting { setting: "--url".into(), problem };
    let url: Url = text.parse().map_err(|error| refused(format!("{text:?} is no URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(refused(format!("{text:?} must begin with http:// or https:// and name a host")));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(refused("give no more than scheme, host, port and path; a login goes into prometheus.yml".into()));
    }
    Ok(url)
}

/// A text as a scalar: JSON's strings are YAML's.
fn yaml(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(listen: Option<&str>, url: Option<&str>) -> Result<String, String> {
        let args = PrometheusConfigArgs { config: None, listen: listen.map(Into::into), url: url.map(Into::into) };
        scrape_configs(&args).map_err(|error| error.to_string())
    }

    #[test]
    fn the_address_is_the_companions() {
        let text = config(None, None).expect("defaults");
        assert_eq!(text.matches("targets: [\"127.0.0.1:7117\"]").count(), 2, "{text}");
        assert!(text.contains("scheme: http\n") && text.contains("metrics_path: \"/federate\""), "{text}");
        assert!(config(Some("[::1]:80"), None).expect("an address").contains("targets: [\"[::1]\"]"));
        let text = config(None, Some("https://gpubox.example/a/")).expect("a URL");
        assert!(text.contains("targets: [\"gpubox.example\"]") && text.contains("scheme: https\n"), "{text}");
        assert!(
            text.contains("metrics_path: \"/a/metrics\"") && text.contains("metrics_path: \"/a/federate\""),
            "{text}"
        );
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for url in ["gpubox:7117", "ftp://a", "http://u:p@a", "http://a/?b=c", ""] {
            assert!(config(None, Some(url)).expect_err(url).starts_with("--url: "), "{url}");
        }
        assert!(config(Some("nowhere"), None).expect_err("no address").starts_with("listen: "));
    }
}
