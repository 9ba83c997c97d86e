//! Scraping by Prometheus's rules: each target in its own time, a page all or nothing, and every series that is no
//! longer there marked as gone.
pub mod body;
pub mod engine_detection;
pub mod fetch;
pub mod metadata;
pub mod metrics_page;
pub mod parsed_page;
pub mod report;
pub mod schedule;
pub mod scrapers;
pub mod series_slots;
pub mod writer;
