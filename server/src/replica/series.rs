//! The series about what a replica is doing. They are our own knowledge of it, and go on while it is down.
use crate::replica::tracker::Life;
use crate::scrape::parsed_page::Reading;
use crate::scrape::series_slots::Row;
use crate::target::identity::TargetLabels;
use catalogue::contract::{ReplicaState, RestartReason, names};
use promql::stale_marker;
use tsdb::{Group, SeriesRef, StoreError};

/// A replica that is watched by looking at it.
#[derive(Debug)]
pub(crate) struct Replica {
    pub(crate) life: Life,
    series: Option<Series>,
}

/// The series under one set of labels.
#[derive(Debug)]
struct Series {
    states: Vec<(ReplicaState, SeriesRef)>,
    restarts: SeriesRef,
    ready: SeriesRef,
    tells_ready: bool,
}

impl Replica {
    pub(crate) fn new(life: Life) -> Self {
        Self { life, series: None }
    }

    /// The samples that tell of its life so far.
    pub(crate) fn write(&mut self, labels: &TargetLabels, group: &mut Group, row: &mut Row) -> Result<(), StoreError> {
        let series = match &mut self.series {
            Some(series) => series,
            none => none.insert(Series::register(labels, group)?),
        };
        series.write_state(self.life.state, row);
        row.push((series.restarts, self.life.restarts));
        match self.life.ready_s {
            Some(ready_s) => row.push((series.ready, ready_s)),
            None if series.tells_ready => row.push((series.ready, stale_marker())),
            None => {}
        }
        series.tells_ready = self.life.ready_s.is_some();
        Ok(())
    }

    /// The samples that tell that it has stopped, in the place of all that was told before.
    pub(crate) fn write_end(&mut self, row: &mut Row) {
        self.life.state = ReplicaState::Stopped;
        if let Some(series) = &self.series {
            series.write_state(ReplicaState::Stopped, row);
        }
    }

    /// Marks all series as gone.
    pub(crate) fn retire(&mut self, row: &mut Row) {
        if let Some(Series { states, restarts, ready, tells_ready }) = self.series.take() {
            let ready = tells_ready.then_some(ready);
            let series = states.into_iter().map(|(_, series)| series).chain([restarts]).chain(ready);
            row.extend(series.map(|series| (series, stale_marker())));
        }
    }
}

impl Series {
    fn register(labels: &TargetLabels, group: &mut Group) -> Result<Self, StoreError> {
        let mut series = |name: &str, more: &[(&'static str, String)]| group.register(&labels.of_finding(name, more));
        let states = ReplicaState::REPORTED.into_iter().map(|state| {
            let label = ("state", state.id().to_owned());
            Ok((state, series(names::REPLICA_STATE, &[label])?))
        });
        Ok(Self {
            states: states.collect::<Result<_, StoreError>>()?,
            restarts: series(names::REPLICA_RESTARTS_TOTAL, &[("reason", RestartReason::Unknown.id().to_owned())])?,
            ready: series(names::REPLICA_READY_SECONDS, &[])?,
            tells_ready: false,
        })
    }

    fn write_state(&self, state: ReplicaState, row: &mut Row) {
        row.extend(self.states.iter().map(|(own, series)| (*series, f64::from(*own == state))));
    }
}

/// Finds on each page when its process started. A page that speaks for several processes does not tell.
#[derive(Debug, Default)]
pub(crate) struct StartTime(Vec<u32>);

impl StartTime {
    /// The start in Unix seconds.
    pub(crate) fn find(&mut self, reading: &Reading) -> Option<f64> {
        self.0.retain(|series| !reading.ended.contains(series));
        let is_start = |labels: &promql::Labels| labels.metric_name() == Some(names::PROCESS_START_TIME);
        self.0.extend(reading.new.iter().filter(|(_, labels)| is_start(labels)).map(|(series, _)| *series));
        let [only] = self.0[..] else { return None };
        let found = reading.samples.iter().find(|(series, ..)| *series == only);
        found.map(|(_, start_s, _)| *start_s).filter(|start_s| start_s.is_finite())
    }
}
