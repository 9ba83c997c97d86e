//! Base64, as in RFC 4648.

/// The alphabets of base64, and its variant for URLs. Source: RFC 4648, sections 4 and 5.
pub(crate) const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
pub(crate) const URL_ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Base64 without padding.
pub(crate) fn to_base64(bytes: &[u8], alphabet: &[u8; 64]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() * 4 / 3 + 3);
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        out.extend((0..=group.len()).map(|at| alphabet[(bits >> (18 - 6 * at) & 63) as usize]));
    }
    out
}

/// Base64 with padding.
pub(crate) fn to_padded_base64(bytes: &[u8], alphabet: &[u8; 64]) -> String {
    let mut text: String = to_base64(bytes, alphabet).into_iter().map(char::from).collect();
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

/// What a text in base64 encodes; none if it is not base64.
pub(crate) fn from_base64(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in text {
        let position = |alphabet: &[u8; 64]| alphabet.iter().position(|own| own == byte);
        let value = position(ALPHABET).or_else(|| position(URL_ALPHABET))?;
        bits = bits << 6 | value as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    Some(out)
}
