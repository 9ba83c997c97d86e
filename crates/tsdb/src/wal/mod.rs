//! The write-ahead log: the scrapes that are in memory but in no block yet, on disk.
pub(crate) mod buffer;
pub(crate) mod group_log;
mod log;
pub(crate) mod replay;
pub(crate) mod segment;

pub(crate) use buffer::LogRow;
pub(crate) use log::Wal;

/// The tag of a record that names the series of a group's slots.
pub(crate) const SERIES: u8 = 1;

/// The tag of a record with the values of one scrape, or of series that the previous scrape turned out to lack.
pub(crate) const SCRAPE: u8 = 2;
