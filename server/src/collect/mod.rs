//! Collectors: what this process measures itself, written as metrics pages.
mod host;
mod own;
mod page;

pub use host::Host;
pub use own::own_page;
