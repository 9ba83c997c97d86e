//! Opens the connection to a target's host: directly, or to its proxy, with a tunnel where the target is encrypted.
use crate::scrape::lookup::Lookups;
use crate::target::error_causes::{DnsError, ProxyError};
use crate::target::proxy::{Proxy, ProxyServer};
use futures::future::BoxFuture;
use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use std::vec::IntoIter;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower::Service;

/// The silence after which the system asks whether the other side is still there, how often it asks, and how many times.
const KEEPALIVE: (Duration, u32) = (Duration::from_secs(15), 3);

/// The longest answer of a proxy to the request for a tunnel.
const MAX_ANSWER_BYTES: usize = 8 << 10;

/// The end of the head of a response.
const HEAD_END: &[u8] = b"\r\n\r\n";

/// Opens connections.
#[derive(Clone, Debug)]
pub(crate) struct Dialer {
    http: HttpConnector<Resolver>,
    proxy: Option<Arc<Proxy>>,
}

/// A connection to a host or to its proxy.
#[derive(Debug)]
pub(crate) struct Dialed {
    stream: TokioIo<TcpStream>,
    is_proxied: bool,
}

impl Dialer {
    /// Opens connections within `max_time`, through `proxy` if there is one.
    pub(crate) fn new(lookups: Arc<Lookups>, proxy: Option<Arc<Proxy>>, max_time: Duration) -> Self {
        let mut http = HttpConnector::new_with_resolver(Resolver(lookups));
        http.enforce_http(false);
        http.set_nodelay(true);
        // Divided among the addresses of a host, so that one which does not answer leaves time for the others.
        http.set_connect_timeout(Some(max_time));
        http.set_keepalive(Some(KEEPALIVE.0));
        http.set_keepalive_interval(Some(KEEPALIVE.0));
        http.set_keepalive_retries(Some(KEEPALIVE.1));
        Self { http, proxy }
    }
}

impl Service<Uri> for Dialer {
    type Response = Dialed;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = BoxFuture<'static, Result<Dialed, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.http.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        match self.proxy.as_ref().and_then(|proxy| proxy.server_for(&uri)).cloned() {
            None => {
                let opened = self.http.call(uri);
                Box::pin(async move { Ok(Dialed { stream: opened.await?, is_proxied: false }) })
            }
            Some(proxy) => {
                let opened = self.http.call(proxy.address.clone());
                Box::pin(async move {
                    let mut stream = opened.await.map_err(|_| ProxyError { status: None })?.into_inner();
                    if uri.scheme_str() == Some("https") {
                        open_tunnel(&mut stream, &uri, &proxy).await?;
                    }
                    Ok(Dialed { stream: TokioIo::new(stream), is_proxied: true })
                })
            }
        }
    }
}

/// Asks a proxy for a tunnel to the host of `uri`. Source: RFC 9110, section 9.3.6.
async fn open_tunnel(stream: &mut TcpStream, uri: &Uri, proxy: &ProxyServer) -> Result<(), ProxyError> {
    let (host, port) = (uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(443));
    let credentials = match &proxy.authorization {
        Some(authorization) => {
            let (header, _) = authorization.header().await.map_err(|_| ProxyError { status: Some(407) })?;
            format!("Proxy-Authorization: {}\r\n", header.to_str().unwrap_or_default())
        }
        None => String::new(),
    };
    let request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n{credentials}\r\n");
    let broken = |_: io::Error| ProxyError { status: None };
    stream.write_all(request.as_bytes()).await.map_err(broken)?;
    let mut answer = Vec::new();
    while !answer.windows(HEAD_END.len()).any(|bytes| bytes == HEAD_END) {
        let read = stream.read_buf(&mut answer).await.map_err(broken)?;
        if read == 0 || answer.len() > MAX_ANSWER_BYTES {
            return Err(ProxyError { status: None });
        }
    }
    let status = std::str::from_utf8(&answer).ok().and_then(|text| text.split_ascii_whitespace().nth(1)?.parse().ok());
    match status {
        // The server speaks only after the client's first message, so nothing can follow the head.
        Some(200..=299) if answer.ends_with(HEAD_END) => Ok(()),
        Some(200..=299) | None => Err(ProxyError { status: None }),
        status => Err(ProxyError { status }),
    }
}

impl Connection for Dialed {
    fn connected(&self) -> Connected {
        self.stream.connected().proxy(self.is_proxied)
    }
}

impl Read for Dialed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl Write for Dialed {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }
}

/// The system's resolver, with an error that is distinguishable from a failed connection.
#[derive(Clone, Debug)]
pub(crate) struct Resolver(Arc<Lookups>);

impl Service<Name> for Resolver {
    type Response = IntoIter<SocketAddr>;
    type Error = DnsError;
    type Future = BoxFuture<'static, Result<Self::Response, DnsError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), DnsError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let lookups = Arc::clone(&self.0);
        Box::pin(async move {
            let found = lookups.addresses(name.as_str()).await.ok_or(DnsError)?;
            let addresses: Vec<SocketAddr> = found.iter().copied().collect();
            Ok(addresses.into_iter())
        })
    }
}
