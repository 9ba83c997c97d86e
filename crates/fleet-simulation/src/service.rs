//! One model as a whole: its traffic, its pools and what happens to them.
use crate::autoscaler::PERIOD_S;
use crate::counts::Outcome;
use crate::models::ModelSpec;
use crate::pool::Pool;
use crate::random::Random;
use crate::replica::Deployment;
use crate::scenario::{Incident, IncidentKind, Scenario};
use crate::traffic::{Ending, Request, TrafficChange};
use std::sync::Arc;

/// The simulation of one model. Times are in seconds since the simulation began.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) spec: ModelSpec,
    pub(crate) pools: Vec<Pool>,
    pub(crate) deployment: Deployment,
    pub(crate) totals: Totals,
    incidents: Vec<Incident>,
    change: TrafficChange,
    /// When the simulation began, Unix seconds.
    epoch_s: f64,
    /// By how much the users' clocks are ahead of UTC.
    ahead_s: f64,
    now_s: f64,
    next_tick_s: f64,
    next_arrival_s: f64,
    /// Requests per second until the next tick.
    rate: f64,
    seed: u64,
    random: Random,
    /// What prefill replicas have finished, before decoding replicas get it.
    handed_on: Vec<(f64, Request)>,
}

/// What has become of all requests of a model.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Totals {
    /// Requests that arrived.
    pub(crate) arrived: u64,
    /// Those that no replica took, and those that were lost with a process.
    pub(crate) unserved: u64,
    pub(crate) lost: u64,
}

impl Service {
    pub(crate) fn new(spec: ModelSpec, network: &str, scenario: &Scenario, epoch_s: f64, seed: u64) -> Self {
        let mut random = Random::named(seed, spec.name);
        let incidents = scenario.incidents.iter().filter(|incident| incident.model == spec.name).cloned().collect();
        let (name, engine) = spec.deployments[0];
        let deployment = Deployment { name: name.into(), engine, slowdown: 1.0 };
        let load = spec.workload.rate(epoch_s + scenario.ahead_s, seed) / spec.workload.peak_rate;
        let pools = spec.pools.iter().enumerate().map(|(index, pool)| {
            let names = (format!("{}{}", spec.name, pool.suffix), format!("{network}{index}"));
            let replicas = (f64::from(pool.scaling.max) * 0.8 * load).ceil() as u32;
            Pool::new(pool.clone(), names, &deployment, replicas, &mut random)
        });
        let pools = pools.collect();
        let mut service = Self {
            spec,
            pools,
            deployment,
            totals: Totals::default(),
            incidents,
            change: TrafficChange::NONE,
            epoch_s,
            ahead_s: scenario.ahead_s,
            now_s: 0.0,
            next_tick_s: PERIOD_S,
            next_arrival_s: 0.0,
            rate: 0.0,
            seed: random.next() ^ seed,
            random,
            handed_on: Vec::new(),
        };
        service.set_rate();
        service.draw_arrival();
        service
    }

    /// Moves on to a time.
    pub(crate) fn run_until(&mut self, until_s: f64) {
        loop {
            let next_s = self.next_arrival_s.min(self.next_tick_s);
            if next_s > until_s {
                break;
            }
            self.advance(next_s);
            if self.next_tick_s <= next_s {
                self.tick();
            } else {
                self.arrive();
            }
            self.draw_arrival();
        }
        self.advance(until_s);
    }

    /// Requests that are there at the moment.
    pub(crate) fn in_flight(&self) -> usize {
        self.pools.iter().map(Pool::load).sum()
    }

    /// What has been ended so far.
    pub(crate) fn outcome(&self) -> Outcome {
        let mut outcome = Outcome::default();
        self.pools.iter().for_each(|pool| outcome.add(pool.outcome()));
        outcome
    }

    fn advance(&mut self, to_s: f64) {
        self.now_s = to_s;
        match &mut self.pools[..] {
            [unified] => unified.run_until(to_s, &mut self.handed_on),
            [prefill, decode, ..] => {
                prefill.run_until(to_s, &mut self.handed_on);
                self.handed_on.sort_by(|(a_s, _), (b_s, _)| a_s.total_cmp(b_s));
                let mut none = Vec::new();
                for (time_s, request) in self.handed_on.drain(..) {
                    decode.run_until(time_s, &mut none);
                    match decode.route().and_then(|replica| replica.running.as_mut()) {
                        Some(running) => running.batch.push(request, &mut running.counts),
                        None => self.totals.lost += 1,
                    }
                }
                decode.run_until(to_s, &mut none);
            }
            [] => {}
        }
    }

    /// Draws when the next request arrives. The rate is that of the moment: whatever was drawn before is forgotten, which
    /// changes nothing, because waiting times are exponential.
    fn draw_arrival(&mut self) {
        self.next_arrival_s = self.now_s + self.random.exponential(1.0 / self.rate);
    }

