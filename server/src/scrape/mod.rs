//! Scraping by Prometheus's rules: each target in its own time, a page all or nothing, and every series that is no
//! longer there marked as gone.
mod authorization;
mod body;
mod failure;
mod fetch;
mod found;
mod huggingface;
mod identity;
mod metadata;
mod page;
mod places;
mod pool;
mod reading;
mod recall;
mod replica;
mod report;
mod schedule;
mod target;
mod writer;

pub use authorization::Authorization;
pub use failure::Failure;
pub use fetch::Client;
pub use identity::{Identity, ScopeRules};
pub use metadata::{Description, Metadata};
pub use page::Page;
pub use pool::{Counts, Latest, Pool};
pub(crate) use target::Reader;
pub use target::{Endpoint, LocalPage, Pace, Source, Target, instance_of};
pub(crate) use writer::Writer;
