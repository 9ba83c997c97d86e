//! Scraping by Prometheus's rules: each target in its own time, a page all or nothing, and every series that is no
//! longer there marked as gone.
mod engine;
mod failure;
mod fetch;
mod identity;
mod page;
mod places;
mod pool;
mod reading;
mod report;
mod schedule;
mod target;
mod writer;

pub use engine::engine_of;
pub use failure::Failure;
pub use fetch::{Authorization, Client};
pub use identity::Identity;
pub use page::Page;
pub use pool::{Counts, Pool};
pub(crate) use target::Reader;
pub use target::{LocalPage, Pace, Source, Target, instance_of};
pub(crate) use writer::Writer;
