//! Tests of the page in a browser, served by a companion or a static host.

mod accessibility;
mod answers;
mod arranging;
mod browser;
mod cards;
mod deployments;
mod embedding;
mod failing;
mod firefox;
mod fleets;
mod glance;
mod histograms;
mod hostile;
mod hosting;
mod links;
mod page;
mod replicas;
mod rhythm;
mod scope;
mod threshold;
mod times;
mod touch;
mod weight;
