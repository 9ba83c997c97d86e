//! The evaluator against other projects' tests, and stories of our own.
mod compliance;
mod corpora;
mod grammar;
mod memory;
mod promqltest;
mod script;
mod stories;
