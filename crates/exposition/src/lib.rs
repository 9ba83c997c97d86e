//! Prometheus text and OpenMetrics into samples and families, and families into text.
//!
//! A page that is read once goes through [`for_each_sample`] or [`parse`]; the pages of a target that is read again
//! and again go through a [`PageCache`]; [`examine`] lists all that is wrong with one; [`write`] makes a page of families.
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
mod cache;
mod error;
mod examine;
mod family;
mod format;
mod grouping;
mod judge;
mod limits;
mod line;
mod page;
mod stream;
mod write;

pub use cache::{Fact, PageCache, PageCount, Sink};
pub use error::{ErrorKind, ParseError};
pub use examine::{Examined, examine};
pub use family::{Exemplar, Family, Kind, Sample};
pub use format::{ContentTypeError, Format};
pub use limits::Limits;
pub use line::{labels::Label, time::Timestamp};
pub use page::{SampleRef, for_each_sample, parse};
pub use stream::{DumpError, DumpSample, for_each_dumped};
pub use write::{encoding::Encoding, write, write_part};
