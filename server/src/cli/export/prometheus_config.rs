//! `export prometheus-config`: the `scrape_configs` with which a Prometheus collects what the companion stores.
use crate::config::serve_args::ServeArgs;
use crate::config::{ConfigError, Settings};
use crate::sources::host::Host;
use clap::Args;
use reqwest::Url;
use std::path::PathBuf;

/// Arguments of `export prometheus-config`.
#[derive(Debug, Args)]
pub(crate) struct PrometheusConfigArgs {
    /// Configuration file of the companion, from which the address and the interval are read
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address that the companion listens on [default: from the configuration file, or 127.0.0.1:7117]
    #[arg(long, value_name = "ADDRESS:PORT", conflicts_with = "url")]
    listen: Option<String>,
    /// URL at which Prometheus reaches the companion if it is another one, such as https://gpubox.example/inferboard
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

/// The YAML to paste into `prometheus.yml`.
pub(crate) fn scrape_configs(args: &PrometheusConfigArgs) -> Result<String, ConfigError> {
    let serve = ServeArgs {
        config: args.config.clone(),
        listen: args.listen.clone(),
        // This command does not listen.
        allow_open_network: true,
        ..ServeArgs::default()
    };
    let settings = Settings::load(&serve)?;
    let url = match &args.url {
        Some(url) => base_url(url)?,
        None => base_url(&format!("{}://{}", settings.web.scheme(), reachable_address(&settings)?))?,
    };
    let interval_ms = settings.pace.interval.as_millis();
    let (scheme, prefix) = (url.scheme(), url.path().trim_end_matches('/'));
    let target = yaml(url.authority());
    let [metrics_path, federate_path] = ["/metrics", "/federate"].map(|path| yaml(&format!("{prefix}{path}")));
    Ok(format!(
        r#"# For prometheus.yml. Printed by `inferboard-server export prometheus-config`.
scrape_configs:
  # The companion itself and its machine: the store, CPU, memory.
  - job_name: inferboard
    scrape_interval: {interval_ms}ms
    scheme: {scheme}
    metrics_path: {metrics_path}
    static_configs:
      - targets: [{target}]

  # Everything else that it stores: the latest sample of each series, with its timestamp.
  - job_name: inferboard-federate
    scrape_interval: {interval_ms}ms
    scheme: {scheme}
    metrics_path: {federate_path}
    # The samples keep the labels job, instance, model and replica that they have in Inferboard.
    honor_labels: true
    params:
      # The series to collect, without those of the job above. Narrow this selector or add others.
      'match[]':
        - '{{__name__=~".+",job!~"host|inferboard"}}'
    static_configs:
      - targets: [{target}]
"#
    ))
}

/// The configured address, or this machine's name if the companion listens on all addresses.
fn reachable_address(settings: &Settings) -> Result<String, ConfigError> {
    let Some(listen) = settings.web.listen.network() else {
        let problem = "the companion listens at a socket, which Prometheus cannot scrape; name the address of a proxy";
        return Err(ConfigError::Setting { setting: "--url".into(), problem: problem.into() });
    };
    Ok(match Host::new(settings.host_paths.clone()).name() {
        Some(name) if listen.ip().is_unspecified() => format!("{name}:{}", listen.port()),
        _ => listen.to_string(),
    })
}

fn base_url(text: &str) -> Result<Url, ConfigError> {
    let invalid = |problem: String| ConfigError::Setting { setting: "--url".into(), problem };
    let url: Url = text.parse().map_err(|error| invalid(format!("{text:?} is not a URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(invalid(format!("{text:?} must begin with http:// or https:// and name a host")));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("remove the user name and password; add them to prometheus.yml instead".into()));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("remove everything after the path".into()));
    }
    Ok(url)
}

/// A text as a YAML scalar: JSON strings are valid YAML.
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
    fn invalid_addresses_are_rejected() {
        for url in ["gpubox:7117", "ftp://a", "http://u:p@a", "http://a/?b=c", ""] {
            assert!(config(None, Some(url)).expect_err(url).starts_with("--url: "), "{url}");
        }
        assert!(config(Some("unix:/run/a.sock"), None).expect_err("a socket").starts_with("--url: "));
        assert!(config(Some("nowhere"), None).expect_err("no address").starts_with("listen: "));
    }
}
