//! `[[http_sd]]`: targets from lists that other programs serve.
use crate::config::access::table_with_request_keys;
use crate::config::target::http_url;
use crate::config::target_list::{ListRules, ScrapeEntry};
use crate::config::{ConfigError, MAX_DEFAULT_TIMEOUT, duration, setting};
use crate::target::access::{Header, HeaderText};
use crate::target::{Endpoint, Pace, instance_of};
use exposition::Limits;
use http::{HeaderName, HeaderValue};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;

/// The time between two requests. Source: `DefaultSDConfig` in Prometheus's `discovery/http/http.go`.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(60);

/// The shortest time between two requests.
const MIN_INTERVAL: Duration = Duration::from_secs(1);

/// The longest list, after decompression.
const MAX_LIST_BYTES: usize = 4 << 20;

/// Says how often the list is requested. Source: "HTTP SD" in Prometheus's documentation.
const INTERVAL_HEADER: HeaderName = HeaderName::from_static("x-prometheus-refresh-interval-seconds");

table_with_request_keys! {
    /// One `[[http_sd]]`, with the keys of Prometheus's `http_sd_config` and `scrape`.
    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    pub(crate) struct HttpEntry {
        url: String,
        #[serde(deserialize_with = "duration")]
        refresh_interval: Option<Duration>,
        pub(crate) scrape: ScrapeEntry,
    }
}

/// A list of targets at a URL.
#[derive(Debug, PartialEq)]
pub struct HttpList {
    /// Where it is served, and how it is requested.
    pub(crate) endpoint: Endpoint,
    /// How often it is requested.
    pub(crate) interval: Duration,
    /// How long an answer may take.
    pub(crate) timeout: Duration,
    /// How its targets are scraped.
    pub(crate) rules: ListRules,
}

impl HttpEntry {
    /// The list. `pace` is the default for its targets.
    pub(crate) fn resolve(self, pace: Pace) -> Result<HttpList, ConfigError> {
        if self.url.is_empty() {
            return Err(setting("http_sd", "set url, such as http://inventory.example/targets".into()));
        }
        let url = http_url("http_sd", &self.url)?;
        let name = format!("http_sd {}", instance_of(&url).unwrap_or_default());
        let interval = self.refresh_interval.unwrap_or(DEFAULT_INTERVAL);
        if interval < MIN_INTERVAL {
            let problem = format!("{interval:?} is shorter than {MIN_INTERVAL:?}");
            return Err(setting(&format!("{name}: refresh_interval"), problem));
        }
        let mut access = self.request().resolve(&name, "Bearer")?;
        access.limits = Limits { body_bytes: MAX_LIST_BYTES, ..Limits::default() };
        let seconds = HeaderText::Public(HeaderValue::from(interval.as_secs()));
        access.headers.push(Header { name: INTERVAL_HEADER, value: seconds });
        Ok(HttpList {
            endpoint: Endpoint { url, access: Arc::new(access) },
            interval,
            timeout: MAX_DEFAULT_TIMEOUT.min(interval),
            rules: ListRules::new(&name, pace, &self.scrape)?,
        })
    }
}

impl HttpList {
    /// Its name in logs and errors: without the query, which may hold a token.
    pub(crate) fn name(&self) -> String {
        let url = &self.endpoint.url;
        format!("{}{}", instance_of(url).unwrap_or_default(), url.path())
    }

    /// Whether its own certificate or those of its targets are not verified.
    pub(crate) fn is_insecure(&self) -> bool {
        self.endpoint.access.is_insecure() || self.rules.access.is_insecure()
    }
}
