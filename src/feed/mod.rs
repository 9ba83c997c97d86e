//! Getting data: the only HTTP of the page, what is there, and what each card last drew.
mod absence;
mod answer;
mod card;
mod client;
mod clock;
mod config;
mod fleet;
mod frames;
mod gather;
mod grid;
mod inventory;
mod lines;
mod marks;
mod queue;
mod refresh;
mod serving;
mod spans;
mod timeline;

pub use card::{Beside, CardState, Drawn, Offers, Status};
pub use client::{Backend, Failure};
pub use clock::Clock;
pub use fleet::{Fleet, Replica};
pub use grid::Grid;
pub use inventory::Inventory;
pub use marks::{Happening, Mark};
pub use refresh::{Connection, Feed};
pub use spans::{Restart, Span};
