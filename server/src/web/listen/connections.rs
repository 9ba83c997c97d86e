//! The open connections, and which of them is closed to make room for a new one: never one whose request is being worked
//! on, and of the client with the most connections first.
use crate::web::peers::Peer;
use parking_lot::Mutex;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// The maximum number of open connections.
const MAX_CONNECTIONS: usize = 1024;

/// How long a client must not have read anything before its connection may be closed for another client.
const MIN_STALL: Duration = Duration::from_secs(2);

/// What a connection is doing. The order is that in which they are closed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Phase {
    /// It waits for a request.
    Waiting,
    /// The client does not read the response.
    Stalled,
    /// Its request is being worked on, or the response is being sent.
    Working,
}

/// The state of one connection, shared by its stream and its service.
#[derive(Debug)]
pub(crate) struct ConnectionState {
    phase: Mutex<(Phase, Instant)>,
    /// Whether the rest of a request's body is awaited.
    is_in_body: AtomicBool,
    close: Notify,
}

impl Default for ConnectionState {
    fn default() -> Self {
        let (phase, is_in_body) = (Mutex::new((Phase::Waiting, Instant::now())), AtomicBool::new(false));
        Self { phase, is_in_body, close: Notify::new() }
    }
}

impl ConnectionState {
    /// Notes that the head of a request has been received.
    pub(crate) fn begin_work(&self) {
        self.set(Phase::Working);
    }

    /// Whether a request has been received whose response is not sent yet.
    pub(crate) fn is_in_flight(&self) -> bool {
        self.phase.lock().0 != Phase::Waiting
    }

    /// Notes whether the rest of a request's body is awaited.
    pub(crate) fn set_in_body(&self, is_in_body: bool) {
        self.is_in_body.store(is_in_body, Ordering::Relaxed);
    }

    /// Notes that the next request is awaited.
    pub(crate) fn begin_wait(&self) {
        self.set(Phase::Waiting);
    }

    /// Notes that the client takes nothing of the response.
    pub(crate) fn stall(&self) {
        self.set(Phase::Stalled);
    }

    /// Notes that the client has taken a part of the response.
    pub(crate) fn end_stall(&self) {
        let mut phase = self.phase.lock();
        if phase.0 == Phase::Stalled {
            *phase = (Phase::Working, Instant::now());
        }
    }

    /// Waits until the connection is to be closed.
    pub(crate) async fn closed(&self) {
        self.close.notified().await;
    }

    fn set(&self, new: Phase) {
        let mut phase = self.phase.lock();
        if phase.0 != new {
            *phase = (new, Instant::now());
        }
    }

    /// Its place in the order in which connections are closed; none if it must not be closed.
    fn rank(&self) -> Option<(Phase, Instant)> {
        let (phase, since) = *self.phase.lock();
        match phase {
            Phase::Waiting => Some((phase, since)),
            Phase::Working if self.is_in_body.load(Ordering::Relaxed) => Some((Phase::Waiting, since)),
            Phase::Stalled if since.elapsed() >= MIN_STALL => Some((phase, since)),
            Phase::Stalled | Phase::Working => None,
        }
    }
}

/// All open connections.
#[derive(Debug)]
pub(crate) struct Connections {
    max_open: usize,
    open: Mutex<HashMap<u64, OpenConnection>>,
}

#[derive(Debug)]
struct OpenConnection {
    peer: Arc<Peer>,
    state: Arc<ConnectionState>,
}

/// One open connection, which is forgotten when this is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    all: Arc<Connections>,
    number: u64,
    pub(crate) state: Arc<ConnectionState>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.all.open.lock().remove(&self.number);
    }
}

impl Connections {
    /// As many connections as half of the files that the process may open.
    pub(crate) fn new() -> Self {
        let max_files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let max_files = max_files.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        Self::with_limit((max_files / 2).clamp(1, MAX_CONNECTIONS))
    }

    fn with_limit(max_open: usize) -> Self {
        Self { max_open, open: Mutex::default() }
    }

