//! Restores what was known of a replica before this process started from the store, so that its series continue under the
//! same labels.
use crate::replica::tracker::ReplicaTracker;
use crate::target::identity::Identity;
use crate::target::learned::Learned;
use catalogue::contract::ReplicaState;
use catalogue::contract::names::{PROCESS_START_TIME, REPLICA_READY_SECONDS, REPLICA_RESTARTS_TOTAL, REPLICA_STATE};
use promql::{Labels, METRIC_NAME, MatchOp, Matcher, Selector, Storage, is_stale};
use std::ops::ControlFlow;
use tsdb::Store;

/// How old samples may be: older ones say nothing about the present.
const LOOKBACK_MS: i64 = 3_600_000;

/// What the store knows of a replica.
#[derive(Default)]
pub(crate) struct Restored {
    pub(crate) tracker: ReplicaTracker,
    pub(crate) learned: Learned,
}

/// A value and its time.
#[derive(Clone, Copy)]
struct TimedValue {
    time_ms: i64,
    value: f64,
}

/// The latest sample of the state series whose value is 1.
struct LatestState {
    time_ms: i64,
    state: ReplicaState,
    labels: Labels,
}

/// The latest sample of each metric.
#[derive(Default)]
struct LatestSamples {
    state: Option<LatestState>,
    restarts: Option<TimedValue>,
    ready_s: Option<TimedValue>,
    start_s: Option<TimedValue>,
}

/// Restores the replica `identity`; none if the store has no state of it from the hour before `now_ms`.
pub(crate) fn restore(store: &Store, identity: &Identity, now_ms: i64) -> Option<Restored> {
    let replica = identity.replica.as_ref()?;
    let named = |name: &str| {
        let pairs = [(METRIC_NAME, name), ("instance", &identity.instance), ("replica", replica)];
        pairs.map(|(name, value)| Matcher { name: name.into(), op: MatchOp::Equal, value: value.into() }).into()
    };
    let names = [REPLICA_STATE, REPLICA_RESTARTS_TOTAL, REPLICA_READY_SECONDS, PROCESS_START_TIME];
    let selector = Selector { any_of: names.map(named).into() };
    let mut latest = LatestSamples::default();
    let read = store.select(&selector, now_ms - LOOKBACK_MS, now_ms, &mut |labels, column| {
        let samples = column.times_ms.iter().zip(column.values).rev();
        latest.add_series(labels, samples.map(|(time_ms, value)| TimedValue { time_ms: *time_ms, value: *value }));
        ControlFlow::Continue(())
    });
    read.ok()?;
    let LatestState { state, labels, .. } = latest.state?;
    let mut tracker = ReplicaTracker::resumed(state);
    tracker.restarts = latest.restarts.map_or(0.0, |restarts| restarts.value);
    tracker.ready_s = latest.ready_s.map(|ready_s| ready_s.value).filter(|_| state == ReplicaState::Running);
    tracker.start_s = latest.start_s.map(|start_s| start_s.value);
    let learned = Learned {
        engine: labels.get("job").and_then(catalogue::engine).map(|engine| engine.id),
        model: labels.get("model").map(str::to_owned),
    };
    Some(Restored { tracker, learned })
}

impl LatestSamples {
    /// Considers a series, whose samples come newest first.
    fn add_series(&mut self, labels: &Labels, mut samples: impl Iterator<Item = TimedValue>) {
        let name = labels.metric_name().unwrap_or_default();
        if name == REPLICA_STATE {
            // A series that ended belongs to a removed replica or to earlier labels.
            let Some(TimedValue { time_ms, .. }) = samples.next().filter(|sample| sample.value == 1.0) else { return };
            let state = labels.get("state").and_then(ReplicaState::from_id);
            if let Some(state) = state.filter(|_| self.state.as_ref().is_none_or(|latest| latest.time_ms < time_ms)) {
                self.state = Some(LatestState { time_ms, state, labels: labels.clone() });
            }
            return;
        }
        let latest = match name {
            REPLICA_RESTARTS_TOTAL => &mut self.restarts,
            REPLICA_READY_SECONDS => &mut self.ready_s,
            _ => &mut self.start_s,
        };
        let sample = samples.find(|sample| !is_stale(sample.value));
        *latest = latest.take().into_iter().chain(sample).max_by_key(|sample| sample.time_ms);
    }
}
