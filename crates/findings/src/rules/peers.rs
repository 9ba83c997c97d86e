//! Rules that compare replicas with each other.
use super::counted;
use crate::entry::{Found, Limits};
use crate::evidence::{Column, Evidence};
use crate::intervals::{highest, intervals, median};
use catalogue::{is_line_of, line_name};

/// A replica has requests that wait, and computes nothing: neither answers nor, as a replica for prefill does, prompts.
pub(crate) fn replica_stuck(evidence: &Evidence, limits: &Limits<'_>) -> Vec<Found> {
    let load = evidence.columns("running-and-waiting", true);
    let tokens = evidence.columns("tokens-per-second", true);
    let (min_steps, gap) = (evidence.steps_of(limits.get("minutes")), evidence.steps_of(1.0));
    let mut found = Vec::new();
    for tokens in tokens.iter().filter(|column| is_line_of(&column.line, "generation")) {
        let replica = line_name(&tokens.line);
        let is_own = |column: &&Column| is_line_of(&column.line, "waiting") && line_name(&column.line) == replica;
        let Some(waiting) = load.iter().find(is_own) else { continue };
        let all =
            evidence.columns("tokens-per-second", true).iter().filter(|column| line_name(&column.line) == replica);
        let all: Vec<&Column> = all.collect();
        let computes = |step: usize| all.iter().any(|column| column.values[step] > 0.0);
        let holds = |step: usize| waiting.values[step] >= 1.0 && tokens.values[step] == 0.0 && !computes(step);
        found.extend(intervals(evidence.steps, min_steps, gap, holds).into_iter().map(|steps| {
            let requests = counted(highest(&waiting.values, &steps), "request");
            let numbers = format!("up to {requests} waiting at {replica}, which generates nothing");
            Found { replica: Some(replica.to_owned()), ..Found::new(steps, numbers) }
        }));
    }
    found
}

/// With fewer running requests, their number at a moment says little about a minute.
const MIN_RUNNING: f64 = 4.0;

/// A replica is slower than the others. The buckets of latencies are too wide to say so: the time for a token is the number
/// of running requests over the tokens per second.
pub(crate) fn replica_unlike_peers(evidence: &Evidence, limits: &Limits<'_>) -> Vec<Found> {
    let load = evidence.columns("running-and-waiting", true);
    let tokens = evidence.columns("tokens-per-second", true).iter();
    let mut replicas: Vec<(&str, Vec<f64>)> = Vec::new();
    for tokens in tokens.filter(|column| is_line_of(&column.line, "generation")) {
        let replica = line_name(&tokens.line);
        let is_own = |column: &&Column| is_line_of(&column.line, "running") && line_name(&column.line) == replica;
        let Some(running) = load.iter().find(is_own) else { continue };
        let per_token_s = running.values.iter().zip(&tokens.values).map(|(running, tokens)| {
            match *running >= MIN_RUNNING && *tokens > 0.0 {
                true => running / tokens,
                false => f64::NAN,
            }
        });
        replicas.push((replica, smooth(&whole_steps(&per_token_s.collect::<Vec<_>>()))));
    }
    let factor = limits.get("factor");
    let (min_steps, gap) = (evidence.steps_of(limits.get("minutes")), evidence.steps_of(5.0));
    let mut found = Vec::new();
    for (replica, own) in &replicas {
        let of_peers = |step: usize| {
            let others = replicas.iter().filter(|(other, _)| other != replica).map(|(_, values)| values[step]);
            let others: Vec<f64> = others.filter(|value| !value.is_nan()).collect();
            // Of two, neither is the odd one.
            if others.len() >= 2 { median(others) } else { None }
        };
        let ratio: Vec<f64> =
            (0..evidence.steps).map(|step| of_peers(step).map_or(f64::NAN, |peers| own[step] / peers)).collect();
        found.extend(intervals(evidence.steps, min_steps, gap, |step| ratio[step] >= factor).into_iter().map(
            |steps| {
                let slower = median(ratio[steps.clone()].iter().copied()).unwrap_or(factor);
                let numbers = format!("{replica} takes {slower:.1} times as long for a token as the others");
                Found { replica: Some((*replica).to_owned()), ..Found::new(steps, numbers) }
            },
        ));
    }
    found
}

/// The values without those beside a hole: a replica that came or left within a step had only a part of it, so that its
/// requests and its tokens are not of the same time.
fn whole_steps(values: &[f64]) -> Vec<f64> {
    let has_value = |step: Option<usize>| {
        // What lies outside the range is not known to be a hole.
        step.and_then(|step| values.get(step)).is_none_or(|value| !value.is_nan())
    };
    let whole = |step: usize| has_value(step.checked_sub(1)) && has_value(Some(step + 1));
    (0..values.len()).map(|step| if whole(step) { values[step] } else { f64::NAN }).collect()
}

/// Each value with its neighbours: the median of five. A hole stays one.
fn smooth(values: &[f64]) -> Vec<f64> {
    let around = |step: usize| values[step.saturating_sub(2)..(step + 3).min(values.len())].iter().copied();
    let smoothed = |step: usize| match values[step].is_nan() {
        true => f64::NAN,
        false => median(around(step)).unwrap_or(f64::NAN),
    };
    (0..values.len()).map(smoothed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_last_step_of_a_replica_say_nothing() {
        const HOLE: f64 = f64::NAN;
        let values = [1.0, 1.0, 9.0, HOLE, HOLE, 9.0, 1.0, 1.0];
        let whole = whole_steps(&values);
        assert_eq!(
            whole.iter().map(|value| value.is_nan()).collect::<Vec<_>>(),
            values.map(|value| value.is_nan() || value == 9.0)
        );
        let smoothed = smooth(&whole);
        assert!(
            smoothed.iter().zip(&whole).all(|(smoothed, whole)| smoothed.is_nan() == whole.is_nan()),
            "{smoothed:?}"
        );
    }
}
