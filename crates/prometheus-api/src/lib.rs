//! The types of the Prometheus HTTP API, shared by both programs; no I/O.
//!
//! Source of the shapes: <https://prometheus.io/docs/prometheus/latest/querying/api/>.
mod error;
mod number;
mod request;
mod response;

pub use error::{ApiError, ErrorType};
pub use number::{Number, format_value, parse_value};
pub use request::{RequestError, format_time, parse_duration_ms, parse_time_ms};
pub use response::{ApiResponse, Data, InstantValue, RangeValues, Sample, Series};
