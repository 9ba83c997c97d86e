//! The HTTP client of scrapes and of what is sent: redirects stay within the origin, and answers may be compressed.
use crate::scrape::connections::{Connections, Connector, is_closed_before_response, notice};
use crate::scrape::lookup::Lookups;
use crate::target::access::Route;
use crate::target::error_causes::failure_of_causes;
use crate::target::failure::Failure;
use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, HeaderValue, LOCATION, USER_AGENT};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Error as ClientError;
use reqwest::Url;
use rustls::ClientConfig;
use std::error::Error as _;
use std::io::Write as _;
use std::sync::Arc;

const MAX_REDIRECTS: usize = 3;

/// The name that the client calls itself.
const OWN_NAME: HeaderValue = HeaderValue::from_static(concat!("inferboard/", env!("CARGO_PKG_VERSION")));
const GZIP: HeaderValue = HeaderValue::from_static("gzip");

/// How much of a compressed body is decompressed at once. Gzip makes at most about a thousand times as much of it.
const COMPRESSED_BYTES: usize = 512;

/// Sends requests, all on the same route.
#[derive(Clone, Debug)]
pub(crate) struct HttpClient {
    /// Keeps connections open between requests.
    kept: Connections,
    /// Opens a connection for each request.
    fresh: Connections,
}

impl HttpClient {
    /// A client without connections for `route`, with this TLS configuration.
    pub(crate) fn new(route: &Route, tls: ClientConfig, lookups: Arc<Lookups>) -> Self {
        let connector = Connector::new(route, tls, lookups);
        Self { kept: connector.clone().connections(usize::MAX), fresh: connector.connections(0) }
    }

    /// The response to a request for `url` with these headers, whatever its status. Redirects to the same scheme, host and
    /// port are followed; any other is returned as the response.
    ///
    /// # Errors
    /// If there is no response.
    pub(crate) async fn get(&self, mut url: Url, headers: &HeaderMap) -> Result<Response, Failure> {
        let mut redirects = 0;
        loop {
            let response = self.send_once(&Method::GET, &url, headers, Bytes::new()).await?;
            let next = redirect(&url, &response).filter(|next| next.origin() == url.origin());
            match next.filter(|_| redirects < MAX_REDIRECTS) {
                Some(next) => url = next,
                None => return Ok(Response::new(response)),
            }
            redirects += 1;
        }
    }

    /// The response to a POST of `body`, whatever its status. No redirect is followed.
    ///
    /// # Errors
    /// If there is no response.
    pub(crate) async fn post(&self, url: &Url, headers: &HeaderMap, body: Bytes) -> Result<Response, Failure> {
        self.send_once(&Method::POST, url, headers, body).await.map(Response::new)
    }

    /// The response to one request.
    ///
    /// On a kept connection that the server has closed it is sent once more, on a new connection: every request is a GET,
    /// or a POST of a query or of samples, all of which may be repeated.
    async fn send_once(
        &self,
        method: &Method,
        url: &Url,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<http::Response<Incoming>, Failure> {
        let uri: Uri = url.as_str().parse().map_err(|_| Failure::Broken)?;
        let request = || {
            let mut request = Request::new(Full::new(body.clone()));
            *request.method_mut() = method.clone();
            *request.uri_mut() = uri.clone();
            *request.headers_mut() = headers.clone();
            request.headers_mut().insert(USER_AGENT, OWN_NAME);
            request.headers_mut().insert(ACCEPT_ENCODING, GZIP);
            request
        };
        let sent = notice(self.kept.request(request())).await;
        let result = match sent.result {
            Err(error) if sent.is_reused && is_closed_before_response(&error) => self.fresh.request(request()).await,
            result => result,
        };
        result.map_err(|error: ClientError| failure_of_causes(error.source(), Failure::Broken))
    }
}

/// Where a response redirects to, if it does.
fn redirect(url: &Url, response: &http::Response<Incoming>) -> Option<Url> {
    let is_redirect = matches!(
        response.status(),
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    let location = response.headers().get(LOCATION).filter(|_| is_redirect)?;
    url.join(location.to_str().ok()?).ok()
}

/// A response whose body is being received.
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    /// Without the encoding, if it is one that the client decodes.
    pub(crate) headers: HeaderMap,
    body: Incoming,
    decoder: Option<Decoder>,
}

/// Decompresses a body.
struct Decoder {
    gzip: MultiGzDecoder<Vec<u8>>,
    /// What has been received and is not decompressed yet.
    compressed: Bytes,
}

impl Response {
    fn new(response: http::Response<Incoming>) -> Self {
        let (mut head, body) = response.into_parts();
        let is_gzip = head.headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding == GZIP);
        if is_gzip {
            head.headers.remove(CONTENT_ENCODING);
        }
        let decoder = is_gzip.then(|| Decoder { gzip: MultiGzDecoder::new(Vec::new()), compressed: Bytes::new() });
        Self { status: head.status, headers: head.headers, body, decoder }
    }

