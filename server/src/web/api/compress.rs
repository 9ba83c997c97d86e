//! Builds responses that caches must not store, with the body compressed if the client accepts gzip.
use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, VARY};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io;
use std::io::{BufWriter, Write};
use tokio::sync::mpsc;

/// Shorter bodies are not worth compressing.
const MIN_COMPRESSED_BYTES: usize = 1 << 10;

/// The gzip level. Repetitive digits shrink to about a quarter, with level 1 of this encoder only to a third.
const LEVEL: u32 = 2;

/// The size of a chunk of a streamed body, and how many chunks may wait for the client.
const CHUNK_BYTES: usize = 64 << 10;
const MAX_WAITING_CHUNKS: usize = 4;

/// A response that caches must not store.
pub(crate) fn uncached(status: StatusCode, content_type: &'static str, body: impl IntoResponse) -> Response {
    let headers =
        [(CONTENT_TYPE, HeaderValue::from_static(content_type)), (CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (status, headers, body).into_response()
}

/// A successful response, compressed if the client accepts `gzip` and the body is long enough. `vary` lists the request
/// headers that it depends on.
pub(crate) fn compressed(content_type: &'static str, vary: &'static str, body: Vec<u8>, gzip: bool) -> Response {
    let is_gzip = gzip && is_compressible(&body);
    let body = if is_gzip { compress(&body) } else { body.into() };
    success(content_type, vary, body, is_gzip)
}

/// A successful JSON response whose body is already encoded.
pub(crate) fn encoded_json(body: Bytes, is_gzip: bool) -> Response {
    success("application/json", "accept-encoding", body, is_gzip)
}

/// A successful JSON response whose body `write` produces on a blocking thread while it is sent. A client that closes
/// the connection ends the writing.
pub(crate) fn streamed_json(
    is_gzip: bool,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static,
) -> Response {
    let (send, mut chunks) = mpsc::channel(MAX_WAITING_CHUNKS);
    tokio::task::spawn_blocking(move || {
        let out = BufWriter::with_capacity(CHUNK_BYTES, ChunkSender(send));
        // It fails only if the client is gone.
        let _ = if is_gzip { write_gzip(out, write) } else { write_plain(out, write) };
    });
    let chunks =
        futures::stream::poll_fn(move |context| chunks.poll_recv(context).map(|chunk| chunk.map(io::Result::Ok)));
    success("application/json", "accept-encoding", Body::from_stream(chunks), is_gzip)
}

/// A writer that sends each chunk to the response.
struct ChunkSender(mpsc::Sender<Bytes>);

impl Write for ChunkSender {
    fn write(&mut self, chunk: &[u8]) -> io::Result<usize> {
        let closed = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        self.0.blocking_send(Bytes::copy_from_slice(chunk)).map_err(closed)?;
        Ok(chunk.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_plain(mut out: impl Write, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    write(&mut out)?;
    out.flush()
}

fn write_gzip(out: impl Write, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    // JSON is written a few bytes at a time.
    let mut encoder = BufWriter::with_capacity(CHUNK_BYTES, GzEncoder::new(out, Compression::new(LEVEL)));
    write(&mut encoder)?;
    let encoder = encoder.into_inner().map_err(io::IntoInnerError::into_error)?;
    encoder.finish()?.flush()
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
pub(crate) fn compress(body: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::new(LEVEL));
    // Writing to memory cannot fail.
    let compressed = encoder.write_all(body).and_then(|()| encoder.finish());
    compressed.unwrap_or_default().into()
}
