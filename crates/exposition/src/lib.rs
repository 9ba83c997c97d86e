//! Reads Prometheus text and OpenMetrics into samples and families, and writes families as text.
//!
//! Both formats are called a *metrics page* here. [`for_each_sample`] and [`parse`] read one page;
//! [`IncrementalParser`] reads the successive pages of one target; [`lint`] lists every error of a page;
//! [`for_each_dump_sample`] reads a dump of any length; [`write`] writes families as a page.
//!
//! ```
//! use exposition::{Format, Limits, for_each_sample};
//!
//! let page = b"# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running{engine=\"0\"} 3\n";
//! let mut running = 0.0;
//! for_each_sample(page, Format::from_content_type("text/plain; version=0.0.4")?, &Limits::default(), &mut |sample| {
//!     running += sample.value;
//! })?;
//! assert_eq!(running, 3.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
mod bound;
mod dump;
mod error;
mod family;
mod format;
mod grouping;
mod incremental;
mod limits;
mod line;
mod lint;
mod parse;
mod timestamp;
mod validate;
mod write;

pub use bound::canonical_label_value;
pub use dump::{DumpError, DumpSample, for_each_dump_sample};
pub use error::{ErrorKind, ParseError};
pub use family::{Exemplar, Family, Kind, Sample};
pub use format::{ContentTypeError, Format};
pub use incremental::{IncrementalParser, Metadata, NewSeries, ParseCounts, Sink};
pub use limits::Limits;
pub use line::labels::Label;
pub use lint::{LintReport, lint};
pub use parse::{SampleRef, for_each_sample, parse};
pub use timestamp::Timestamp;
pub use write::encoding::Encoding;
pub use write::{write, write_part};
