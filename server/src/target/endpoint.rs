//! HTTP endpoints.
use crate::target::authorization::Authorization;
use reqwest::Url;
use std::sync::Arc;

/// A URL that is requested, and the credentials for it.
#[derive(Debug, PartialEq)]
pub struct Endpoint {
    /// The URL, without user name and password.
    pub url: Url,
    /// The credentials to send.
    pub authorization: Option<Arc<Authorization>>,
}

/// `host:port` of a URL; the port is included even if it is the scheme's default.
pub fn instance_of(url: &Url) -> Option<String> {
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
}
