//! The proxies that are believed what they say of a request: where it comes from, how, and who sends it.
use crate::web::peers::NO_ADDRESS;
use ipnet::IpNet;
use std::net::IpAddr;

/// What stands for all processes that can open the server's socket.
const SOCKETS: &str = "unix";

/// The peers that are believed. Without any, every peer is a client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    /// Whether whoever can open the server's socket is believed.
    sockets: bool,
}

impl TrustedProxies {
    /// The proxies of a list: addresses, networks such as `10.0.0.0/8`, and `unix`.
    ///
    /// # Errors
    /// What is wrong with the first that cannot be used.
    pub fn parse(list: &[String]) -> Result<Self, String> {
        let mut proxies = Self::default();
        for text in list {
            let network = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
            match network {
                _ if text == SOCKETS => proxies.sockets = true,
                Some(network) if network.prefix_len() == 0 => {
                    return Err(format!("{text:?} is everyone; name the proxies only"));
                }
                Some(network) => proxies.networks.push(network.trunc()),
                None => {
                    let hint = "write 127.0.0.1, 10.0.0.0/8, or unix for those that use the server's socket";
                    return Err(format!("{text:?} is neither an address nor a network; {hint}"));
                }
            }
        }
        Ok(proxies)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty() && !self.sockets
    }

    /// Whether the peer at `address` is believed.
    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        if address == NO_ADDRESS {
            return self.sockets;
        }
        self.networks.iter().any(|network| network.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_addresses_networks_and_the_socket() {
        let parse =
            |list: &[&str]| TrustedProxies::parse(&list.iter().map(|&text| text.to_owned()).collect::<Vec<_>>());
        let proxies = parse(&["127.0.0.1", "10.1.2.3/8", "fd00::/8"]).expect("proxies");
        for (address, is_trusted) in [
            ("127.0.0.1", true),
            ("::ffff:127.0.0.1", true),
            ("127.0.0.2", false),
            ("10.200.0.1", true),
            ("11.0.0.1", false),
            ("fd12::1", true),
            ("fe80::1", false),
            ("0.0.0.0", false),
        ] {
            assert_eq!(proxies.trusts(address.parse().expect("an address")), is_trusted, "{address}");
        }
        assert!(parse(&["unix"]).expect("proxies").trusts(NO_ADDRESS));
        assert!(parse(&[]).expect("none").is_empty());
        for text in ["0.0.0.0/0", "::/0", "10.0.0.0/33", "proxy.example", "", "*"] {
            assert!(parse(&[text]).is_err(), "{text:?}");
        }
    }
}
