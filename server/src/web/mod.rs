//! The HTTP server: the API, the metrics pages, the files of the page, and the rules that apply to every response.
pub mod accept_encoding;
pub mod access;
pub mod api;
pub mod arrival;
pub mod assets;
pub mod backends;
pub mod base_path;
pub mod cors;
pub mod cross_site;
pub(crate) mod forwarded;
pub mod frame_policy;
pub mod headers;
pub mod hosts;
pub mod listen;
pub mod openmetrics;
pub mod peers;
pub mod proxies;
