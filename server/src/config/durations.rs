//! Durations in flags and in the configuration, and the pace of scrapes that they make.
use crate::config::{ConfigError, MIN_INTERVAL, setting};
use crate::target::Pace;
use serde::{Deserialize, Deserializer};
use std::time::Duration;

/// The pace of scrapes with this interval and timeout. Error messages name the key `name`.
pub(crate) fn pace(name: &str, interval: Duration, timeout: Duration) -> Result<Pace, ConfigError> {
    if interval < MIN_INTERVAL {
        let problem = format!("the scrape interval, {interval:?}, is shorter than {MIN_INTERVAL:?}");
        return Err(setting(&name.replace("scrape_timeout", "scrape_interval"), problem));
    }
    if timeout > interval {
        return Err(setting(name, format!("{timeout:?} is longer than the scrape interval, {interval:?}")));
    }
    Ok(Pace { interval, timeout })
}

/// The duration of a flag, if it is set.
pub(crate) fn flag_duration(flag: &str, text: Option<&str>) -> Result<Option<Duration>, ConfigError> {
    text.map(positive_duration).transpose().map_err(|problem| setting(flag, problem))
}

/// Parses a duration; an error says what is wrong with it.
pub(crate) fn positive_duration(text: &str) -> Result<Duration, String> {
    let duration_ms = prometheus_api::parse_duration_ms(text).map_err(|error| error.to_string())?;
    match u64::try_from(duration_ms) {
        Ok(duration_ms) if duration_ms > 0 => Ok(Duration::from_millis(duration_ms)),
        _ => Err(format!("{text:?} is not a positive duration")),
    }
}

/// Reads a duration of the configuration.
pub(crate) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    positive_duration(&text).map(Some).map_err(serde::de::Error::custom)
}
