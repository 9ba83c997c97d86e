//! Rules about what fails.
use super::percent;
use crate::entry::{Found, Limits};
use crate::evidence::Evidence;
use crate::intervals::{highest, intervals, total};
use catalogue::line_name;
use std::collections::BTreeSet;

/// The server fails to answer requests.
pub(crate) fn error_burst(evidence: &Evidence, limits: &Limits<'_>) -> Vec<Found> {
    let share = evidence.max("error-share", &["server errors", "failed"]);
    let volume = evidence.sum("volume", &[]);
    let min_share = limits.get("share");
    let (min_steps, gap) = (evidence.steps_of(limits.get("minutes")), evidence.steps_of(3.0));
    let failed: Vec<f64> = share.iter().zip(&volume).map(|(share, rate)| share * rate * evidence.step_s()).collect();
    let found = intervals(evidence.steps, min_steps, gap, |step| share[step] >= min_share).into_iter();
    found
        .filter(|steps| total(&failed, steps) >= limits.get("requests"))
        .map(|steps| {
            let (highest, count) = (percent(highest(&share, &steps)), total(&failed, &steps));
            Found::new(steps, format!("up to {highest} of the requests fail, about {count:.0} in all"))
        })
        .collect()
}

/// Containers end and start again and again.
pub(crate) fn restart_loop(evidence: &Evidence, limits: &Limits<'_>) -> Vec<Found> {
    let columns = evidence.columns("restart-reasons", false);
    let restarts: Vec<f64> = evidence.sum("restart-reasons", &[]).iter().map(|rate| rate * evidence.step_s()).collect();
    let (within, min_count) = (evidence.steps_of(limits.get("minutes")), limits.get("restarts"));
    let mut holding = BTreeSet::new();
    for step in (0..evidence.steps).filter(|step| restarts[*step] > 0.0) {
        let until = (step + within).min(evidence.steps);
        // Rates are extrapolated, so a restart may count for a little less than one.
        if total(&restarts, &(step..until)) >= min_count - 0.3 {
            let last = (step..until).rfind(|later| restarts[*later] > 0.0).unwrap_or(step);
            holding.extend(step..=last);
        }
    }
    let found = intervals(evidence.steps, 1, 1, |step| holding.contains(&step)).into_iter();
    found
        .map(|steps| {
            let count = total(&restarts, &steps);
            let most = columns.iter().max_by(|a, b| total(&a.values, &steps).total_cmp(&total(&b.values, &steps)));
            let reason = most.map_or("", |column| line_name(&column.line));
            Found::new(steps, format!("{count:.0} restarts, most with the reason {reason}"))
        })
        .collect()
}

/// GPUs slow down because they are hot, or get too little power.
pub(crate) fn gpu_throttled(evidence: &Evidence, limits: &Limits<'_>) -> Vec<Found> {
    let gpus = evidence.max("gpu-throttling", &["thermal", "hardware slowdown", "power brake"]);
    let (min_steps, gap) = (evidence.steps_of(limits.get("minutes")), evidence.steps_of(2.0));
    let found = intervals(evidence.steps, min_steps, gap, |step| gpus[step] >= 0.5).into_iter();
    found
        .map(|steps| {
            let count = highest(&gpus, &steps).ceil();
            Found::new(steps, format!("up to {count} GPUs are slowed down"))
        })
        .collect()
}
