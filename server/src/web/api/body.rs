//! A body that is built in memory, which counts towards that of all requests until it has been sent.
use crate::web::peers::Peer;
use bytes::Bytes;
use prometheus_api::{ApiError, ErrorType};
use promql::{MemoryPool, Reservation};
use std::sync::Arc;

/// The longest body, before compression.
pub(crate) const MAX_BODY_BYTES: usize = 50 << 20;

/// Memory is reserved in multiples of this.
const RESERVED_AT_ONCE_BYTES: u64 = 256 << 10;

/// Memory of a request that grows.
#[derive(Debug)]
pub(crate) struct CountedMemory {
    reservation: Reservation,
    limit_bytes: u64,
}

impl CountedMemory {
    /// No memory of `pool` yet.
    ///
    /// # Errors
    /// If the pool has none left.
    pub(crate) fn new(pool: &Arc<MemoryPool>) -> Result<Self, ApiError> {
        let limit_bytes = pool.limit_bytes();
        let reservation = pool.reserve(0).ok_or_else(|| busy(limit_bytes))?;
        Ok(Self { reservation, limit_bytes })
    }

    /// Makes it at least `bytes`.
    ///
    /// # Errors
    /// If the pool has too little left.
    pub(crate) fn grow_to(&mut self, bytes: usize) -> Result<(), ApiError> {
        let missing = (bytes as u64).saturating_sub(self.reservation.bytes());
        if missing == 0 || self.reservation.grow(missing.next_multiple_of(RESERVED_AT_ONCE_BYTES)) {
            return Ok(());
        }
        Err(busy(self.limit_bytes))
    }
}

fn busy(limit_bytes: u64) -> ApiError {
    let problem = format!(
        "running requests and answers use all of the {limit_bytes} bytes that they may hold together; try again in a moment"
    );
    ApiError::new(ErrorType::Unavailable, problem)
}

/// A body that is being written.
#[derive(Debug)]
pub(crate) struct CountedBody {
    pub(crate) text: Vec<u8>,
    memory: CountedMemory,
}

impl CountedBody {
    /// An empty body of an answer to `peer`.
    ///
    /// # Errors
    /// If its memory is all in use.
    pub(crate) fn new(peer: &Peer) -> Result<Self, ApiError> {
        Ok(Self { text: Vec::new(), memory: CountedMemory::new(&peer.memory)? })
    }

    /// A body that is complete.
    ///
    /// # Errors
    /// As [`CountedBody::check`].
    pub(crate) fn of(peer: &Peer, text: Vec<u8>) -> Result<Self, ApiError> {
        let mut body = Self { text, ..Self::new(peer)? };
        body.check().map(|()| body)
    }

    /// Counts what has been written. To be called now and then.
    ///
    /// # Errors
    /// If the body is too long, or there is too little memory left.
    pub(crate) fn check(&mut self) -> Result<(), ApiError> {
        if self.text.len() > MAX_BODY_BYTES {
            let problem = format!("the answer is longer than {MAX_BODY_BYTES} bytes; select fewer series");
            return Err(ApiError::new(ErrorType::Execution, problem));
        }
        self.memory.grow_to(self.text.capacity())
    }

    /// The same memory with another text, such as a compressed one.
    pub(crate) fn map(mut self, change: impl FnOnce(&[u8]) -> Vec<u8>) -> Self {
        self.text = change(&self.text);
        self
    }

    /// The body to send. Its memory is free when the last clone is dropped.
    pub(crate) fn into_bytes(mut self) -> Bytes {
        self.text.shrink_to_fit();
        self.memory.reservation.shrink_to(self.text.len() as u64);
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for CountedBody {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::peers::Peers;
    use std::net::Ipv4Addr;

    #[test]
    fn a_body_counts_until_it_is_dropped() {
        let peer = Peers::new(1, 256 << 20).at(Ipv4Addr::LOCALHOST.into());
        let mut body = CountedBody::new(&peer).expect("room");
        body.text.resize(1 << 20, b'x');
        body.check().expect("room");
        assert!(peer.memory.used_bytes() >= 1 << 20);
        let bytes = body.into_bytes();
        let part = bytes.slice(5..10);
        drop(bytes);
        assert_eq!(peer.memory.used_bytes(), 1 << 20);
        drop(part);
        assert_eq!(peer.memory.used_bytes(), 0);
    }

    #[test]
    fn bodies_are_refused_when_the_memory_is_used_up() {
        let peer = Peers::new(1, 256 << 20).at(Ipv4Addr::LOCALHOST.into());
        let mut held = Vec::new();
        let refused = loop {
            match CountedBody::of(&peer, Vec::with_capacity(40 << 20)) {
                Ok(body) => held.push(body),
                Err(error) => break error,
            }
        };
        assert_eq!((held.len(), refused.kind), (4, ErrorType::Unavailable));
        assert!(CountedBody::of(&peer, vec![b'x'; MAX_BODY_BYTES + 1]).is_err());
    }
}
