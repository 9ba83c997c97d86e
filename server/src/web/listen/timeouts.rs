//! A stream with timeouts for request heads, for idle connections and for clients that do not read the response. It
//! reports what it waits for, and refuses ambiguous heads.
//!
//! Handlers that read a request's body set their own timeout.
use crate::web::listen::connections::ConnectionState;
use crate::web::listen::request_ends::RequestEnds;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// How long a request's head may take, from its first byte or from the start of the connection.
pub(super) const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may be idle between a response and the next request.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// How long the client may take to read `STALL_BYTES` of a response while more is waiting.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);
const STALL_BYTES: usize = 64 << 10;

/// A stream that fails with `TimedOut` when a timeout expires.
#[derive(Debug)]
pub(crate) struct TimedStream<S> {
    stream: S,
    state: Arc<ConnectionState>,
    ends: RequestEnds,
    /// Whether the head of a request is being read. On a new connection one is expected at once.
    in_head: bool,
    read_deadline: Deadline,
    write_deadline: Deadline,
    /// Bytes written since the write deadline was set.
    written_bytes: usize,
    /// Whether anything was written since the last flush.
    has_written: bool,
}

impl<S> TimedStream<S> {
    pub(crate) fn new(stream: S, state: Arc<ConnectionState>) -> Self {
        Self {
            stream,
            state,
            ends: RequestEnds::default(),
            in_head: true,
            read_deadline: Deadline::default(),
            write_deadline: Deadline::default(),
            written_bytes: 0,
            has_written: false,
        }
    }

    /// Applies the write timeout to the outcome of a write.
    fn check_write(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        let Poll::Ready(written) = written else {
            self.state.stall();
            ready!(self.write_deadline.poll(cx, STALL_TIMEOUT))?;
            return Poll::Pending;
        };
        if let Ok(bytes) = written {
            self.state.end_stall();
            self.has_written = true;
            self.written_bytes += bytes;
            if self.written_bytes >= STALL_BYTES {
                self.written_bytes = 0;
                self.write_deadline.clear();
            }
        }
        Poll::Ready(written)
    }

    /// Applies the write timeout to the end of a response: a stream with a buffer of its own, as TLS has one, waits for the
    /// client there.
    fn check_end(&mut self, cx: &mut Context<'_>, ended: Poll<io::Result<()>>) -> Poll<io::Result<()>> {
        if ended.is_pending() {
            if self.has_written {
                self.state.stall();
            }
            ready!(self.write_deadline.poll(cx, STALL_TIMEOUT))?;
        }
        ended
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedStream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        match Pin::new(&mut this.stream).poll_read(cx, buffer) {
            Poll::Ready(read) => {
                let received = buffer.filled_mut().get_mut(before..).unwrap_or_default();
                if !this.in_head && !received.is_empty() {
                    this.in_head = true;
                    this.read_deadline.clear();
                }
                this.ends.check(received);
                this.state.set_in_body(this.ends.is_in_body());
                Poll::Ready(read)
            }
            Poll::Pending if this.state.is_in_flight() => {
                this.read_deadline.clear();
                Poll::Pending
            }
            Poll::Pending => {
                let limit = if this.in_head { HEAD_TIMEOUT } else { IDLE_TIMEOUT };
                ready!(this.read_deadline.poll(cx, limit))?;
                Poll::Pending
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedStream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, buffer);
        this.check_write(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, buffers);
        this.check_write(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(cx);
        ready!(this.check_end(cx, flushed))?;
        this.write_deadline.clear();
        // The kernel has taken everything: the response is complete.
        if std::mem::take(&mut this.has_written) {
            this.state.begin_wait();
            this.ends.end_request();
            this.in_head = false;
            this.read_deadline.clear();
            this.written_bytes = 0;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let shut_down = Pin::new(&mut this.stream).poll_shutdown(cx);
        this.check_end(cx, shut_down)
    }
}

/// A deadline that is set when it is first polled.
#[derive(Debug, Default)]
struct Deadline(Option<Pin<Box<Sleep>>>);

impl Deadline {
    /// Fails once `limit` has passed since the first call after the last `clear`.
    fn poll(&mut self, cx: &mut Context<'_>, limit: Duration) -> Poll<io::Result<()>> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + limit)));
        ready!(sleep.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn clear(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    async fn seconds_until_timeout(stream: &mut TimedStream<tokio::io::DuplexStream>) -> u64 {
        let began = Instant::now();
        let error = stream.read_u8().await.expect_err("a deadline");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        began.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn heads_and_pauses_have_different_timeouts() {
        let (mut peer, stream) = duplex(1024);
        let state = Arc::<ConnectionState>::default();
        let mut stream = TimedStream::new(stream, Arc::clone(&state));
        peer.write_all(b"G").await.expect("room");
        stream.read_u8().await.expect("a byte");
        assert_eq!(seconds_until_timeout(&mut stream).await, HEAD_TIMEOUT.as_secs());
        state.begin_work();
        stream.write_all(b"answer").await.expect("room");
        stream.flush().await.expect("room");
        assert_eq!(seconds_until_timeout(&mut stream).await, IDLE_TIMEOUT.as_secs());
        peer.write_all(b"G").await.expect("room");
        stream.read_u8().await.expect("a byte");
        assert_eq!(seconds_until_timeout(&mut stream).await, HEAD_TIMEOUT.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn reads_do_not_time_out_while_a_request_is_in_flight() {
        let (_peer, stream) = duplex(1024);
        let state = Arc::<ConnectionState>::default();
        state.begin_work();
        let mut stream = TimedStream::new(stream, state);
        assert!(tokio::time::timeout(IDLE_TIMEOUT * 10, stream.read_u8()).await.is_err());
    }

    /// Takes everything into a buffer of its own that never empties, as TLS does when the client does not read.
    struct Full;

    impl AsyncWrite for Full {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(buffer.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_must_read_what_is_buffered_too() {
        let state = Arc::<ConnectionState>::default();
        state.begin_work();
        let mut stream = TimedStream::new(Full, Arc::clone(&state));
        stream.write_all(b"answer").await.expect("room");
        let began = Instant::now();
        let error = stream.flush().await.expect_err("a deadline");
        assert_eq!((error.kind(), began.elapsed().as_secs()), (io::ErrorKind::TimedOut, STALL_TIMEOUT.as_secs()));
        let error = TimedStream::new(Full, state).shutdown().await.expect_err("a deadline");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_must_read_the_response() {
        let (mut peer, stream) = duplex(1024);
        let mut stream = TimedStream::new(stream, Arc::default());
        let reader = tokio::spawn(async move {
            let mut byte = [0];
            while peer.read(&mut byte).await.is_ok_and(|count| count > 0) {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let began = Instant::now();
        let error = stream.write_all(&[0; 1 << 20]).await.expect_err("a deadline");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(began.elapsed() <= STALL_TIMEOUT + Duration::from_secs(2));
        reader.abort();
    }
}
