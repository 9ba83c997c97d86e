//! The first bytes of every file: what it is, and which version of the format it follows.
use crate::codec::Bytes;

/// The one version that is written and read. `FORMAT.md` describes it.
pub(crate) const VERSION: u32 = 2;

/// Bytes of a header.
pub(crate) const HEADER_BYTES: usize = 16;

const MAGIC: [u8; 4] = *b"ifbd";

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Block,
    Log,
}

impl Kind {
    /// The ending of the file's name.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Log => "wal",
        }
    }
}

/// Why a file cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strange {
    /// Another version, by a header that is intact.
    Version(u32),
    /// Not a header.
    Damaged,
}

/// The header of a file of `kind`.
pub(crate) fn header(kind: Kind) -> [u8; HEADER_BYTES] {
    let mut bytes = [0; HEADER_BYTES];
    bytes[..4].copy_from_slice(&MAGIC);
    bytes[4..8].copy_from_slice(word(kind));
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    let sum = crc32c::crc32c(&bytes[..12]);
    bytes[12..].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// Checks that `bytes` begin with the header of a file of `kind`.
pub(crate) fn check_header(kind: Kind, bytes: &[u8]) -> Result<(), Strange> {
    match version(kind, bytes) {
        Some(VERSION) => Ok(()),
        Some(other) => Err(Strange::Version(other)),
        None => Err(Strange::Damaged),
    }
}

fn version(kind: Kind, bytes: &[u8]) -> Option<u32> {
    let mut header = Bytes(bytes.get(..HEADER_BYTES)?);
    let (magic, own, version): ([u8; 4], [u8; 4], [u8; 4]) = (header.array()?, header.array()?, header.array()?);
    let sum = u32::from_le_bytes(header.array()?);
    let is_intact = magic == MAGIC && own == *word(kind) && sum == crc32c::crc32c(&bytes[..12]);
    is_intact.then_some(u32::from_le_bytes(version))
}

fn word(kind: Kind) -> &'static [u8; 4] {
    match kind {
        Kind::Block => b"blck",
        Kind::Log => b"wal ",
    }
}
