//! Restores what was known of a replica before this process started from the store, so that its series continue under the
//! same labels.
use crate::replica::tracker::ReplicaTracker;
use crate::target::identity::Identity;
use crate::target::learned::Learned;
use catalogue::contract::names::{
    PROCESS_START_TIME, REPLICA_MODEL, REPLICA_READY_SECONDS, REPLICA_RESTARTS_TOTAL, REPLICA_STATE, TARGET_ROLE,
};
use catalogue::contract::{OF_TARGETS, ReplicaState, TargetRole, is_about_target};
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
    /// The job that its series had.
    pub(crate) job: Option<String>,
    /// Series about the target that have not ended.
    pub(crate) open: Vec<Labels>,
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
    learned: Learned,
    open: Vec<Labels>,
}

/// Restores the replica `identity`; what the store has of the hour before `now_ms` and no more.
pub(crate) fn restore(store: &Store, identity: &Identity, now_ms: i64) -> Option<Restored> {
    let replica = identity.replica.as_ref()?;
    let named = |name: &str| {
        let pairs = [(METRIC_NAME, name), ("instance", &identity.instance), ("replica", replica)];
        pairs.map(|(name, value)| Matcher { name: name.into(), op: MatchOp::Equal, value: value.into() }).into()
    };
    let others = [PROCESS_START_TIME, REPLICA_MODEL, TARGET_ROLE];
    let selector = Selector { any_of: OF_TARGETS.into_iter().chain(others).map(named).collect() };
    let mut latest = LatestSamples::default();
    let read = store.select(&selector, now_ms - LOOKBACK_MS, now_ms, &mut |labels, column| {
        let samples = column.times_ms.iter().zip(column.values).rev();
        latest.add_series(labels, samples.map(|(time_ms, value)| TimedValue { time_ms: *time_ms, value: *value }));
        ControlFlow::Continue(())
    });
    read.ok()?;
    let LatestSamples { state, restarts, ready_s, start_s, mut learned, open } = latest;
    let mut job = open.first().and_then(|labels| labels.get("job")).map(str::to_owned);
    let mut tracker = ReplicaTracker::default();
    if let Some(LatestState { state, labels, .. }) = state {
        tracker = ReplicaTracker::resumed(state);
        tracker.restarts = restarts.map_or(0.0, |restarts| restarts.value);
        tracker.ready_s = ready_s.map(|ready_s| ready_s.value).filter(|_| state == ReplicaState::Running);
        tracker.start_s = start_s.map(|start_s| start_s.value);
        job = labels.get("job").map(str::to_owned).or(job);
    }
    if learned.models.is_empty() {
        // Before models had series of their own, these series had the label.
        learned.models.extend(open.iter().filter_map(|labels| labels.get("model")).map(str::to_owned));
    }
    let mut models = learned.models.iter();
    learned.model = models.next().filter(|_| models.next().is_none()).cloned();
    Some(Restored { tracker, learned, job, open })
}

impl LatestSamples {
    /// Considers a series, whose samples come newest first.
    fn add_series(&mut self, labels: &Labels, mut samples: impl Iterator<Item = TimedValue>) {
        let name = labels.metric_name().unwrap_or_default();
        let Some(newest) = samples.next() else { return };
        let has_ended = is_stale(newest.value);
        if !has_ended && is_about_target(name) && name != PROCESS_START_TIME {
            self.open.push(labels.clone());
        }
        let is_state = name == REPLICA_STATE;
        let latest = match name {
            // A series that ended belongs to a removed replica or to earlier labels.
            REPLICA_STATE | REPLICA_MODEL | TARGET_ROLE if has_ended || is_state && newest.value != 1.0 => return,
            REPLICA_STATE => {
                let TimedValue { time_ms, .. } = newest;
                let state = labels.get("state").and_then(ReplicaState::from_id);
                if let Some(state) = state.filter(|_| self.state.as_ref().is_none_or(|latest| latest.time_ms < time_ms))
                {
                    self.state = Some(LatestState { time_ms, state, labels: labels.clone() });
                }
                return;
            }
            REPLICA_MODEL => return self.learned.models.extend(labels.get("model").map(str::to_owned)),
            TARGET_ROLE => {
                self.learned.role = labels.get("role").and_then(TargetRole::from_id);
                return;
            }
            REPLICA_RESTARTS_TOTAL => &mut self.restarts,
            REPLICA_READY_SECONDS => &mut self.ready_s,
            PROCESS_START_TIME => &mut self.start_s,
            _ => return,
        };
        let sample = [newest].into_iter().chain(samples).find(|sample| !is_stale(sample.value));
        *latest = latest.take().into_iter().chain(sample).max_by_key(|sample| sample.time_ms);
    }
}