    /// The next piece of the body, decompressed; none at its end.
    ///
    /// # Errors
    /// If the connection breaks, or the body is not compressed as it should be.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            if let Some(piece) = self.decoder.as_mut().map(Decoder::next).transpose()?.flatten() {
                return Ok(Some(piece));
            }
            let Some(frame) = self.body.frame().await else {
                return self.decoder.take().map_or(Ok(None), Decoder::finish);
            };
            let frame = frame.map_err(|error| failure_of_causes(Some(&error), Failure::Broken))?;
            let Ok(data) = frame.into_data() else { continue };
            match &mut self.decoder {
                Some(decoder) => decoder.compressed = data,
                None => return Ok(Some(data)),
            }
        }
    }
}

impl Decoder {
    /// The next piece of what has been received; none if more is needed.
    fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        while !self.compressed.is_empty() {
            let part = self.compressed.split_to(COMPRESSED_BYTES.min(self.compressed.len()));
            self.gzip.write_all(&part).map_err(|_| Failure::Encoding)?;
            let piece = std::mem::take(self.gzip.get_mut());
            if !piece.is_empty() {
                return Ok(Some(piece.into()));
            }
        }
        Ok(None)
    }

    /// What was held back until the end of the body; none if that is nothing.
    fn finish(mut self) -> Result<Option<Bytes>, Failure> {
        self.gzip.try_finish().map_err(|_| Failure::Encoding)?;
        let rest = std::mem::take(self.gzip.get_mut());
        Ok((!rest.is_empty()).then(|| rest.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    fn compressed(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).expect("memory");
        encoder.finish().expect("memory")
    }

    /// What comes out of a decoder that receives `body` in these pieces: its text, and the longest piece of it.
    fn decompressed(body: &[u8], piece_bytes: usize) -> Result<(Vec<u8>, usize), Failure> {
        let mut decoder = Decoder { gzip: MultiGzDecoder::new(Vec::new()), compressed: Bytes::new() };
        let (mut text, mut longest) = (Vec::new(), 0);
        for piece in body.chunks(piece_bytes) {
            decoder.compressed = Bytes::copy_from_slice(piece);
            while let Some(part) = decoder.next()? {
                longest = longest.max(part.len());
                text.extend_from_slice(&part);
            }
        }
        text.extend_from_slice(&decoder.finish()?.unwrap_or_default());
        Ok((text, longest))
    }

    #[test]
    fn a_compressed_body_comes_out_whole_and_in_bounded_pieces() {
        let text: Vec<u8> = (0..200_000_u32).flat_map(|n| (n.wrapping_mul(2_654_435_761)).to_le_bytes()).collect();
        let two = [compressed(&text), compressed(b"the end")].concat();
        for piece_bytes in [1, 700, two.len()] {
            let (out, _) = decompressed(&two, piece_bytes).expect("it is whole");
            assert!(out.starts_with(&text) && out.ends_with(b"the end") && out.len() == text.len() + 7);
        }
        let bomb = compressed(&vec![0; 64 << 20]);
        let (out, longest) = decompressed(&bomb, bomb.len()).expect("it is whole");
        assert_eq!(out.len(), 64 << 20);
        assert!(longest <= 2 << 20, "{longest} bytes at once");
    }

    #[test]
    fn a_body_that_is_cut_or_not_compressed_is_refused() {
        let whole = compressed(b"up 1\n");
        assert_eq!(decompressed(&whole[..whole.len() - 3], 10).err(), Some(Failure::Encoding));
        assert_eq!(decompressed(b"up 1\n", 10).err(), Some(Failure::Encoding));
    }
}
