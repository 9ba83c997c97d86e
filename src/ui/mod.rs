//! The components of the page. Each folder imports only those before it: `kit`, `graph`, `card`, `replicas` and
//! `customize`, `topbar`, `models`, `page`.
#![expect(unreachable_pub, reason = "the component macro makes its functions public")]
pub(crate) mod card;
pub(crate) mod customize;
pub(crate) mod graph;
pub(crate) mod kit;
pub(crate) mod models;
pub(crate) mod page;
pub(crate) mod replicas;
pub(crate) mod topbar;
