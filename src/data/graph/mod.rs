//! The data of one card: its grid, its queries, and the frame that their answers make.
pub mod bounds;
mod bucket_requests;
pub mod buckets;
pub mod card_state;
pub mod frame;
pub mod grid;
pub mod highest;
mod incremental;
mod latest;
mod peaks;
pub(crate) mod request;
