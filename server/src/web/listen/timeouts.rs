//! A TCP stream with deadlines: for a request's head, between requests, and for an answer that is not read.
//!
//! The deadline for a request's body is with whoever reads the body.
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// From a request's first byte, or from the connection's beginning, to the end of its head.
const HEAD: Duration = Duration::from_secs(10);

/// Between an answer and the next request.
const IDLE: Duration = Duration::from_secs(60);

/// For the peer to take this much of an answer while more is waiting.
const STALL: Duration = Duration::from_secs(30);
const STALL_BYTES: usize = 64 << 10;

/// Whether a request has been read and its answer is not written yet; shared between a stream and its service.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answering(Arc<AtomicBool>);

impl Answering {
    /// A request has been read.
    pub(crate) fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn end(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A stream that fails with `TimedOut` past a deadline.
#[derive(Debug)]
pub(crate) struct TimedStream<S> {
    stream: S,
    answering: Answering,
    /// Whether a part of the next request's head has been read, or it is the first.
    in_head: bool,
    read_deadline: Deadline,
    write_deadline: Deadline,
    /// Bytes written since the write deadline was set.
    taken_bytes: usize,
    /// Whether something was written since the last request.
    answered: bool,
}

impl<S> TimedStream<S> {
    pub(crate) fn new(stream: S, answering: Answering) -> Self {
        Self {
            stream,
            answering,
            in_head: true,
            read_deadline: Deadline::default(),
            write_deadline: Deadline::default(),
            taken_bytes: 0,
            answered: false,
        }
    }

    fn wrote(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        let Poll::Ready(written) = written else {
            ready!(self.write_deadline.poll(cx, STALL))?;
            return Poll::Pending;
        };
        if let Ok(bytes) = written {
            self.answered = true;
            self.taken_bytes += bytes;
            if self.taken_bytes >= STALL_BYTES {
                self.taken_bytes = 0;
                self.write_deadline.clear();
            }
        }
        Poll::Ready(written)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedStream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        match Pin::new(&mut this.stream).poll_read(cx, buffer) {
            Poll::Ready(read) => {
                if !this.in_head && buffer.filled().len() > before {
                    this.in_head = true;
                    this.read_deadline.clear();
                }
                Poll::Ready(read)
            }
            Poll::Pending if this.answering.is_on() => {
                this.read_deadline.clear();
                Poll::Pending
            }
            Poll::Pending => {
                ready!(this.read_deadline.poll(cx, if this.in_head { HEAD } else { IDLE }))?;
                Poll::Pending
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedStream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, buffer);
        this.wrote(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, buffers);
        this.wrote(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.stream).poll_flush(cx))?;
        // All that was to be written is with the kernel: the answer is out.
        if std::mem::take(&mut this.answered) {
            this.answering.end();
            this.in_head = false;
            this.write_deadline.clear();
            this.read_deadline.clear();
            this.taken_bytes = 0;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

/// A point in time, set when it is first waited for.
#[derive(Debug, Default)]
struct Deadline(Option<Pin<Box<Sleep>>>);

impl Deadline {
    /// Pending until `after` the first call since the last `clear`, then an error.
    fn poll(&mut self, cx: &mut Context<'_>, after: Duration) -> Poll<io::Result<()>> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + after)));
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

    async fn seconds_until_refused(stream: &mut TimedStream<tokio::io::DuplexStream>) -> u64 {
        let began = Instant::now();
        let error = stream.read_u8().await.expect_err("a deadline");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        began.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_must_be_complete_in_time_and_a_pause_may_be_longer() {
        let (mut peer, stream) = duplex(1024);
        let answering = Answering::default();
        let mut stream = TimedStream::new(stream, answering.clone());
        peer.write_all(b"G").await.expect("room");
        stream.read_u8().await.expect("a byte");
        assert_eq!(seconds_until_refused(&mut stream).await, HEAD.as_secs());
        answering.begin();
        stream.write_all(b"answer").await.expect("room");
        stream.flush().await.expect("room");
        assert_eq!(seconds_until_refused(&mut stream).await, IDLE.as_secs());
        peer.write_all(b"G").await.expect("room");
        stream.read_u8().await.expect("a byte");
        assert_eq!(seconds_until_refused(&mut stream).await, HEAD.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_is_not_hurried_while_it_is_answered() {
        let (_peer, stream) = duplex(1024);
        let answering = Answering::default();
        answering.begin();
        let mut stream = TimedStream::new(stream, answering);
        assert!(tokio::time::timeout(IDLE * 10, stream.read_u8()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_must_be_taken() {
        let (mut peer, stream) = duplex(1024);
        let mut stream = TimedStream::new(stream, Answering::default());
        let reader = tokio::spawn(async move {
            let mut byte = [0];
            while peer.read(&mut byte).await.is_ok_and(|count| count > 0) {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let began = Instant::now();
        let error = stream.write_all(&[0; 1 << 20]).await.expect_err("a deadline");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(began.elapsed() <= STALL + Duration::from_secs(2));
        reader.abort();
    }
}
