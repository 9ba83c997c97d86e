//! What listens at a target's address on this machine: whether its process is still there, and whether it is the same.
use crate::processes::listeners::{Listener, inodes, is_port_used};
use crate::processes::tree::ProcessKey;
use std::net::IpAddr;

/// What listens at a target's address.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Listening {
    /// Not known: the target is on another machine, its port is forwarded, or the kernel's files could not be read.
    #[default]
    Unknown,
    /// Nothing listens at its port.
    Nothing,
    /// A server.
    Server {
        /// Which one it is.
        id: ServerId,
        /// When its process started, Unix seconds; none if that is unknown.
        start_s: Option<f64>,
    },
}

/// What identifies a listening server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerId {
    /// The root of its process tree.
    Process(ProcessKey),
    /// The inode of its listening socket, where the process is not visible to this user.
    Socket(u64),
}

impl ServerId {
    /// Whether this is certainly another server than `earlier`. A process and a socket cannot be compared.
    pub fn is_other_than(self, earlier: Self) -> bool {
        self != earlier && std::mem::discriminant(&self) == std::mem::discriminant(&earlier)
    }
}

impl Listening {
    /// The server that listens, if it is known.
    pub fn server(self) -> Option<ServerId> {
        match self {
            Self::Server { id, .. } => Some(id),
            Self::Unknown | Self::Nothing => None,
        }
    }

    /// What the listening sockets of this machine say about `addresses` and `port`.
    pub(crate) fn of_sockets(listeners: &[Listener], addresses: &[IpAddr], port: u16) -> Self {
        match inodes(listeners, addresses, port).into_iter().min() {
            Some(inode) => Self::Server { id: ServerId::Socket(inode), start_s: None },
            // The machine's name may stand for another of its addresses.
            None if is_port_used(listeners, port) => Self::Unknown,
            None => Self::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processes::listeners::parse_listeners;

    #[test]
    fn sockets_tell_whether_something_listens() {
        const TCP: &str = "0: 0100007F:1F40 00000000:0000 0A 0:0 00:0 0 0 0 101 1\n\
            1: 0A00000A:1F90 00000000:0000 0A 0:0 00:0 0 0 0 102 1\n";
        let listeners = parse_listeners([TCP]);
        let of = |port| Listening::of_sockets(&listeners, &[[127, 0, 0, 1].into()], port);
        assert_eq!(of(8000).server(), Some(ServerId::Socket(101)));
        assert_eq!(of(8080), Listening::Unknown, "only at another address of the machine");
        assert_eq!(of(8081), Listening::Nothing);
    }

    #[test]
    fn a_process_and_a_socket_are_not_compared() {
        let process = |pid| ServerId::Process(ProcessKey { pid, start: 1 });
        assert!(process(1).is_other_than(process(2)) && !process(1).is_other_than(process(1)));
        assert!(ServerId::Socket(1).is_other_than(ServerId::Socket(2)));
        assert!(!process(1).is_other_than(ServerId::Socket(2)));
    }
}
