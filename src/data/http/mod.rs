//! The page's HTTP: the client, its limits, and the server's clock.
pub mod chunked_json;
pub mod client;
pub mod config_file;
pub mod error;
pub mod request_limit;
pub mod server_clock;
