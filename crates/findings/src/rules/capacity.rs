//! Rules about the number of replicas.
use super::counted;
use crate::entry::{Found, Limits};
use crate::evidence::Evidence;
use crate::intervals::{highest, intervals};
use std::collections::BTreeSet;

/// All replicas that are allowed serve, and requests wait all the same.
pub(crate) fn at_maximum(evidence: &Evidence, limits: &Limits<'_>) -> Vec<Found> {
    let active = evidence.sum("replicas", &["active"]);
    let max = evidence.sum("replicas", &["max"]);
    let waiting = evidence.sum("running-and-waiting", &["waiting"]);
    let per_replica = limits.get("waiting");
    let holds = |step: usize| active[step] >= max[step] && waiting[step] >= per_replica * active[step].max(1.0);
    let (min_steps, gap) = (evidence.steps_of(limits.get("minutes")), evidence.steps_of(2.0));
    let found = intervals(evidence.steps, min_steps, gap, holds).into_iter();
    found
        .map(|steps| {
            let (replicas, requests) = (highest(&max, &steps), counted(highest(&waiting, &steps), "request"));
            Found::new(steps, format!("all allowed replicas ({replicas}) serving, up to {requests} waiting"))
        })
        .collect()
}

/// Requests wait while further replicas start.
pub(crate) fn cold_start(evidence: &Evidence, limits: &Limits<'_>) -> Vec<Found> {
    let starting = evidence.sum("replicas", &["starting"]);
    let waiting = evidence.sum("running-and-waiting", &["waiting"]);
    let min = limits.get("waiting");
    let holds = |step: usize| starting[step] >= 1.0 && waiting[step] >= min;
    let (min_steps, gap) = (evidence.steps_of(limits.get("minutes")), evidence.steps_of(1.0));
    let found = intervals(evidence.steps, min_steps, gap, holds).into_iter();
    found
        .map(|steps| {
            let requests = counted(highest(&waiting, &steps), "request");
            let replicas = counted(highest(&starting, &steps), "replica");
            Found::new(steps, format!("up to {requests} waiting, up to {replicas} starting"))
        })
        .collect()
}

/// The wanted number of replicas goes up and down.
pub(crate) fn flapping(evidence: &Evidence, limits: &Limits<'_>) -> Vec<Found> {
    let desired = evidence.sum("replicas", &["desired"]);
    let mut turns: Vec<usize> = Vec::new();
    let (mut last, mut was_up) = (f64::NAN, None);
    for (step, value) in desired.iter().copied().enumerate().filter(|(_, value)| !value.is_nan()) {
        if !last.is_nan() && value != last {
            let is_up = value > last;
            if was_up.is_some_and(|was_up| was_up != is_up) {
                turns.push(step);
            }
            was_up = Some(is_up);
        }
        last = value;
    }
    let within = evidence.steps_of(30.0);
    let min_turns = limits.get("turns") as usize;
    let mut holding = BTreeSet::new();
    for (index, first) in turns.iter().enumerate() {
        if let Some(last) = turns.get(index + min_turns.max(1) - 1).filter(|last| *last - first <= within) {
            holding.extend(*first..=*last);
        }
    }
    let found = intervals(evidence.steps, 1, evidence.steps_of(5.0), |step| holding.contains(&step)).into_iter();
    found
        .map(|steps| {
            let count = turns.iter().filter(|turn| steps.contains(turn)).count();
            Found::new(steps, format!("the wanted number of replicas turned {count} times"))
        })
        .collect()
}
