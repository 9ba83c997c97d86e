//! HTTP endpoints.
use crate::target::access::Access;
use reqwest::Url;
use std::sync::Arc;

/// A URL that is requested, and how.
#[derive(Debug, PartialEq)]
pub struct Endpoint {
    /// The URL, without user name and password.
    pub url: Url,
    /// How it is requested.
    pub access: Arc<Access>,
}

impl Endpoint {
    /// A URL that anybody may request.
    pub(crate) fn open(url: Url) -> Self {
        Self { url, access: Arc::default() }
    }

    /// The same URL, requested in another way.
    pub(crate) fn with(&self, change: impl FnOnce(&mut Access)) -> Self {
        let mut access = Access::clone(&self.access);
        change(&mut access);
        Self { url: self.url.clone(), access: Arc::new(access) }
    }
}

/// `host:port` of a URL; the port is included even if it is the scheme's default.
pub fn instance_of(url: &Url) -> Option<String> {
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
}
