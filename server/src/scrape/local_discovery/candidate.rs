//! An address that may be that of an inference server.
use crate::target::instance_of;
use reqwest::Url;
use std::net::SocketAddr;

/// The label with the name of the container that a server runs in.
const CONTAINER_LABEL: &str = "container";

/// An address that may be that of an inference server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    /// The metrics page.
    pub(super) url: Url,
    /// `host:port`.
    pub(super) instance: String,
    /// Whether it is on loopback.
    pub(super) is_local: bool,
    /// The container that has the address.
    pub(super) container: Option<String>,
}

impl Candidate {
    /// The page at `path` of a server; none if that is no URL.
    pub(super) fn new(address: SocketAddr, path: &str) -> Option<Self> {
        let url: Url = format!("http://{address}{path}").parse().ok()?;
        let instance = instance_of(&url)?;
        Some(Self { url, instance, is_local: address.ip().is_loopback(), container: None })
    }

    /// The same, in a container.
    pub(super) fn in_container(self, name: &str) -> Self {
        Self { container: Some(name.to_owned()), ..self }
    }

    /// The labels that say where it was found.
    pub(super) fn labels(&self) -> Vec<(String, String)> {
        self.container.iter().map(|name| (CONTAINER_LABEL.to_owned(), name.clone())).collect()
    }
}
