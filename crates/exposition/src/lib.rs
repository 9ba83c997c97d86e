//! Prometheus text and OpenMetrics into samples and families, and families into text.
mod cache;
mod error;
mod family;
mod format;
mod grouping;
mod judge;
mod limits;
mod line;
mod page;
mod write;

pub use cache::{Fact, PageCache, PageCount, Sink};
pub use error::{ErrorKind, ParseError};
pub use family::{Exemplar, Family, Kind, Sample};
pub use format::{ContentTypeError, Format};
pub use limits::Limits;
pub use line::{labels::Label, time::Timestamp};
pub use page::{SampleRef, for_each_sample, parse};
pub use write::{encoding::Encoding, write};
