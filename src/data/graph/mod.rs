//! The data of one card: its grid, its queries, and the frame that they make.
pub mod frame;
pub mod grid;
pub mod incremental;
pub mod request;
