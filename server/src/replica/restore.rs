//! What the store still knows of a replica from before this process started: what it was doing, and what its pages had
//! told, so that its series go on under the same labels.
use crate::replica::tracker::Life;
use crate::scrape::metrics_page::Learned;
use crate::target::identity::Identity;
use catalogue::contract::ReplicaState;
use catalogue::contract::names::{PROCESS_START_TIME, REPLICA_READY_SECONDS, REPLICA_RESTARTS_TOTAL, REPLICA_STATE};
use promql::{Labels, METRIC_NAME, MatchOp, Matcher, Selector, Storage, is_stale};
use std::ops::ControlFlow;
use tsdb::Store;

/// What is older says nothing about now.
const LOOKBACK_MS: i64 = 3_600_000;

/// The newest sample of each kind, with its time and labels.
#[derive(Default)]
struct Newest {
    state: Option<(i64, ReplicaState, Labels)>,
    restarts: Option<(i64, f64)>,
    ready_s: Option<(i64, f64)>,
    start_s: Option<(i64, f64)>,
}

/// The life of the replica `identity` and what was learned of it; none where nothing is known of the hour before
/// `now_ms`.
pub(crate) fn recall(store: &Store, identity: &Identity, now_ms: i64) -> Option<(Life, Learned)> {
    let replica = identity.replica.as_ref()?;
    let named = |name: &str| {
        let pairs = [(METRIC_NAME, name), ("instance", &identity.instance), ("replica", replica)];
        pairs.map(|(name, value)| Matcher { name: name.into(), op: MatchOp::Equal, value: value.into() }).into()
    };
    let selector = Selector {
        any_of: [REPLICA_STATE, REPLICA_RESTARTS_TOTAL, REPLICA_READY_SECONDS, PROCESS_START_TIME].map(named).into(),
    };
    let mut newest = Newest::default();
    let read = store.select(&selector, now_ms - LOOKBACK_MS, now_ms, &mut |labels, column| {
        let samples = column.times_ms.iter().zip(column.values).rev();
        newest.see(labels, samples.map(|(time_ms, value)| (*time_ms, *value)));
        ControlFlow::Continue(())
    });
    read.ok()?;
    let (_, state, labels) = newest.state?;
    let mut life = Life::resumed(state);
    life.restarts = newest.restarts.map_or(0.0, |(_, restarts)| restarts);
    life.ready_s = newest.ready_s.map(|(_, ready_s)| ready_s).filter(|_| state == ReplicaState::Running);
    life.start_s = newest.start_s.map(|(_, start_s)| start_s);
    let learned = Learned {
        engine: labels.get("job").and_then(catalogue::engine).map(|engine| engine.id),
        model: labels.get("model").map(str::to_owned),
    };
    Some((life, learned))
}

impl Newest {
    /// Takes a series into account, its samples newest first.
    fn see(&mut self, labels: &Labels, mut samples: impl Iterator<Item = (i64, f64)>) {
        let name = labels.metric_name().unwrap_or_default();
        if name == REPLICA_STATE {
            // A series that ended is that of a replica that was taken away, or of other labels than the last.
            let Some((time_ms, _)) = samples.next().filter(|(_, value)| *value == 1.0) else { return };
            let state = labels.get("state").and_then(ReplicaState::from_id);
            if let Some(state) = state.filter(|_| self.state.as_ref().is_none_or(|known| known.0 < time_ms)) {
                self.state = Some((time_ms, state, labels.clone()));
            }
            return;
        }
        let newest = match name {
            REPLICA_RESTARTS_TOTAL => &mut self.restarts,
            REPLICA_READY_SECONDS => &mut self.ready_s,
            _ => &mut self.start_s,
        };
        let found = samples.find(|(_, value)| !is_stale(*value));
        *newest = newest.take().into_iter().chain(found).max_by_key(|(time_ms, _)| *time_ms);
    }
}
