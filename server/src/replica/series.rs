//! The series about a replica's state. The companion writes them itself, so they continue while the replica is down.
use crate::replica::tracker::ReplicaTracker;
use crate::target::labels::TargetLabels;
use catalogue::contract::{ReplicaState, RestartReason, names};
use promql::stale_marker;
use tsdb::{Group, SeriesRef, StoreError};

/// A replica that is probed, and the series about it.
#[derive(Debug)]
pub(crate) struct Replica {
    pub(crate) tracker: ReplicaTracker,
    series: Option<ReplicaSeries>,
}

/// The series under one set of labels.
#[derive(Debug)]
struct ReplicaSeries {
    states: Vec<(ReplicaState, SeriesRef)>,
    restarts: SeriesRef,
    ready: SeriesRef,
    /// Whether the last sample of `ready` has a value.
    has_ready: bool,
}

impl Replica {
    pub(crate) fn new(tracker: ReplicaTracker) -> Self {
        Self { tracker, series: None }
    }

    /// Adds the samples of the current state to `row`.
    pub(crate) fn write(
        &mut self,
        labels: &TargetLabels,
        group: &mut Group,
        row: &mut Vec<(SeriesRef, f64)>,
    ) -> Result<(), StoreError> {
        let series = match &mut self.series {
            Some(series) => series,
            none => none.insert(ReplicaSeries::register(labels, group)?),
        };
        series.write_state(self.tracker.state, row);
        row.push((series.restarts, self.tracker.restarts));
        match self.tracker.ready_s {
            Some(ready_s) => row.push((series.ready, ready_s)),
            None if series.has_ready => row.push((series.ready, stale_marker())),
            None => {}
        }
        series.has_ready = self.tracker.ready_s.is_some();
        Ok(())
    }

    /// Adds the samples of a replica that has stopped to `row`.
    pub(crate) fn write_end(&mut self, row: &mut Vec<(SeriesRef, f64)>) {
        self.tracker.state = ReplicaState::Stopped;
        if let Some(series) = &self.series {
            series.write_state(ReplicaState::Stopped, row);
        }
    }

    /// Adds stale markers for all series to `row`.
    pub(crate) fn retire(&mut self, row: &mut Vec<(SeriesRef, f64)>) {
        if let Some(ReplicaSeries { states, restarts, ready, has_ready }) = self.series.take() {
            let ready = has_ready.then_some(ready);
            let series = states.into_iter().map(|(_, series)| series).chain([restarts]).chain(ready);
            row.extend(series.map(|series| (series, stale_marker())));
        }
    }
}

impl ReplicaSeries {
    fn register(labels: &TargetLabels, group: &mut Group) -> Result<Self, StoreError> {
        let mut series = |name, label: Option<(&str, &str)>| group.register(&labels.of_extra(name, label));
        let states = ReplicaState::REPORTED
            .into_iter()
            .map(|state| Ok((state, series(names::REPLICA_STATE, Some(("state", state.id())))?)));
        Ok(Self {
            states: states.collect::<Result<_, StoreError>>()?,
            restarts: series(names::REPLICA_RESTARTS_TOTAL, Some(("reason", RestartReason::Unknown.id())))?,
            ready: series(names::REPLICA_READY_SECONDS, None)?,
            has_ready: false,
        })
    }

    fn write_state(&self, state: ReplicaState, row: &mut Vec<(SeriesRef, f64)>) {
        row.extend(self.states.iter().map(|(own, series)| (*series, f64::from(*own == state))));
    }
}
