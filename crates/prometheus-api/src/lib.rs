//! The types of the Prometheus HTTP API, shared by the page and the companion; no I/O.
//!
//! Source of the shapes: <https://prometheus.io/docs/prometheus/latest/querying/api/>.
#![warn(clippy::disallowed_methods)]
mod decimal;
mod duration;
mod error;
mod number;
mod response;
mod time;

pub use decimal::parse_decimal;
pub use duration::{InvalidDuration, parse_duration_literal_ms, parse_duration_ms};
pub use error::{ApiError, ErrorType};
pub use number::{Number, format_value, parse_value};
pub use response::{ApiResponse, Data, InstantValue, RangeValues, Sample, Series};
pub use time::{InvalidTime, format_time, parse_time_ms};
