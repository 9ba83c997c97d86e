//! Rules about the caches of engines.
use super::{counted, percent};
use crate::entry::{Found, Limits};
use crate::evidence::Evidence;
use crate::intervals::{highest, intervals, median, total};
use std::ops::Range;

/// The KV cache is full, and requests wait or are preempted for it.
pub(crate) fn kv_cache_full(evidence: &Evidence, limits: &Limits<'_>) -> Vec<Found> {
    let fullest = evidence.max("kv-cache-use", &["fullest"]);
    let waiting = evidence.sum("running-and-waiting", &["waiting"]);
    let preemptions = evidence.sum("preemptions", &["preemptions"]);
    let share = limits.get("share");
    let holds = |step: usize| fullest[step] >= share && (waiting[step] >= 1.0 || preemptions[step] > 0.0);
    let (min_steps, gap) = (evidence.steps_of(limits.get("minutes")), evidence.steps_of(5.0));
    let found = intervals(evidence.steps, min_steps, gap, holds).into_iter();
    found
        .map(|steps| {
            let full = percent(highest(&fullest, &steps));
            let requests = counted(highest(&waiting, &steps), "request");
            let preempted = total(&preemptions, &steps) * evidence.step_s();
            let preempted = match preempted >= 1.0 {
                true => format!(", {}", counted(preempted, "preemption")),
                false => String::new(),
            };
            Found::new(steps, format!("the fullest cache is at {full}, up to {requests} waiting{preempted}"))
        })
        .collect()
}

/// Prompts find much less in the prefix cache than in the hour before.
pub(crate) fn prefix_cache_lost(evidence: &Evidence, limits: &Limits<'_>) -> Vec<Found> {
    let hits = evidence.max("prefix-cache-hit-share", &["hits", "as reported"]);
    let (hour, min_steps) = (evidence.steps_of(60.0), evidence.steps_of(limits.get("minutes")));
    let (before_share, kept) = (limits.get("before"), limits.get("kept"));
    let smooth: Vec<f64> = (0..evidence.steps)
        .map(|step| {
            median(hits[step.saturating_sub(1)..(step + 2).min(evidence.steps)].iter().copied()).unwrap_or(f64::NAN)
        })
        .collect();
    let mut found: Vec<Found> = Vec::new();
    let mut step = 0;
    while step < evidence.steps {
        let earlier = &smooth[step.saturating_sub(hour)..step];
        // What was before is known only after half an hour.
        let before = median(earlier.iter().copied()).filter(|_| earlier.len() >= hour / 2);
        let is_lost = |step: usize, before: f64| smooth[step] <= before * kept;
        match before.filter(|before| *before >= before_share && is_lost(step, *before)) {
            Some(before) => {
                let end = (step..evidence.steps).find(|later| smooth[*later] > before * kept.max(0.7));
                let steps: Range<usize> = step..end.unwrap_or(evidence.steps);
                step = steps.end;
                if steps.len() >= min_steps {
                    let now = median(smooth[steps.clone()].iter().copied()).unwrap_or(0.0);
                    let numbers = format!("hits fell from {} of the tokens to {}", percent(before), percent(now));
                    found.push(Found::new(steps, numbers));
                }
            }
            None => step += 1,
        }
    }
    found
}
