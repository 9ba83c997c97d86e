//! Bodies of answers: never kept by anyone, and compressed where the client takes it.
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, VARY};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io;
use std::io::{BufWriter, Write};
use tokio::sync::mpsc;

/// Shorter answers are not worth compressing.
const COMPRESSED_FROM_BYTES: usize = 1 << 10;

/// Of gzip: level 1 of this encoder packs digits that repeat to a third of their size, this one to about a quarter.
const LEVEL: u32 = 2;

/// Long answers are sent in pieces, a few of them ahead of the client.
const PIECE_BYTES: usize = 64 << 10;
const PIECES_AHEAD: usize = 4;

/// An answer with this body, not to be kept by anyone.
pub(crate) fn uncached(status: StatusCode, content_type: &'static str, body: impl IntoResponse) -> Response {
    let headers =
        [(CONTENT_TYPE, HeaderValue::from_static(content_type)), (CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (status, headers, body).into_response()
}

/// The answer to a good request, compressed where `gzip` is taken and it is worth it. `vary` names the request's headers
/// that it depends on.
pub(crate) fn packed(content_type: &'static str, vary: &'static str, body: Vec<u8>, gzip: bool) -> Response {
    let packs = gzip && compressible(&body);
    let body = if packs { compress(&body) } else { body.into() };
    varying(content_type, vary, body, packs)
}

/// An answer of the API that is written already, and compressed where `is_packed`.
pub(crate) fn json_body(body: Bytes, is_packed: bool) -> Response {
    varying("application/json", "accept-encoding", body, is_packed)
}

/// An answer of the API that `write` writes on a thread of its own while it is sent. What the client does not take ends
/// the writing.
pub(crate) fn streamed(gzip: bool, write: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static) -> Response {
    let (send, mut pieces) = mpsc::channel(PIECES_AHEAD);
    tokio::task::spawn_blocking(move || {
        let out = BufWriter::with_capacity(PIECE_BYTES, Pieces(send));
        // The only failure is that the client is gone.
        let _ = if gzip { write_packed(out, write) } else { write_plain(out, write) };
    });
    let pieces =
        futures::stream::poll_fn(move |context| pieces.poll_recv(context).map(|piece| piece.map(io::Result::Ok)));
    varying("application/json", "accept-encoding", Body::from_stream(pieces), gzip)
}

/// Sends what is written.
struct Pieces(mpsc::Sender<Bytes>);

impl Write for Pieces {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        self.0.blocking_send(Bytes::copy_from_slice(piece)).map_err(gone)?;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_plain(mut out: impl Write, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    write(&mut out)?;
    out.flush()
}

fn write_packed(out: impl Write, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    // Labels and digits come in pieces of a few bytes.
    let mut encoder = BufWriter::with_capacity(PIECE_BYTES, GzEncoder::new(out, Compression::new(LEVEL)));
    write(&mut encoder)?;
    let encoder = encoder.into_inner().map_err(io::IntoInnerError::into_error)?;
    encoder.finish()?.flush()
}

fn varying(content_type: &'static str, vary: &'static str, body: impl IntoResponse, is_packed: bool) -> Response {
    let mut response = uncached(StatusCode::OK, content_type, body);
    let coding = is_packed.then_some((CONTENT_ENCODING, "gzip"));
    response.headers_mut().extend([(VARY, vary)].into_iter().chain(coding).map(fixed));
    response
}

fn fixed((name, value): (HeaderName, &'static str)) -> (HeaderName, HeaderValue) {
    (name, HeaderValue::from_static(value))
}

/// Whether it is worth compressing.
pub(crate) fn compressible(body: &[u8]) -> bool {
    body.len() >= COMPRESSED_FROM_BYTES
}

/// The body in gzip.
pub(crate) fn compress(body: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::new(LEVEL));
    // Writing to memory cannot fail.
    let packed = encoder.write_all(body).and_then(|()| encoder.finish());
    packed.unwrap_or_default().into()
}
