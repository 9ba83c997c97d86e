//! Recognises a secret in what its target sends back, as it is or encoded: a server that repeats its requests, for example
//! in an error page, would otherwise give it to everyone who may read the metrics.
use crate::target::base64::{ALPHABET, URL_ALPHABET, from_base64, to_base64};
use crate::target::secret::Secret;
use memchr::memmem;

/// Shorter texts occur by chance.
const MIN_ENCODED_BYTES: usize = 8;
const MIN_PASSWORD_BYTES: usize = 6;

/// What a secret looks like.
pub(crate) struct Echo {
    /// The secret, and what it decodes to.
    plain: Vec<Vec<u8>>,
    /// Texts that contain one of these contain the secret.
    encoded: Vec<Vec<u8>>,
}

impl Echo {
    /// What `secret` looks like. The credentials of `Basic` are the base64 of a user and a password.
    pub(crate) fn of(secret: &Secret) -> Self {
        let text = secret.expose().as_bytes();
        let mut plain = vec![text.to_vec()];
        if let Some(pair) = from_base64(text).filter(|pair| pair.is_ascii() && pair.contains(&b':')) {
            let password = pair.splitn(2, |byte| *byte == b':').nth(1).unwrap_or_default().to_vec();
            plain.extend(Some(password).filter(|password| password.len() >= MIN_PASSWORD_BYTES));
            plain.push(pair);
        }
        plain.retain(|text| !text.is_empty());
        let mut encoded: Vec<Vec<u8>> = plain.iter().flat_map(|text| encodings(text)).collect();
        encoded.retain(|text| text.len() >= MIN_ENCODED_BYTES);
        Self { plain, encoded }
    }

    /// Whether `text` contains the secret.
    pub(crate) fn is_in(&self, text: &[u8]) -> bool {
        let contains = |needle: &Vec<u8>| memmem::find(text, needle).is_some();
        if self.plain.iter().chain(&self.encoded).any(contains) {
            return true;
        }
        let has_escapes = memchr::memchr2(b'%', b'\\', text).is_some();
        has_escapes && self.plain.iter().any(|plain| plain.len() >= MIN_PASSWORD_BYTES && is_escaped_in(plain, text))
    }
}

/// Base64 of `text` within a longer one, in each of its three positions and both alphabets, and its hexadecimal digits.
fn encodings(text: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let base64 = [ALPHABET, URL_ALPHABET].into_iter().flat_map(move |alphabet| {
        (0..3).map(move |before| {
            let mut padded = vec![0; before];
            padded.extend_from_slice(text);
            // The first and the last characters depend on what is around the text.
            let first = [0, 2, 3][before];
            let complete = padded.len() * 8 / 6;
            to_base64(&padded, alphabet).get(first..complete).unwrap_or_default().to_vec()
        })
    });
    let hex = [b"0123456789abcdef", b"0123456789ABCDEF"].into_iter().map(move |digits| {
        text.iter().flat_map(|byte| [digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]]).collect()
    });
    base64.chain(hex)
}

/// Whether `text` contains `plain` with any of its characters escaped: `%68`, `\x68`, `\u0068` or `\u{68}`.
fn is_escaped_in(plain: &[u8], text: &[u8]) -> bool {
    (0..text.len()).any(|start| {
        let mut rest = text.get(start..).unwrap_or_default();
        plain.iter().all(|expected| match next_byte(rest) {
            Some((byte, after)) if byte == *expected => {
                rest = after;
                true
            }
            _ => false,
        })
    })
}

/// The first byte of `text`, which may be escaped, and what follows it.
fn next_byte(text: &[u8]) -> Option<(u8, &[u8])> {
    let (first, rest) = text.split_first()?;
    let escape = match first {
        b'%' => rest,
        b'\\' => [&b"x"[..], b"u00", b"u{"].iter().find_map(|start| rest.strip_prefix(*start)).unwrap_or_default(),
        _ => return Some((*first, rest)),
    };
    let digit = |at: usize| escape.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    match digit(0).zip(digit(1)) {
        Some((high, low)) => {
            let after = escape.get(2..).unwrap_or_default();
            Some(((high << 4 | low) as u8, after.strip_prefix(b"}").unwrap_or(after)))
        }
        None => Some((*first, rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "hf_CANARY0123456789/+";

    fn is_in(text: &str) -> bool {
        Echo::of(&Secret::new(TOKEN)).is_in(text.as_bytes())
    }

    #[test]
    fn a_secret_is_found_however_it_is_encoded() {
        for before in ["", "a", "ab", "Bearer "] {
            for after in ["", "x", "\"}"] {
                let text = format!("{before}{TOKEN}{after}");
                for alphabet in [ALPHABET, URL_ALPHABET] {
                    let encoded = String::from_utf8(to_base64(text.as_bytes(), alphabet)).expect("text");
                    assert!(is_in(&format!("echo{{l=\"{encoded}\"}} 1\n")), "{text}");
                }
            }
        }
        let all = |escape: fn(u8) -> String| TOKEN.bytes().map(escape).collect::<String>();
        for encoded in [
            TOKEN.to_owned(),
            all(|byte| format!("{byte:02x}")),
            all(|byte| format!("{byte:02X}")),
            all(|byte| format!("%{byte:02x}")),
            all(|byte| format!("\\x{byte:02X}")),
            all(|byte| format!("\\u{byte:04x}")),
            all(|byte| format!("\\u{{{byte:x}}}")),
            TOKEN.replace('/', "%2F").replace('+', "%2b"),
            TOKEN.replace('h', "%68"),
        ] {
            assert!(is_in(&format!("# HELP a 5 % \\n\necho{{l=\"x{encoded}y\"}} 1\n")), "{encoded}");
        }
    }

    #[test]
    fn the_password_within_basic_credentials_is_a_secret_too() {
        let credentials = String::from_utf8(to_base64(b"user:pw_CANARY", ALPHABET)).expect("text");
        let echo = Echo::of(&Secret::new(credentials));
        for text in ["pw_CANARY", "a user:pw_CANARY b", "70775f43414e415259", "pw%5FCANARY"] {
            assert!(echo.is_in(text.as_bytes()), "{text}");
        }
        assert!(!echo.is_in(b"user 1\n"));
    }

    #[test]
    fn other_texts_are_not_taken_for_the_secret() {
        for text in ["", "up 1\n", "hf_CANARY012345678", "aGZfQ0FOQVJZ", "100 % of hf_ \\ x"] {
            assert!(!is_in(text), "{text}");
        }
        let short = Echo::of(&Secret::new("k3"));
        assert!(short.is_in(b"ak3b") && !short.is_in(b"6b33 azM %6b%33"));
        assert!(!Echo::of(&Secret::new("")).is_in(b"anything"));
    }
}
