//! A companion under a simulated clock and disk with simulated targets, beside a model that knows what is right.
//!
//! One seed makes a life: scrapes, maintenance, queries, imports, faults of disk, clock and targets, ends and restarts.
//! After each the model says what must be there. `SIMULATION_SEEDS` is the number of lives, `SIMULATION_SEED` replays one.
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod checks;
mod disk;
mod faults;
mod file_system;
mod model;
mod restart;
mod target;
mod world;

use crate::faults::Coverage;
use crate::world::World;
use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// The number of lives in a test run.
const SEEDS: u64 = 200;

/// The number of events of a life.
const STEPS: u64 = 120;

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok()?.parse().ok()
}

/// Lives one life; returns what the disk had in the end, in a number. A failure says how to live it again.
fn live(seed: u64, coverage: &Coverage) -> u64 {
    let steps = number("SIMULATION_STEPS").unwrap_or(STEPS);
    let mut world = World::new(seed, coverage.clone());
    let outcome = catch_unwind(AssertUnwindSafe(|| world.live(steps)));
    if let Err(panic) = outcome {
        println!("the last events of seed {seed}:\n{}", world.trace());
        println!(
            "to replay it: SIMULATION_SEED={seed} SIMULATION_STEPS={steps} \
             cargo test -p inferboard-server --test simulation -- --nocapture every_life"
        );
        resume_unwind(panic);
    }
    world.fingerprint()
}

#[test]
fn every_life_agrees_with_the_model() {
    let coverage = Coverage::default();
    if let Some(seed) = number("SIMULATION_SEED") {
        live(seed, &coverage);
        return;
    }
    let seeds = number("SIMULATION_SEEDS").unwrap_or(SEEDS);
    let next = AtomicU64::new(1);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let live_all = || {
            let seeds =
                std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed)).take_while(|seed| *seed <= seeds);
            seeds.for_each(|seed| {
                live(seed, &coverage);
            });
        };
        let lives: Vec<_> = (0..threads).map(|_| scope.spawn(live_all)).collect();
        for life in lives {
            life.join().unwrap_or_else(|panic| resume_unwind(panic));
        }
    });
    println!("{seeds} lives; how often each fault was met:\n{}", coverage.table());
    assert!(seeds < SEEDS || coverage.missing().is_empty(), "never reached: {:?}", coverage.missing());
}

#[test]
fn a_seed_always_lives_the_same_life() {
    for seed in [1, 2, 3] {
        let [one, two] = [(); 2].map(|()| live(seed, &Coverage::default()));
        assert_eq!(one, two, "seed {seed}");
    }
}