    /// A slot for the connection `number` of `peer`. If all are taken, or half of them by this client, another connection
    /// is closed for it: one of its own, or of a client that has more. None if there is no such connection.
    pub(crate) fn admit(self: &Arc<Self>, number: u64, peer: &Arc<Peer>) -> Option<Slot> {
        let mut open = self.open.lock();
        let counts = counts(&open);
        let own = counts.get(&Arc::as_ptr(peer)).copied().unwrap_or_default();
        let is_own = |other: *const Peer| other == Arc::as_ptr(peer);
        let has_room = if own >= self.max_open.div_ceil(2) {
            close_one(&mut open, &counts, |other, _| is_own(other))
        } else if open.len() >= self.max_open {
            close_one(&mut open, &counts, |other, count| is_own(other) || count > own)
        } else {
            true
        };
        has_room.then(|| {
            let state = Arc::<ConnectionState>::default();
            open.insert(number, OpenConnection { peer: Arc::clone(peer), state: Arc::clone(&state) });
            Slot { all: Arc::clone(self), number, state }
        })
    }

    /// Closes a connection; returns whether there was one to close.
    pub(crate) fn close_one(&self) -> bool {
        let mut open = self.open.lock();
        let counts = counts(&open);
        close_one(&mut open, &counts, |_, _| true)
    }
}

/// How many connections each client has.
type Counts = HashMap<*const Peer, usize>;

fn counts(open: &HashMap<u64, OpenConnection>) -> Counts {
    let mut counts = Counts::new();
    open.values().for_each(|other| *counts.entry(Arc::as_ptr(&other.peer)).or_default() += 1);
    counts
}

/// Closes the first connection in order of those of the clients that `may_close`, given how many they have.
fn close_one(
    open: &mut HashMap<u64, OpenConnection>,
    counts: &Counts,
    may_close: impl Fn(*const Peer, usize) -> bool,
) -> bool {
    let closable = open.iter().filter_map(|(number, other)| {
        let (phase, since) = other.state.rank()?;
        let peer = Arc::as_ptr(&other.peer);
        let count = counts.get(&peer).copied().filter(|count| may_close(peer, *count))?;
        Some((phase, Reverse(count), since, *number))
    });
    let first = closable.min();
    let Some(closed) = first.and_then(|(.., number)| open.remove(&number)) else { return false };
    closed.state.close.notify_one();
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::peers::Peers;
    use std::net::IpAddr;

    fn peers() -> [Arc<Peer>; 3] {
        let peers = Peers::new(1, 256 << 20);
        [1, 2, 3].map(|host| peers.at(IpAddr::from([10, 0, 0, host])))
    }

    async fn is_closed(slot: &Slot) -> bool {
        tokio::time::timeout(Duration::from_millis(1), slot.state.closed()).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn one_client_fills_half_and_then_loses_its_own_oldest_waiting_connection() {
        let (connections, [greedy, modest, _]) = (Arc::new(Connections::with_limit(8)), peers());
        let mut slots = Vec::new();
        for number in 0..4 {
            slots.push(connections.admit(number, &greedy).expect("a slot"));
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        slots[0].state.begin_work();
        let next = connections.admit(4, &greedy).expect("a slot");
        assert!(is_closed(&slots[1]).await && !is_closed(&slots[0]).await && !is_closed(&slots[2]).await);
        slots.iter().chain([&next]).for_each(|slot| slot.state.begin_work());
        assert!(connections.admit(5, &greedy).is_none());
        let others: Vec<_> = (6..10).map(|number| connections.admit(number, &modest).expect("a slot")).collect();
        assert_eq!(others.len(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn when_all_are_taken_the_greediest_makes_room() {
        let (connections, [first, second, third]) = (Arc::new(Connections::with_limit(5)), peers());
        let greedy: Vec<_> = (0..3).map(|number| connections.admit(number, &first).expect("a slot")).collect();
        let modest: Vec<_> = (3..5).map(|number| connections.admit(number, &second).expect("a slot")).collect();
        greedy.iter().chain(&modest).for_each(|slot| slot.state.begin_work());
        assert!(connections.admit(5, &third).is_none());
        // A client that does not read its answer for a while has to go.
        greedy[1].state.stall();
        assert!(connections.admit(5, &third).is_none());
        tokio::time::advance(MIN_STALL).await;
        let admitted = connections.admit(5, &third).expect("a slot");
        assert!(is_closed(&greedy[1]).await);
        admitted.state.begin_work();
        greedy[0].state.stall();
        greedy[0].state.end_stall();
        tokio::time::advance(MIN_STALL).await;
        assert!(connections.admit(6, &third).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_has_ended_leaves_room() {
        let (connections, [only, ..]) = (Arc::new(Connections::with_limit(2)), peers());
        let slot = connections.admit(0, &only).expect("a slot");
        slot.state.begin_work();
        assert!(connections.admit(1, &only).is_none());
        drop(slot);
        assert!(connections.admit(2, &only).is_some());
    }
}
