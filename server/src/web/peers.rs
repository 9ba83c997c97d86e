//! Clients, told apart by their address, and the share of the server that each may use: one that takes all it can leaves
//! others theirs.
use crate::threads::Threads;
use parking_lot::Mutex;
use promql::MemoryPool;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Weak};
use tokio::sync::Semaphore;

/// The maximum number of long answers that one client has not read yet.
pub(crate) const MAX_LONG_ANSWERS: usize = 64;

/// The maximum number of queries of one client that wait for other servers. A page keeps about four under way.
const MAX_FORWARDED: usize = 16;

/// The part of the memory of all requests that one client may use, in hundredths.
const MAX_PEER_PERCENT: u64 = 75;

/// Stands for the address of a client that has none, as it has come by a socket of this machine, or that is not known. It is
/// not one of loopback: such a client may be a proxy.
pub(crate) const NO_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// All clients that are connected.
#[derive(Debug)]
pub(crate) struct Peers {
    /// The maximum number of queries that run for one client.
    max_running: usize,
    /// The memory of all requests and answers together.
    memory: Arc<MemoryPool>,
    answers: Threads,
    known: Mutex<HashMap<IpAddr, Weak<Peer>>>,
}

/// One client: the processes of an address.
#[derive(Debug)]
pub(crate) struct Peer {
    /// The address that stands for all of its addresses.
    pub(crate) address: IpAddr,
    /// Permits for its queries to run.
    pub(crate) running: Arc<Semaphore>,
    /// Permits for its queries to wait for other servers, which takes long and costs little here.
    pub(crate) forwarded: Arc<Semaphore>,
    /// Permits for its long answers.
    pub(crate) long_answers: Arc<Semaphore>,
    /// The memory of its requests and answers, a part of that of all.
    pub(crate) memory: Arc<MemoryPool>,
    /// The threads that write long answers, of all clients.
    pub(crate) answers: Threads,
}

impl Peers {
    /// Lets at most `max_running` queries of each client run, and all requests together take `memory_bytes`.
    pub(crate) fn new(max_running: usize, memory_bytes: u64) -> Self {
        let (memory, answers) = (MemoryPool::new(memory_bytes), Threads::new("answers", max_running));
        Self { max_running, memory, answers, known: Mutex::default() }
    }

    /// The client at `address`.
    pub(crate) fn at(&self, address: IpAddr) -> Arc<Peer> {
        let address = network_of(address);
        let mut known = self.known.lock();
        if let Some(peer) = known.get(&address).and_then(Weak::upgrade) {
            return peer;
        }
        known.retain(|_, peer| peer.strong_count() > 0);
        let peer = Arc::new(self.peer(address));
        known.insert(address, Arc::downgrade(&peer));
        peer
    }

    fn peer(&self, address: IpAddr) -> Peer {
        Peer {
            address,
            running: Arc::new(Semaphore::new(self.max_running)),
            forwarded: Arc::new(Semaphore::new(MAX_FORWARDED)),
            long_answers: Arc::new(Semaphore::new(MAX_LONG_ANSWERS)),
            memory: MemoryPool::within(&self.memory, self.memory.limit_bytes() / 100 * MAX_PEER_PERCENT),
            answers: self.answers.clone(),
        }
    }
}

/// The address that stands for all addresses of one client: the /64 network of an IPv6 address.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            let network = u128::from(address) >> 64 << 64;
            Ipv6Addr::from(network).into()
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_one_share_however_many_addresses_it_has() {
        let peers = Peers::new(2, 256 << 20);
        let at = |text: &str| peers.at(text.parse().expect("an address"));
        let one = at("2001:db8::1");
        assert!(Arc::ptr_eq(&one, &at("2001:db8::ffff:2")));
        assert!(!Arc::ptr_eq(&one, &at("2001:db8:0:1::1")));
        let other = at("10.0.0.1");
        assert!(Arc::ptr_eq(&other, &at("::ffff:10.0.0.1")));
        assert!(!Arc::ptr_eq(&other, &at("10.0.0.2")));
    }

    #[test]
    fn clients_that_have_left_are_forgotten() {
        let peers = Peers::new(2, 256 << 20);
        for host in 0..100 {
            let _ = peers.at(IpAddr::from([10, 0, 0, host]));
        }
        assert!(peers.known.lock().len() <= 1);
    }

    #[test]
    fn what_one_client_holds_leaves_memory_for_others() {
        let peers = Peers::new(2, 256 << 20);
        let [greedy, modest] = [1, 2].map(|host| peers.at(IpAddr::from([10, 0, 0, host])));
        let mut held = Vec::new();
        while let Some(reservation) = greedy.memory.reserve(16 << 20) {
            held.push(reservation);
        }
        assert_eq!(held.len(), 11, "three quarters, in whole pieces");
        assert!(modest.memory.reserve(64 << 20).is_some());
        assert!(modest.memory.reserve(81 << 20).is_none());
    }
}
