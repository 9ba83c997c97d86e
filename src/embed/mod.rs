//! The embedded page: the messages that it exchanges with its parent, as `docs/embedding.md` describes them.
pub mod channel;
pub mod protocol;
