//! Scrapes targets by Prometheus's rules: each on its own schedule, each metrics page as a whole or not at all, and with
//! stale markers for series that disappear.
pub mod admission;
pub mod body;
pub mod change_log;
pub mod connections;
pub mod engine_detection;
pub mod family_diff;
pub mod fetch;
pub mod health;
pub mod local_discovery;
pub mod lookup;
pub mod metadata;
pub mod metrics_page;
pub mod model_request;
pub mod new_series;
mod newborn;
pub mod parsed_page;
pub mod reader;
pub mod refused_samples;
pub mod report;
pub mod same_machine;
pub mod schedule;
pub mod scrape_loop;
pub mod scrapers;
pub mod series_slots;
pub mod start_time;
pub mod target_log;
pub mod writer;
