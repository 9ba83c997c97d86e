//! Who may show the page in a frame, and how a frame without an origin of its own reads the answers it needs.
use axum::http::HeaderValue;
use catalogue::contract::is_origin;
use std::fmt::Write;

/// All of the page's Content-Security-Policy but its last directive.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; style-src 'self'; \
    img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'none'; object-src 'none'; frame-ancestors ";

/// The bytes of a key.
const KEY_BYTES: usize = 16;

/// What the answer to a request for the page says about frames.
#[derive(Clone, Debug)]
pub struct Framing {
    /// The Content-Security-Policy of a page with `embed` in its address.
    pub policy: HeaderValue,
    /// That of any other page.
    pub closed_policy: HeaderValue,
    /// `X-Frame-Options` of a page with `embed` in its address, where that header can say the same.
    pub options: Option<HeaderValue>,
    /// What a page in a frame gets along, and sends with its questions. A sandboxed frame has the origin `null`, which is
    /// anyone's; only a page that this server gave out, to a frame that it allows, knows the key. None where no frame is
    /// allowed.
    pub key: Option<String>,
}

impl Framing {
    /// Frames within `ancestors`: `'self'` and origins, as [`is_ancestor`] checks them.
    ///
    /// # Errors
    /// When the system gives no random bytes for the key.
    pub fn new(ancestors: &[String]) -> Result<Self, getrandom::Error> {
        let list = if ancestors.is_empty() { "'none'".to_owned() } else { ancestors.join(" ") };
        let policy = |list: &str| HeaderValue::try_from(format!("{POLICY}{list}"));
        let closed_policy = policy("'none'").unwrap_or(HeaderValue::from_static("default-src 'none'"));
        let options = match ancestors {
            [] => Some(HeaderValue::from_static("DENY")),
            [own] if own == "'self'" => Some(HeaderValue::from_static("SAMEORIGIN")),
            _ => None,
        };
        let key = if ancestors.is_empty() { None } else { Some(random_key()?) };
        Ok(Self { policy: policy(&list).unwrap_or_else(|_| closed_policy.clone()), closed_policy, options, key })
    }

    /// Whether `given` is the key; how long it takes tells nothing about where they differ.
    pub(crate) fn is_key(&self, given: &[u8]) -> bool {
        self.key.as_ref().is_some_and(|key| {
            let key = key.as_bytes();
            key.len() == given.len() && key.iter().zip(given).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
        })
    }
}

/// Whether it may stand in `frame_ancestors`: `'self'` or an origin.
pub(crate) fn is_ancestor(text: &str) -> bool {
    text == "'self'" || is_origin(text)
}

fn random_key() -> Result<String, getrandom::Error> {
    let mut bytes = [0; KEY_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().fold(String::new(), |mut key, byte| {
        // Writing to a string cannot fail.
        let _ = write!(key, "{byte:02x}");
        key
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ancestors_are_self_and_origins() {
        for text in ["'self'", "https://a.example", "http://[::1]:1"] {
            assert!(is_ancestor(text), "{text}");
        }
        for text in ["", "*", "self", "null", "https://a.example/", "https://a.example;"] {
            assert!(!is_ancestor(text), "{text}");
        }
    }

    #[test]
    fn headers_follow_the_list() {
        let of = |list: &[&str]| {
            Framing::new(&list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()).expect("a key")
        };
        let own = of(&["'self'"]);
        assert!(own.policy.to_str().expect("text").ends_with("; frame-ancestors 'self'"));
        assert!(own.closed_policy.to_str().expect("text").ends_with("; frame-ancestors 'none'"));
        assert_eq!(own.options, Some(HeaderValue::from_static("SAMEORIGIN")));
        let others = of(&["'self'", "https://a.example"]);
        assert!(others.policy.to_str().expect("text").ends_with("frame-ancestors 'self' https://a.example"));
        assert_eq!(others.options, None);
        let none = of(&[]);
        assert_eq!(
            (none.policy, none.options, none.key),
            (none.closed_policy, Some(HeaderValue::from_static("DENY")), None)
        );
    }

    #[test]
    fn keys_are_long_and_never_the_same() {
        let [one, other] = [0; 2].map(|_| Framing::new(&["'self'".into()]).expect("a key"));
        let key = one.key.clone().expect("a key");
        assert_eq!(key.len(), 2 * KEY_BYTES);
        assert_ne!(Some(&key), other.key.as_ref());
        assert!(one.is_key(key.as_bytes()) && !other.is_key(key.as_bytes()));
        assert!(!one.is_key(b"") && !one.is_key(&key.as_bytes()[1..]));
    }
}
