//! The page in a frame of another page: the messages that the two exchange, as `docs/embedding.md` describes them.
mod channel;
mod message;

pub use channel::Channel;
