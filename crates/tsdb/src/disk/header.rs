//! The header of every file: its kind, and the version of its format.
use crate::codec::ByteReader;

/// The version that is written and read. `FORMAT.md` describes it.
pub(crate) const VERSION: u32 = 3;

/// The version whose log had the present form already.
const OLD_LOG_VERSION: u32 = 2;

/// Size of a header.
pub(crate) const HEADER_BYTES: usize = 16;

const MAGIC: [u8; 4] = *b"ifbd";

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    Block,
    Log,
    Chunks,
    /// Rows that others still have to read. Its folder is not that of a store.
    Queue,
}

impl FileKind {
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Log => "wal",
            Self::Chunks => "chunks",
            Self::Queue => "queue",
        }
    }

    pub(crate) fn file_name(self, id: u64) -> String {
        format!("{id:016x}.{}", self.extension())
    }

    fn tag(self) -> &'static [u8; 4] {
        match self {
            Self::Block => b"blck",
            Self::Log => b"wal ",
            Self::Chunks => b"chnk",
            Self::Queue => b"queu",
        }
    }
}

/// Why a header is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderError {
    /// The header is intact, but of this other version.
    Version(u32),
    Damaged,
}

/// The header of a file of `kind`.
pub(crate) fn header(kind: FileKind) -> [u8; HEADER_BYTES] {
    let mut bytes = [0; HEADER_BYTES];
    bytes[..4].copy_from_slice(&MAGIC);
    bytes[4..8].copy_from_slice(kind.tag());
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    let sum = crc32c::crc32c(&bytes[..12]);
    bytes[12..].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// Checks that `bytes` start with the header of a file of `kind`.
pub(crate) fn check_header(kind: FileKind, bytes: &[u8]) -> Result<(), HeaderError> {
    match read_version(kind, bytes) {
        Some(VERSION) => Ok(()),
        Some(OLD_LOG_VERSION) if kind == FileKind::Log => Ok(()),
        Some(other) => Err(HeaderError::Version(other)),
        None => Err(HeaderError::Damaged),
    }
}

/// The version in a header; `None` if it is damaged.
pub(crate) fn read_version(kind: FileKind, bytes: &[u8]) -> Option<u32> {
    let mut header = ByteReader(bytes.get(..HEADER_BYTES)?);
    let (magic, tag, version): ([u8; 4], [u8; 4], [u8; 4]) = (header.array()?, header.array()?, header.array()?);
    let sum = u32::from_le_bytes(header.array()?);
    let is_intact = magic == MAGIC && tag == *kind.tag() && sum == crc32c::crc32c(&bytes[..12]);
    is_intact.then_some(u32::from_le_bytes(version))
}
