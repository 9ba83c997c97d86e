//! PromQL evaluation over a one-method storage trait; reads no clock and does no I/O.
mod labels;
mod storage;

pub use labels::Labels;
pub use storage::{Column, MatchOp, Matcher, STALE_NAN_BITS, Selector, Storage, StorageError, is_stale, stale_marker};
