//! Builds responses that caches must not store, with the body compressed if the client accepts gzip.
use crate::threads::{RunningJob, Threads};
use crate::web::api::body::CountedBody;
use crate::web::peers::{MAX_LONG_ANSWERS, Peer};
use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, VARY};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::Stream;
use prometheus_api::{ApiError, ErrorType};
use std::future::Future;
use std::io::{self, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::OwnedSemaphorePermit;

/// Shorter bodies are not worth compressing.
const MIN_COMPRESSED_BYTES: usize = 1 << 10;

/// The gzip level. Repetitive digits shrink to about a quarter, with level 1 of this encoder only to a third.
const LEVEL: u32 = 2;

/// The size of a piece of a long body.
pub(crate) const PIECE_BYTES: usize = 64 << 10;

/// The header `Vary` of responses that depend on the accepted encodings only.
pub(crate) const VARY_ENCODING: &str = "accept-encoding";

/// A response that caches must not store.
pub(crate) fn uncached(status: StatusCode, content_type: &'static str, body: impl IntoResponse) -> Response {
    let headers =
        [(CONTENT_TYPE, HeaderValue::from_static(content_type)), (CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (status, headers, body).into_response()
}

/// A successful response, compressed if the client accepts `gzip` and the body is long enough. `vary` lists the request
/// headers that it depends on.
pub(crate) fn compressed(content_type: &'static str, vary: &'static str, body: CountedBody, gzip: bool) -> Response {
    let is_gzip = gzip && is_compressible(&body.text);
    let body = if is_gzip { body.map(compress) } else { body };
    success(content_type, vary, body.into_bytes(), is_gzip)
}

/// A successful JSON response whose body is already encoded.
pub(crate) fn encoded_json(body: Bytes, is_gzip: bool) -> Response {
    success("application/json", VARY_ENCODING, body, is_gzip)
}

/// A body that is written a piece at a time.
pub(crate) trait Pieces: Send + 'static {
    /// Appends the next piece, of about [`PIECE_BYTES`], to `out`. Returns whether there are more.
    fn write_next(&mut self, out: &mut Vec<u8>) -> bool;
}

/// A successful response whose body is written while it is sent, each piece when the client has read the previous ones. A
/// client that reads slowly holds neither a thread nor the whole body.
///
/// # Errors
/// If `peer` has not read too many such answers yet.
pub(crate) fn streamed(
    peer: &Peer,
    content_type: &'static str,
    vary: &'static str,
    is_gzip: bool,
    pieces: impl Pieces + Unpin,
) -> Result<Response, ApiError> {
    let Ok(permit) = Arc::clone(&peer.long_answers).try_acquire_owned() else {
        let problem = format!("{MAX_LONG_ANSWERS} long answers to this client are not read yet; read them first");
        return Err(ApiError::new(ErrorType::Unavailable, problem));
    };
    let encoder = is_gzip.then(|| GzEncoder::new(Vec::new(), Compression::new(LEVEL)));
    let writer = Box::new(PieceWriter { pieces, encoder, plain: Vec::new(), is_done: false });
    let body = PieceStream { threads: peer.answers.clone(), state: PieceState::Idle(writer), _permit: permit };
    Ok(success(content_type, vary, Body::from_stream(body), is_gzip))
}

/// The pieces of a body as a stream. Each is written on a thread for answers, which serve all connections in turn.
struct PieceStream<P> {
    threads: Threads,
    state: PieceState<P>,
    _permit: OwnedSemaphorePermit,
}

enum PieceState<P> {
    Idle(Box<PieceWriter<P>>),
    Writing(RunningJob<WrittenPiece<P>>),
    Ended,
}

/// The next piece, none at the end; and the writer of those after it.
type WrittenPiece<P> = (io::Result<Option<Bytes>>, Box<PieceWriter<P>>);

impl<P: Pieces + Unpin> Stream for PieceStream<P> {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut running = match std::mem::replace(&mut self.state, PieceState::Ended) {
            PieceState::Idle(mut writer) => self.threads.run(move || (writer.next_piece(), writer)),
            PieceState::Writing(running) => running,
            PieceState::Ended => return Poll::Ready(None),
        };
        match Pin::new(&mut running).poll(cx) {
            Poll::Pending => {
                self.state = PieceState::Writing(running);
                Poll::Pending
            }
            Poll::Ready(Ok((Ok(Some(piece)), writer))) => {
                self.state = PieceState::Idle(writer);
                Poll::Ready(Some(Ok(piece)))
            }
            Poll::Ready(Ok((Ok(None), _))) => Poll::Ready(None),
            Poll::Ready(Ok((Err(error), _))) => Poll::Ready(Some(Err(error))),
            Poll::Ready(Err(lost)) => Poll::Ready(Some(Err(io::Error::other(lost)))),
        }
    }
}

/// Writes the pieces of a body.
struct PieceWriter<P> {
    pieces: P,
    encoder: Option<GzEncoder<Vec<u8>>>,
    /// The piece that is being written, before compression.
    plain: Vec<u8>,
    is_done: bool,
}

impl<P: Pieces> PieceWriter<P> {
    /// The next piece, compressed if it is to be; none at the end.
    fn next_piece(&mut self) -> io::Result<Option<Bytes>> {
        let mut out = Vec::new();
        while out.is_empty() && !self.is_done {
            self.plain.clear();
            self.is_done = !self.pieces.write_next(&mut self.plain);
            match &mut self.encoder {
                None => out = std::mem::take(&mut self.plain),
                Some(encoder) => {
                    encoder.write_all(&self.plain)?;
                    if self.is_done {
                        encoder.try_finish()?;
                    }
                    out = std::mem::take(encoder.get_mut());
                }
            }
        }
        Ok((!out.is_empty()).then(|| out.into()))
    }
}

fn success(content_type: &'static str, vary: &'static str, body: impl IntoResponse, is_gzip: bool) -> Response {
    let mut response = uncached(StatusCode::OK, content_type, body);
    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_static(vary));
    if is_gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// Whether the body is long enough to be worth compressing.
pub(crate) fn is_compressible(body: &[u8]) -> bool {
    body.len() >= MIN_COMPRESSED_BYTES
}

/// Compresses a body with gzip.
pub(crate) fn compress(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::new(LEVEL));
    // Writing to memory cannot fail.
    let compressed = encoder.write_all(body).and_then(|()| encoder.finish());
    compressed.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::peers::Peers;
    use std::io::Read;
    use std::net::Ipv4Addr;

    /// Pieces of digits.
    struct Digits(usize);

    impl Pieces for Digits {
        fn write_next(&mut self, out: &mut Vec<u8>) -> bool {
            out.resize(PIECE_BYTES, b'0' + self.0 as u8);
            self.0 -= 1;
            self.0 > 0
        }
    }

    #[tokio::test]
    async fn a_long_answer_is_whole_and_its_permit_is_returned() {
        let peer = Peers::new(1, 256 << 20).at(Ipv4Addr::LOCALHOST.into());
        for is_gzip in [false, true] {
            let response = streamed(&peer, "text/plain", VARY_ENCODING, is_gzip, Digits(3)).expect("a permit");
            assert_eq!(peer.long_answers.available_permits(), MAX_LONG_ANSWERS - 1);
            let sent = axum::body::to_bytes(response.into_body(), 1 << 20).await.expect("a body");
            let mut text = Vec::new();
            match is_gzip {
                true => drop(flate2::read::GzDecoder::new(&*sent).read_to_end(&mut text).expect("gzip")),
                false => text.extend_from_slice(&sent),
            }
            assert_eq!(text, [b"3", b"2", b"1"].map(|digit| digit.repeat(PIECE_BYTES)).concat());
        }
        assert_eq!(peer.long_answers.available_permits(), MAX_LONG_ANSWERS);
    }

    #[test]
    fn a_client_that_reads_no_answer_gets_no_more() {
        let peer = Peers::new(1, 256 << 20).at(Ipv4Addr::LOCALHOST.into());
        let ask = || streamed(&peer, "text/plain", VARY_ENCODING, false, Digits(3));
        let unread: Vec<_> = (0..MAX_LONG_ANSWERS).map(|_| ask().expect("a permit")).collect();
        assert!(ask().is_err_and(|error| error.kind == ErrorType::Unavailable));
        drop(unread);
        assert!(ask().is_ok());
    }
}
