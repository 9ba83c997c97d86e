//! PromQL evaluation over a storage trait of one method that must be there; reads no clock and does no I/O.
mod ast;
mod error;
mod eval;
mod functions;
mod histogram;
mod kahan;
mod labels;
mod limits;
mod literal_set;
mod parse;
mod pattern;
mod print;
mod quantile;
mod query;
mod result;
mod storage;
mod string_literal;

pub use error::{Error, ErrorKind};
pub use eval::{instant, range};
pub use labels::{Labels, METRIC_NAME};
pub use limits::{Interrupt, Interruption, Limits, MemoryPool, Options, Reservation, uninterrupted};
pub use parse::parse;
pub use pattern::Pattern;
pub use query::Query;
pub use result::{QueryResult, Sample, Series, Value};
pub use storage::{MatchOp, Matcher, STALE_NAN_BITS, Samples, Selector, Storage, StorageError, is_stale, stale_marker};
