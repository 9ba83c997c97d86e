//! A simulated fleet of inference replicas: their requests, engines, GPUs and autoscalers, and the metrics pages they have.
//!
//! The simulation goes from event to event: a request arrives, a prefill or an answer is complete, a KV cache is full.
//! Between two events tokens flow at constant rates, so a week of several models takes seconds. Every fifteen seconds
//! autoscalers decide, replicas pass through the phases of their start, and incidents of a [scenario](scenario()) begin and
//! end. The same seed gives the same pages, byte for byte.
//!
//! ```
//! use fleet_simulation::{Answer, Fleet, Scenario, TargetKind, text};
//!
//! let mut fleet = Fleet::new(7, 1_796_000_000_000, &Scenario::default());
//! fleet.run_until(1_796_000_060_000);
//! let mut page = String::new();
//! fleet.scrape(&mut |target, answer| {
//!     if let (TargetKind::Replica, Answer::Page(parts)) = (target.kind, answer) {
//!         page = text(&parts);
//!     }
//! });
//! assert!(page.contains("# TYPE"));
//! ```
mod autoscaler;
mod batch;
mod counts;
mod dialects;
mod fleet;
mod gpu;
mod histogram;
mod models;
mod page;
mod pool;
mod random;
mod replica;
mod scenario;
mod service;
mod traffic;

pub use fleet::{Answer, Balance, Fleet, Target, TargetKind};
pub use page::{FamilySchema, Kind, PagePart, Schema, SeriesSchema, families, text};
pub use scenario::{Incident, IncidentKind, SCENARIOS, Scenario, scenario};
