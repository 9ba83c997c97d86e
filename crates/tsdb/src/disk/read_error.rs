//! Why a file or a part of it cannot be read.
use std::io;

/// Why a file or a part of it cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The content is damaged. The numbers are of records, and samples in them, not reported before.
    #[error("damaged")]
    Damaged { records: u64, samples: u64 },
    #[error("it has format version {0}")]
    Version(u32),
    #[error("{0}")]
    Io(io::Error),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        // A file that is too short is damaged; all other errors may be temporary.
        if error.kind() == io::ErrorKind::UnexpectedEof { DAMAGED } else { Self::Io(error) }
    }
}

pub(crate) const DAMAGED: ReadError = ReadError::Damaged { records: 1, samples: 0 };
