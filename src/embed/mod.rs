//! The page in a frame of another page: the messages that the two exchange, as `docs/embedding.md` describes them.
pub mod channel;
pub mod protocol;