    fn set_rate(&mut self) {
        let users_s = self.epoch_s + self.now_s + self.ahead_s;
        self.rate = self.spec.workload.rate(users_s, self.seed) * self.change.rate;
    }

    fn arrive(&mut self) {
        let request = self.spec.workload.request(self.now_s, &self.change, &mut self.random);
        self.totals.arrived += 1;
        let Some(running) = self.pools.first_mut().and_then(Pool::route).and_then(|replica| replica.running.as_mut())
        else {
            self.totals.unserved += 1;
            return;
        };
        match request.ending {
            Ending::Invalid | Ending::Error => running.counts.refuse(request.ending),
            _ => running.batch.push(request, &mut running.counts),
        }
    }

    fn tick(&mut self) {
        let seconds = PERIOD_S;
        let unix_s = self.epoch_s + self.now_s;
        self.next_tick_s = self.now_s + PERIOD_S;
        let active: Vec<&Incident> =
            self.incidents.iter().filter(|incident| (incident.from_s..incident.until_s).contains(&unix_s)).collect();
        self.change = traffic_change(&active);
        let upgrade = active.iter().find_map(|incident| match incident.kind {
            IncidentKind::Upgrade(slowdown) => Some(slowdown),
            _ => None,
        });
        let (next, engine) = self.spec.deployments[1];
        if let Some(slowdown) = upgrade.filter(|_| *self.deployment.name != *next) {
            self.deployment = Deployment { name: Arc::from(next), engine, slowdown };
        }
        for pool in &mut self.pools {
            let lost = pool.tick(&self.deployment, &active, (self.now_s, seconds), &mut self.random);
            self.totals.lost += lost.len() as u64;
        }
        self.set_rate();
    }
}

fn traffic_change(incidents: &[&Incident]) -> TrafficChange {
    let mut change = TrafficChange::NONE;
    for incident in incidents {
        match incident.kind {
            IncidentKind::Surge(factor) => change.rate *= factor,
            IncidentKind::LongPrompts { factor, share } => {
                (change.long_prompts, change.first_tenant_share) = (factor, Some(share));
            }
            IncidentKind::PrefixChange(factor) => change.shared_prefix = factor,
            IncidentKind::Errors(share) => change.error_share = share,
            _ => {}
        }
    }
    change
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counts::Measure;
    use crate::models::models;

    #[test]
    fn the_quantiles_of_buckets_bracket_the_true_ones() {
        for spec in models() {
            let mut service = Service::new(spec, "10.0.", &Scenario::default(), 1_796_040_000.0, 4);
            service.run_until(7_200.0);
            let replicas = service.pools.iter().flat_map(|pool| &pool.replicas);
            let running = replicas.filter_map(|replica| replica.running.as_ref());
            let mut compared = 0;
            for counts in running.map(|running| &running.counts).filter(|counts| counts.stays_s.len() > 500) {
                compared += 1;
                let mut stays_s = counts.stays_s.clone();
                stays_s.sort_by(f64::total_cmp);
                let histogram = counts.histogram(Measure::EndToEnd);
                let mut cumulative = Vec::new();
                histogram.cumulative(|count| cumulative.push(count));
                for quantile in [0.5, 0.9, 0.95, 0.99] {
                    let rank = (quantile * stays_s.len() as f64).ceil();
                    let truth_s = stays_s[rank as usize - 1];
                    let bucket = cumulative.iter().position(|count| *count >= rank).expect("a bucket");
                    let low_s = if bucket == 0 { 0.0 } else { histogram.bounds[bucket - 1] };
                    let high_s = histogram.bounds.get(bucket).copied().unwrap_or(f64::INFINITY);
                    assert!(low_s < truth_s && truth_s <= high_s, "{quantile}: {low_s} {truth_s} {high_s}");
                }
            }
            assert!(compared > 0, "{}", service.spec.name);
        }
    }

    /// Little's law once more, from the integrals that the simulation keeps: here nothing is sampled.
    #[test]
    fn time_in_the_system_adds_up() {
        let spec = models().remove(0);
        let mut service = Service::new(spec, "10.0.", &Scenario::default(), 1_796_040_000.0, 4);
        service.run_until(10_000.0);
        let replicas = service.pools.iter().flat_map(|pool| &pool.replicas);
        let counts = replicas.filter_map(|replica| replica.running.as_ref()).map(|running| &running.counts);
        let (stay_s, present_s) =
            counts.fold((0.0, 0.0), |sum, own| (sum.0 + own.stay_s, sum.1 + own.running_s + own.waiting_s));
        // The requests that are still there have not stayed yet.
        assert!(present_s >= stay_s && present_s < stay_s * 1.01, "{present_s} {stay_s}");
    }
}
