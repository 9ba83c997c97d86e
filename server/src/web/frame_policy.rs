//! The frame policy: which sites may embed the page, and the key with which a sandboxed embed reads the API.
use axum::http::HeaderValue;
use catalogue::contract::is_origin;
use std::fmt::Write;
use subtle::ConstantTimeEq;

/// The page's Content-Security-Policy up to the ancestors that may embed it.
const CSP: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; style-src 'self'; \
    img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'none'; object-src 'none'; frame-ancestors ";

/// The length of a key before it is encoded.
const KEY_BYTES: usize = 16;

/// How responses restrict embedding.
#[derive(Clone, Debug)]
pub struct FramePolicy {
    /// The Content-Security-Policy of the page with `embed` in its address.
    pub embed_csp: HeaderValue,
    /// The Content-Security-Policy of the page otherwise.
    pub default_csp: HeaderValue,
    /// `X-Frame-Options` of the page with `embed` in its address, if that header can express the policy.
    pub embed_frame_options: Option<HeaderValue>,
    /// A key that embeds are delivered with and send with their requests; none if embedding is not allowed. A sandboxed
    /// iframe has the origin `null`, which any page can have: the key shows that this server delivered it to an allowed
    /// site.
    pub key: Option<String>,
}

impl FramePolicy {
    /// Lets `ancestors` embed the page: `'self'` and origins that [`is_frame_ancestor`] accepts.
    ///
    /// # Errors
    /// If the system provides no random bytes for the key.
    pub fn new(ancestors: &[String]) -> Result<Self, getrandom::Error> {
        let list = if ancestors.is_empty() { "'none'".to_owned() } else { ancestors.join(" ") };
        let csp = |list: &str| HeaderValue::try_from(format!("{CSP}{list}"));
        let default_csp = csp("'none'").unwrap_or(HeaderValue::from_static("default-src 'none'"));
        let embed_frame_options = match ancestors {
            [] => Some(HeaderValue::from_static("DENY")),
            [own] if own == "'self'" => Some(HeaderValue::from_static("SAMEORIGIN")),
            _ => None,
        };
        let key = if ancestors.is_empty() { None } else { Some(random_key()?) };
        let embed_csp = csp(&list).unwrap_or_else(|_| default_csp.clone());
        Ok(Self { embed_csp, default_csp, embed_frame_options, key })
    }

    /// Whether `candidate` is the key. The comparison takes the same time wherever they differ.
    pub(crate) fn is_key(&self, candidate: &[u8]) -> bool {
        self.key.as_ref().is_some_and(|key| key.as_bytes().ct_eq(candidate).into())
    }
}

/// Whether `text` is allowed in `frame_ancestors`: `'self'` or an origin.
pub(crate) fn is_frame_ancestor(text: &str) -> bool {
    text == "'self'" || is_origin(text)
}

/// A key that nobody can guess, in hexadecimal digits.
pub(crate) fn random_key() -> Result<String, getrandom::Error> {
    let mut bytes = [0; KEY_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(hex(&bytes))
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_ancestors_are_self_and_origins() {
        for text in ["'self'", "https://a.example", "http://localhost:8080"] {
            assert!(is_frame_ancestor(text), "{text}");
        }
        for text in ["", "*", "self", "'none'", "null", "https://*.a.example", "https://a.example; script-src *"] {
            assert!(!is_frame_ancestor(text), "{text}");
        }
    }

    #[test]
    fn headers_follow_the_ancestors() {
        let of = |list: &[&str]| {
            FramePolicy::new(&list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()).expect("a key")
        };
        let own = of(&["'self'"]);
        assert!(own.embed_csp.to_str().expect("text").ends_with("; frame-ancestors 'self'"));
        assert!(own.default_csp.to_str().expect("text").ends_with("; frame-ancestors 'none'"));
        assert_eq!(own.embed_frame_options, Some(HeaderValue::from_static("SAMEORIGIN")));
        let others = of(&["'self'", "https://a.example"]);
        assert!(others.embed_csp.to_str().expect("text").ends_with("frame-ancestors 'self' https://a.example"));
        assert_eq!(others.embed_frame_options, None);
        let none = of(&[]);
        assert_eq!(
            (none.embed_csp, none.embed_frame_options, none.key),
            (none.default_csp, Some(HeaderValue::from_static("DENY")), None)
        );
    }

    #[test]
    fn keys_are_long_and_unique() {
        let [one, other] = [0; 2].map(|_| FramePolicy::new(&["'self'".into()]).expect("a key"));
        let key = one.key.clone().expect("a key");
        assert_eq!(key.len(), 2 * KEY_BYTES);
        assert_ne!(Some(&key), other.key.as_ref());
        assert!(one.is_key(key.as_bytes()) && !other.is_key(key.as_bytes()));
        assert!(!one.is_key(b"") && !one.is_key(&key.as_bytes()[1..]));
    }
}
