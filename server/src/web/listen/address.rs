//! Where the server listens: at an address with a port, or at a socket in the file system.
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// What precedes the path of a socket.
const SOCKET: &str = "unix:";

/// Where the server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// An address and a port.
    Network(SocketAddr),
    /// The path of a socket, which only processes of this machine can reach.
    Socket(PathBuf),
}

impl ListenAddress {
    /// The address that `text` is: `host:port`, or `unix:` and a path.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.strip_prefix(SOCKET) {
            Some("") => Err("name the path of the socket after unix:".into()),
            Some(path) => Ok(Self::Socket(path.into())),
            None => text.parse().map(Self::Network).map_err(|_| {
                format!(
                    "{text:?} is not an address and port, such as 127.0.0.1:7117, or unix: and the path of a socket, such \
                     as unix:/run/inferboard/inferboard.sock"
                )
            }),
        }
    }

    /// Whether only this machine can reach it.
    pub fn is_local(&self) -> bool {
        self.network().is_none_or(|address| address.ip().is_loopback())
    }

    /// The address and port; none of a socket.
    pub fn network(&self) -> Option<SocketAddr> {
        match self {
            Self::Network(address) => Some(*address),
            Self::Socket(_) => None,
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(address) => address.fmt(f),
            Self::Socket(path) => write!(f, "{SOCKET}{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_of_a_network_or_of_a_socket() {
        for (text, is_local) in [
            ("127.0.0.1:7117", true),
            ("[::1]:0", true),
            ("0.0.0.0:80", false),
            ("10.0.0.1:80", false),
            ("unix:/run/a b.sock", true),
        ] {
            let address = ListenAddress::parse(text).expect(text);
            assert_eq!((address.to_string().as_str(), address.is_local()), (text, is_local));
        }
        for text in ["", "localhost", "localhost:80", ":80", "unix:", "/run/a.sock"] {
            assert!(ListenAddress::parse(text).is_err(), "{text:?}");
        }
    }
}
