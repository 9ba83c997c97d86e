//! Sends samples to a server: one POST, of whose answer little is kept, and never a secret of the request.
use crate::scrape::fetch::{Client, add_proxy_headers, retry_after};
use crate::scrape::http_client::Response;
use crate::target::Endpoint;
use crate::target::echo::Echo;
use crate::target::failure::Failure;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use std::time::Duration;

/// The longest part of an answer's body that is kept.
const MAX_WORDS_BYTES: usize = 512;

/// The longest part that is received before the connection is given up.
const MAX_BODY_BYTES: usize = 64 << 10;

/// Stands for words that contain the credentials of the request.
const REPEATS_SECRET: &str = "(its words are left out, because they repeat the credentials)";

/// The answer to a POST.
#[derive(Debug)]
pub(crate) struct PostAnswer {
    pub(crate) status: StatusCode,
    /// The pause that it asks for.
    pub(crate) retry_after: Option<Duration>,
    pub(crate) headers: HeaderMap,
    /// The start of its body, on one line.
    pub(crate) words: String,
}

impl Client {
    /// Posts `body` to `endpoint`, with these headers and those of its access. No redirect is followed.
    ///
    /// # Errors
    /// If there is no answer.
    pub(crate) async fn post(
        &self,
        endpoint: &Endpoint,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Result<PostAnswer, Failure> {
        let mut secrets = endpoint.access.add_headers(&mut headers).await?;
        secrets.extend(add_proxy_headers(endpoint, &mut headers).await?);
        let http = self.routes.client(&endpoint.access.route).await?;
        let mut response = http.post(&endpoint.url, &headers, body).await?;
        if response.status == StatusCode::PROXY_AUTHENTICATION_REQUIRED && endpoint.access.route.proxy.is_some() {
            return Err(Failure::Proxy(Some(407)));
        }
        let received = received(&mut response).await;
        let words = match secrets.iter().map(Echo::of).any(|echo| echo.is_in(&received)) {
            true => REPEATS_SECRET.to_owned(),
            false => on_one_line(&received),
        };
        let retry_after = retry_after(&response);
        Ok(PostAnswer { status: response.status, retry_after, headers: response.headers, words })
    }
}

/// The body of an answer, as far as it arrives. What the status says holds without it.
async fn received(response: &mut Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await {
        body.extend_from_slice(&piece);
        if body.len() > MAX_BODY_BYTES {
            break;
        }
    }
    body
}

/// The start of a text without control characters.
fn on_one_line(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(&text[..text.len().min(MAX_WORDS_BYTES)]);
    let is_hidden = |c: char| c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}');
    let clean: String = text.chars().map(|c| if is_hidden(c) { ' ' } else { c }).collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_short_and_on_one_line() {
        assert_eq!(on_one_line(b"out of\r\norder \x1b[31msample\n"), "out of order [31msample");
        assert_eq!(on_one_line(&[b'x'; 9000]).len(), MAX_WORDS_BYTES);
        assert_eq!(on_one_line("a\u{202e}b".as_bytes()), "a b");
    }
}
