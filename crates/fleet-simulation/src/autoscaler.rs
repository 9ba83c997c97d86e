//! An autoscaler, as Kubernetes scales on a metric of the application.
use std::collections::VecDeque;

/// How often it decides, in seconds.
pub(crate) const PERIOD_S: f64 = 15.0;

/// For how long the highest of the wanted numbers counts before replicas are removed.
/// Twice the default of Kubernetes's autoscaler, `stabilizationWindowSeconds`.
const STABILIZATION_S: f64 = 600.0;

/// The share of the target that the load may have after a replica was removed.
const ROOM: f64 = 0.7;

/// The load is averaged over as many decisions.
const AVERAGED: usize = 8;

/// Where the number of replicas may lie, and the load at which another one is wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scaling {
    pub(crate) min: u32,
    pub(crate) max: u32,
    /// Requests that one replica should have at a time.
    pub(crate) requests_per_replica: f64,
}

/// What an autoscaler remembers.
#[derive(Clone, Debug)]
pub(crate) struct Autoscaler {
    pub(crate) scaling: Scaling,
    pub(crate) desired: u32,
    loads: VecDeque<f64>,
    wanted: VecDeque<u32>,
}

impl Autoscaler {
    pub(crate) fn new(scaling: Scaling, desired: u32) -> Self {
        Self { scaling, desired, loads: VecDeque::new(), wanted: VecDeque::new() }
    }

    /// Decides on the load, the number of requests at the moment. `is_eager` ignores what was wanted before.
    pub(crate) fn decide(&mut self, load: f64, min: u32, is_eager: bool) {
        let averaged = if is_eager { 1 } else { AVERAGED };
        let remembered = if is_eager { 1 } else { (STABILIZATION_S / PERIOD_S) as usize };
        self.loads.push_back(load);
        while self.loads.len() > averaged {
            self.loads.pop_front();
        }
        let mean = self.loads.iter().sum::<f64>() / self.loads.len() as f64;
        let Scaling { max, requests_per_replica, .. } = self.scaling;
        let wanted = (mean / requests_per_replica).ceil() as u32;
        // One replica less must have room to spare, so that the number does not go back and forth.
        let fewer = f64::from(self.desired.saturating_sub(1)) * requests_per_replica * ROOM;
        let wanted = if wanted < self.desired && mean > fewer && !is_eager { self.desired } else { wanted };
        self.wanted.push_back(wanted.clamp(min.min(max), max));
        while self.wanted.len() > remembered {
            self.wanted.pop_front();
        }
        self.desired = self.wanted.iter().copied().max().unwrap_or(self.desired);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_replicas_come_soon_and_go_late() {
        let scaling = Scaling { min: 1, max: 4, requests_per_replica: 10.0 };
        let mut autoscaler = Autoscaler::new(scaling, 1);
        let mut after = |load: f64, decisions: usize, is_eager: bool| {
            (0..decisions).for_each(|_| autoscaler.decide(load, 1, is_eager));
            autoscaler.desired
        };
        assert_eq!(after(25.0, 8, false), 3);
        assert_eq!(after(90.0, 8, false), 4, "the maximum");
        assert_eq!(after(5.0, 38, false), 4, "less than ten minutes ago more were wanted");
        assert_eq!(after(5.0, 20, false), 1);
        assert_eq!((after(25.0, 1, true), after(5.0, 1, true)), (3, 1), "at once");
    }
}
