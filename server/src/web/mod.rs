//! What the companion serves over HTTP: the API, the metrics pages, the web page, and what guards every answer.
pub mod api;
pub mod assets;
pub mod cors;
pub mod frame_policy;
pub mod headers;
pub mod listen;
pub mod openmetrics;
