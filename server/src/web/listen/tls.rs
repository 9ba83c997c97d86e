//! The start of a connection over TLS: its handshake, and the answer to who speaks plain HTTP instead.
use crate::web::listen::certificate::ServerCertificate;
use crate::web::listen::timeouts::HEAD_TIMEOUT;
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::debug;

/// The first byte of a connection over TLS: its first record is one of a handshake.
/// Source: RFC 8446, section 5.1.
const HANDSHAKE_RECORD: u8 = 22;

/// The answer to a request without TLS. It does not repeat what it was asked for.
const NO_TLS_RESPONSE: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\
    X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nContent-Length: 73\r\nConnection: close\r\n\r\n\
    this server speaks HTTPS only: write https:// in place of http:// for it\n";

/// What is read of such a request, so that the client can read the answer.
const MAX_REFUSED_BYTES: u64 = 64 << 10;

/// Encrypts connections.
#[derive(Clone)]
pub(crate) struct Tls(TlsAcceptor);

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Tls").finish_non_exhaustive()
    }
}

impl Tls {
    /// With the certificate of the server.
    pub(crate) fn new(certificate: &ServerCertificate) -> Self {
        Self(TlsAcceptor::from(certificate.config()))
    }

    /// The encrypted stream of a connection that has just begun; none if there is no handshake within the time that the
    /// head of a request may take.
    pub(crate) async fn accept(&self, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        match timeout(HEAD_TIMEOUT, self.handshake(stream)).await {
            Ok(Ok(stream)) => Some(stream),
            Ok(Err(error)) => {
                debug!(%error, "a TLS handshake failed");
                None
            }
            Err(_) => {
                debug!("a TLS handshake took too long");
                None
            }
        }
    }

    async fn handshake(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let mut first = [0];
        let length = stream.peek(&mut first).await?;
        if length > 0 && first[0] != HANDSHAKE_RECORD {
            refuse(stream, first[0]).await?;
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the client speaks no TLS"));
        }
        self.0.accept(stream).await
    }
}

/// Answers a request without TLS, and closes the connection. What is no request gets no answer.
async fn refuse(mut stream: TcpStream, first: u8) -> io::Result<()> {
    if first.is_ascii_uppercase() {
        stream.write_all(NO_TLS_RESPONSE).await?;
        stream.shutdown().await?;
        // A connection that is closed with bytes unread is reset, and the client may lose the answer.
        tokio::io::copy(&mut stream.take(MAX_REFUSED_BYTES), &mut tokio::io::sink()).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_without_tls_has_its_length() {
        let text = String::from_utf8(NO_TLS_RESPONSE.to_vec()).expect("text");
        let (head, body) = text.split_once("\r\n\r\n").expect("a body");
        assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", body.len())), "{}", body.len());
    }
}
