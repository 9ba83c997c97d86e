//! The write-ahead log.
pub(crate) mod buffer;
pub(crate) mod replay;
