//! How a request has reached the server: from whom, over what, and what a proxy that is believed says of it.
use crate::web::base_path::{BasePath, Below};
use crate::web::forwarded::Forwarded;
use crate::web::peers::NO_ADDRESS;
use crate::web::proxies::TrustedProxies;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::HeaderName;
use std::net::IpAddr;
use std::sync::Arc;

/// What is known of the way of a request, besides what it says itself. Each request carries it as an extension.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    /// The address of the client; of a proxy that is not believed, that proxy.
    pub(crate) client: IpAddr,
    /// Whether a proxy that is believed has passed it on: it then comes from elsewhere, even if no header says so.
    pub(crate) is_passed_on: bool,
    /// Whether the browser speaks HTTPS.
    pub(crate) is_https: bool,
    /// The hosts that a proxy that is believed was asked for, the browser's first.
    pub(crate) hosts: Vec<String>,
    /// Whether a proxy that is believed has signed the sender in.
    pub(crate) has_user: bool,
    /// Whether it asks for the base path without the slash at its end.
    pub(crate) lacks_slash: bool,
}

/// What is made of requests as they come in.
#[derive(Clone, Debug, Default)]
pub struct ArrivalRules {
    /// The path below which the page is opened.
    pub base_path: BasePath,
    /// The proxies that are believed.
    pub proxies: TrustedProxies,
    /// The header in which they name whom they have signed in.
    pub user_header: Option<HeaderName>,
}

impl Arrival {
    /// A request that comes straight from the client at `address`.
    pub(crate) fn direct(client: IpAddr) -> Self {
        Self { client, is_passed_on: false, is_https: false, hosts: Vec::new(), has_user: false, lacks_slash: false }
    }

    /// That of `request`; from an address that is not known if it has come by no connection.
    pub(crate) fn of(request: &Request) -> Arc<Self> {
        let known = request.extensions().get::<Arc<Self>>();
        known.map_or_else(|| Arc::new(Self::direct(NO_ADDRESS)), Arc::clone)
    }
}

impl ArrivalRules {
    /// What is known of a request that the peer at `address` has sent, over TLS or not. Its address is seen from the base
    /// path from then on.
    pub(crate) fn receive<B>(&self, address: IpAddr, is_tls: bool, request: &mut Request<B>) -> Arrival {
        let mut arrival = Arrival { is_https: is_tls, ..Arrival::direct(address) };
        match self.base_path.below(request.uri()) {
            Below::Path(uri) => *request.uri_mut() = uri,
            Below::WithoutSlash => arrival.lacks_slash = true,
        }
        if self.proxies.trusts(address) {
            let said = Forwarded::read(request.headers(), |address| self.proxies.trusts(address));
            arrival.is_passed_on = true;
            arrival.client = said.client.unwrap_or(address);
            arrival.is_https |= said.is_https;
            arrival.hosts = said.hosts;
            arrival.has_user = self.user_header.as_ref().is_some_and(|name| is_named(request.headers(), name));
        }
        arrival
    }
}

/// Whether a header names one user. Two headers come from two writers, one of whom may be the client.
fn is_named(headers: &HeaderMap, name: &HeaderName) -> bool {
    let mut values = headers.get_all(name).iter();
    let (value, further) = (values.next(), values.next());
    further.is_none() && value.is_some_and(|value| !value.as_bytes().trim_ascii().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> ArrivalRules {
        let proxies = TrustedProxies::parse(&["127.0.0.1".to_owned()]).expect("a proxy");
        let base_path = BasePath::parse("/tab/").expect("a path");
        ArrivalRules { base_path, proxies, user_header: Some(HeaderName::from_static("x-forwarded-user")) }
    }

    fn arrival(peer: &str, headers: &[(&str, &str)]) -> Arrival {
        let mut request = Request::builder().uri("/tab/metrics");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(()).expect("a request");
        let arrival = rules().receive(peer.parse().expect("an address"), false, &mut request);
        assert_eq!(request.uri(), "/metrics");
        arrival
    }

    const SAID: [(&str, &str); 4] = [
        ("x-forwarded-for", "192.0.2.1"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "dash.example"),
        ("x-forwarded-user", "ada"),
    ];

    #[test]
    fn only_a_proxy_that_is_believed_says_something() {
        let said = arrival("127.0.0.1", &SAID);
        assert_eq!((said.client.to_string().as_str(), said.is_https, said.has_user), ("192.0.2.1", true, true));
        assert_eq!(said.hosts, ["dash.example"]);
        for peer in ["127.0.0.2", "192.0.2.1", "0.0.0.0"] {
            let alone = arrival(peer, &SAID);
            assert_eq!((alone.client.to_string().as_str(), alone.is_https, alone.has_user), (peer, false, false));
            assert!(alone.hosts.is_empty());
        }
    }

    #[test]
    fn a_user_is_one_name() {
        for (headers, expected) in [
            (&[][..], false),
            (&[("x-forwarded-user", "")], false),
            (&[("x-forwarded-user", "  ")], false),
            (&[("x-forwarded-user", "ada")], true),
            (&[("X-Forwarded-User", "ada@example.org")], true),
            (&[("x-forwarded-user", "ada"), ("x-forwarded-user", "eve")], false),
            (&[("x-auth-request-user", "ada")], false),
        ] {
            assert_eq!(arrival("127.0.0.1", headers).has_user, expected, "{headers:?}");
        }
    }
}
