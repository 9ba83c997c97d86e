//! Response bodies in memory: small ones in buffers of their own, large ones in a few reused buffers.
use crate::target::failure::Failure;
use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A page that is longer than this, and much longer than the target's last valid one, waits for one of the large buffers,
/// so that many hostile targets together can neither fill the memory nor block large valid pages.
const LARGE_BYTES: usize = 512 << 10;
const MAX_EXPECTED_BYTES: usize = 4 << 20;
const MAX_LARGE_BUFFERS: usize = 2;

/// The large buffers. Unused ones are kept, because the allocator may not return them to the system anyway.
#[derive(Debug)]
pub(crate) struct LargeBuffers {
    permits: Arc<Semaphore>,
    free: Mutex<Vec<BytesMut>>,
    size_bytes: usize,
}

impl LargeBuffers {
    /// Buffers of `size_bytes`. One that has grown for a longer body is not kept.
    pub(crate) fn new(size_bytes: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(MAX_LARGE_BUFFERS)), free: Mutex::default(), size_bytes }
    }

    async fn take(self: &Arc<Self>) -> Result<LargeBuffer, Failure> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| Failure::Broken)?;
        let free = self.free.lock().pop();
        let text = free.unwrap_or_else(|| BytesMut::with_capacity(self.size_bytes));
        Ok(LargeBuffer { text, buffers: Arc::clone(self), _permit: permit })
    }
}

/// A large buffer in use.
struct LargeBuffer {
    text: BytesMut,
    buffers: Arc<LargeBuffers>,
    _permit: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for LargeBuffer {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}

impl Drop for LargeBuffer {
    fn drop(&mut self) {
        let mut text = std::mem::take(&mut self.text);
        if text.capacity() <= self.buffers.size_bytes.max(LARGE_BYTES) * 2 {
            text.clear();
            self.buffers.free.lock().push(text);
        }
    }
}

/// A body that is being received.
pub(crate) struct Body {
    buffers: Arc<LargeBuffers>,
    max_bytes: usize,
    expected_bytes: usize,
    small: BytesMut,
    large: Option<LargeBuffer>,
}

impl Body {
    /// An empty body, of at most `max_bytes`, of a target whose last valid one had `last_bytes`.
    pub(crate) fn new(buffers: Arc<LargeBuffers>, max_bytes: usize, last_bytes: usize) -> Self {
        let expected_bytes = last_bytes.saturating_mul(2).clamp(LARGE_BYTES, MAX_EXPECTED_BYTES);
        Self { buffers, max_bytes, expected_bytes, small: BytesMut::new(), large: None }
    }

    /// Appends `piece`, and waits for a large buffer if one is needed.
    ///
    /// # Errors
    /// If the body exceeds the maximum length.
    pub(crate) async fn push(&mut self, piece: &[u8]) -> Result<(), Failure> {
        let length = piece.len() + self.large.as_ref().map_or(self.small.len(), |large| large.text.len());
        if length > self.max_bytes {
            return Err(Failure::BodyLimit);
        }
        if self.large.is_none() && length > self.expected_bytes {
            let mut large = self.buffers.take().await?;
            large.text.extend_from_slice(&std::mem::take(&mut self.small));
            self.large = Some(large);
        }
        self.large.as_mut().map_or(&mut self.small, |large| &mut large.text).extend_from_slice(piece);
        Ok(())
    }

    /// The complete body. A large buffer becomes free when the last clone of the result is dropped.
    pub(crate) fn finish(self) -> Bytes {
        match self.large {
            Some(large) => Bytes::from_owner(large),
            None => self.small.freeze(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn large_bodies_wait_for_a_buffer_and_return_it() {
        let buffers = Arc::new(LargeBuffers::new(LARGE_BYTES * 2));
        let mut held = Vec::new();
        for _ in 0..MAX_LARGE_BUFFERS {
            let mut body = Body::new(Arc::clone(&buffers), LARGE_BYTES * 2, 0);
            body.push(b"begin").await.expect("room");
            body.push(&vec![b'x'; LARGE_BYTES]).await.expect("room");
            held.push(body.finish());
        }
        assert!(held.iter().all(|body| body.starts_with(b"beginx") && body.len() == LARGE_BYTES + 5));
        let mut waiting = Body::new(Arc::clone(&buffers), LARGE_BYTES * 2, 0);
        let piece = vec![b'y'; LARGE_BYTES + 1];
        {
            let push = waiting.push(&piece);
            tokio::pin!(push);
            assert!(tokio::time::timeout(std::time::Duration::from_millis(20), &mut push).await.is_err());
            held.pop();
            push.await.expect("the buffer that was returned");
        }
        assert_eq!(waiting.push(&piece).await, Err(Failure::BodyLimit));
        assert_eq!(waiting.finish(), piece);
    }

    #[tokio::test]
    async fn a_buffer_that_has_grown_is_not_kept() {
        let buffers = Arc::new(LargeBuffers::new(LARGE_BYTES));
        for (size_bytes, kept) in [(LARGE_BYTES + 1, 1), (LARGE_BYTES * 8, 0)] {
            let mut body = Body::new(Arc::clone(&buffers), usize::MAX, 0);
            body.push(&vec![b'x'; size_bytes]).await.expect("room");
            assert_eq!(body.finish().len(), size_bytes);
            assert_eq!(buffers.free.lock().len(), kept, "{size_bytes}");
        }
    }

    #[tokio::test]
    async fn a_target_with_large_valid_pages_does_not_wait() {
        let buffers = Arc::new(LargeBuffers::new(8 << 20));
        let _all = [buffers.take().await.expect("a buffer"), buffers.take().await.expect("a buffer")];
        let mut body = Body::new(Arc::clone(&buffers), 8 << 20, 1 << 20);
        body.push(&vec![b'x'; 2 << 20]).await.expect("room");
        assert_eq!(body.finish().len(), 2 << 20);
    }
}
