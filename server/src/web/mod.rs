//! The HTTP server: the API, the metrics pages, the files of the page, and the rules that apply to every response.
pub mod accept_encoding;
pub mod access;
pub mod api;
pub(crate) mod arrival;
pub mod assets;
pub mod cors;
pub mod cross_site;
pub mod frame_policy;
pub mod headers;
pub mod listen;
pub mod openmetrics;
pub mod peers;
