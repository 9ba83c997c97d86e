//! The listening sockets, from `/proc/net/tcp` and `tcp6` (proc_net_tcp(5), and Linux's `proc_net_tcp.rst`).
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// `TCP_LISTEN` in the kernel's `tcp_states.h`.
const LISTENING: &str = "0A";

/// A listening socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Listener {
    address: IpAddr,
    port: u16,
    inode: u64,
}

impl Listener {
    pub(crate) fn inode(&self) -> u64 {
        self.inode
    }

    pub(crate) fn address(&self) -> IpAddr {
        self.address
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

/// The listening sockets in the contents of `tcp` and `tcp6`.
pub(crate) fn parse_listeners<'t>(tables: impl IntoIterator<Item = &'t str>) -> Vec<Listener> {
    tables.into_iter().flat_map(|table| table.lines().filter_map(parse_listener)).collect()
}

/// The inodes of the sockets that answer at `addresses` and `port`: those bound to one of the addresses, or else those
/// bound to all addresses.
pub(crate) fn inodes(listeners: &[Listener], addresses: &[IpAddr], port: u16) -> Vec<u64> {
    let bound = |is_bound: &dyn Fn(IpAddr) -> bool| -> Vec<u64> {
        let bound = listeners.iter().filter(|own| own.port == port && is_bound(own.address.to_canonical()));
        bound.map(|own| own.inode).collect()
    };
    let exact = addresses.iter().map(|wanted| bound(&|address| address == *wanted)).find(|inodes| !inodes.is_empty());
    exact.unwrap_or_else(|| bound(&|address| address.is_unspecified()))
}

/// Whether a socket listens at `port`, whatever its address.
pub(crate) fn is_port_used(listeners: &[Listener], port: u16) -> bool {
    listeners.iter().any(|own| own.port == port)
}

/// The socket in a line, if it is listening.
fn parse_listener(line: &str) -> Option<Listener> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let (local, state, inode) = (words.get(1)?, words.get(3)?, words.get(9)?);
    if *state != LISTENING {
        return None;
    }
    let (address, port) = local.split_once(':')?;
    let word = |at: usize| u32::from_str_radix(address.get(at * 8..at * 8 + 8)?, 16).ok();
    // Each 32-bit word of an address is in the machine's byte order.
    let address = match address.len() {
        8 => Ipv4Addr::from(word(0)?.to_ne_bytes()).into(),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?];
            let bytes: Vec<u8> = words.into_iter().flat_map(u32::to_ne_bytes).collect();
            Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).into()
        }
        _ => return None,
    };
    Some(Listener { address, port: u16::from_str_radix(port, 16).ok()?, inode: inode.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TCP: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
        0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 101 1 0 100 0 0 10 0\n\
        1: 00000000:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 102 1 0 100 0 0 10 0\n\
        2: 0100007F:1F40 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 103 1 0 20 4 30 10 -1\n\
        3: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 104 1 0 100 0 0 10 0\n\
        4: cut\n";
    const TCP6: &str = "  sl  local_address                         remote_address                        st\n\
        0: 00000000000000000000000000000000:7530 00000000000000000000000000000000:0000 0A 0:0 00:0 0 1000 0 201 1 0 0\n\
        1: 00000000000000000000000001000000:7531 00000000000000000000000000000000:0000 0A 0:0 00:0 0 1000 0 202 1 0 0\n\
        2: 0000000000000000FFFF00000100007F:7532 00000000000000000000000000000000:0000 0A 0:0 00:0 0 1000 0 203 1 0 0\n";

    #[test]
    fn the_most_specifically_bound_socket_answers() {
        let found =
            |address: &str, port| inodes(&parse_listeners([TCP, TCP6]), &[address.parse().expect("an address")], port);
        assert_eq!(found("127.0.0.1", 8000), [101]);
        assert_eq!(found("127.0.0.2", 8000), [102]);
        assert_eq!(found("127.0.0.1", 8080), [104]);
        assert_eq!(found("127.0.0.1", 8081), [0; 0]);
        // An IPv6 socket that is bound to all addresses also accepts IPv4.
        assert_eq!(found("127.0.0.1", 30_000), [201]);
        assert_eq!(found("::1", 30_001), [202]);
        assert_eq!(found("127.0.0.1", 30_001), [0; 0]);
        assert_eq!(found("127.0.0.1", 30_002), [203]);
    }
}
