//! Recognises gzip files, which `check` and `import` accept besides plain text.

/// Whether a file that begins with these bytes is compressed with gzip (RFC 1952, section 2.3.1).
pub(crate) fn is_gzip(start: &[u8]) -> bool {
    start.starts_with(&[0x1f, 0x8b])
}
