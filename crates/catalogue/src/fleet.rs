//! What replicas do, one by one: their states, and the queries behind the timeline and the table.
use crate::{Ask, expression::duration, graph, query_for};

/// What a replica is doing. Source: the state set `inferboard_replica_state`, and for others what `up` and the phases of
/// pods tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReplicaState {
    /// It serves.
    Running,
    /// The model is loaded and warmed up.
    Initializing,
    /// The image is on its way.
    Pulling,
    /// The weights are.
    Downloading,
    /// No machine yet, or nothing answers there yet.
    Pending,
    /// It ended with an error, or answers with errors.
    Failed,
    /// Its metrics endpoint does not answer, and nothing else is known.
    Silent,
    /// It ended.
    Stopped,
}

impl ReplicaState {
    /// All, from the best on.
    pub const ALL: [Self; 8] = [
        Self::Running,
        Self::Initializing,
        Self::Pulling,
        Self::Downloading,
        Self::Pending,
        Self::Failed,
        Self::Silent,
        Self::Stopped,
    ];

    /// Name in series, links and stylesheets.
    pub fn id(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Initializing => "initializing",
            Self::Pulling => "pulling",
            Self::Downloading => "downloading",
            Self::Pending => "pending",
            Self::Failed => "failed",
            Self::Silent => "silent",
            Self::Stopped => "stopped",
        }
    }

    /// Name on the page.
    pub fn title(self) -> &'static str {
        match self {
            Self::Initializing => "starting",
            Self::Silent => "not answering",
            other => other.id(),
        }
    }

    /// The state of that id, or of that phase of a pod. A pod that runs need not be ready, which its phase does not tell.
    pub fn from_id(id: &str) -> Option<Self> {
        let own = Self::ALL.into_iter().find(|state| state.id() == id);
        own.or(match id {
            "Pending" => Some(Self::Pending),
            "Failed" => Some(Self::Failed),
            "Succeeded" => Some(Self::Stopped),
            _ => None,
        })
    }
}

/// The range queries of the timeline, for points `step_ms` apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetQueries {
    /// One series for each replica and state, by the label `state` or `phase`, with 1 where it is in it; or `up`, with 1
    /// for running and 0 for not answering.
    pub states: String,
    /// Restarts since the point before, where there were some, by `reason`; none where nothing counts them.
    pub restarts: Option<String>,
    /// Seconds from start to ready, at the first point at which a run is ready.
    pub ready: Option<String>,
}

const STATE: &str = "inferboard_replica_state";
const RESTARTS: &str = "inferboard_replica_restarts_total";
const READY: &str = "inferboard_replica_ready_seconds";
const PHASE: &str = "kube_pod_status_phase";
const POD_RESTARTS: &str = "kube_pod_container_status_restarts_total";

/// The queries by which replicas are followed; none where not even `up` is there. A replica has no model before its
/// first page, so series without one pass too.
pub fn fleet_queries(present: &dyn Fn(&str) -> bool, ask: &Ask<'_>, step_ms: i64) -> Option<FleetQueries> {
    let (window, step) = (duration(ask.window_ms), duration(step_ms));
    let matchers = |replica: &str| {
        let lenient = ask.scope.lenient_matchers(ask.labels, true);
        let comma = if lenient.is_empty() { "" } else { "," };
        format!("{{{lenient}{comma}{replica}!=\"\"}}")
    };
    let own = matchers(&ask.labels.replica);
    let has_states = present(STATE);
    let states = match (has_states, present("up"), present(PHASE)) {
        (true, ..) => format!("last_over_time({STATE}{own}[{window}]) == 1"),
        (_, false, _) => return None,
        (_, _, false) => format!("last_over_time(up{own}[{window}])"),
        (_, _, true) => {
            let pods = matchers("pod");
            format!("last_over_time(up{own}[{window}]) or last_over_time({PHASE}{pods}[{window}]) == 1")
        }
    };
    let counter = match has_states {
        true => present(RESTARTS).then(|| format!("{RESTARTS}{own}")),
        false => present(POD_RESTARTS).then(|| format!("{POD_RESTARTS}{}", matchers("pod"))),
    };
    let ready = present(READY).then(|| format!("{READY}{own}"));
    Some(FleetQueries {
        states,
        restarts: counter.map(|counter| format!("{counter} - {counter} offset {step} > 0")),
        ready: ready.map(|ready| format!("{ready} unless ({ready} == {ready} offset {step})")),
    })
}

/// The graphs whose newest values stand in the table of replicas.
const COLUMNS: [&str; 3] = ["running-and-waiting", "cpu-cores", "gpu"];

/// Instant queries for the table: for each of load, processor and GPU the lines of its graph by replica, where there are
/// metrics; and the engines with their versions.
pub fn table_queries(present: &dyn Fn(&str) -> bool, ask: &Ask<'_>) -> [Option<String>; 4] {
    let (scope, window) = (ask.scope.matchers(ask.labels), duration(ask.window_ms));
    let by: &[&str] = &[&ask.labels.replica];
    let [load, processor, gpu] = COLUMNS.map(|id| query_for(graph(id)?, &scope, &window, by, present));
    [load, processor, gpu, Some(format!("inferboard_engine_info{{{scope}}}"))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Scope, ScopeLabels};

    fn queries(names: &[&str], labels: &ScopeLabels) -> Option<FleetQueries> {
        let scope = Scope { model: Some("m".into()), ..Scope::default() };
        let ask = Ask { scope: &scope, labels, window_ms: 60_000 };
        fleet_queries(&|name| names.contains(&name), &ask, 15_000)
    }

    #[test]
    fn states_are_asked_with_and_without_a_model() {
        let asked = queries(&["up", STATE, RESTARTS, READY], &ScopeLabels::default()).expect("queries");
        assert_eq!(asked.states, r#"last_over_time(inferboard_replica_state{model=~"|m",replica!=""}[60s]) == 1"#);
        let counter = r#"inferboard_replica_restarts_total{model=~"|m",replica!=""}"#;
        assert_eq!(asked.restarts, Some(format!("{counter} - {counter} offset 15s > 0")));
        assert!(asked.ready.is_some_and(|ready| ready.contains(" unless (")));
    }

    #[test]
    fn a_plain_prometheus_is_asked_for_what_answers() {
        let labels = ScopeLabels { replica: "pod".into(), ..ScopeLabels::default() };
        let up = r#"last_over_time(up{model=~"|m",pod!=""}[60s])"#;
        let asked = queries(&["up"], &labels).expect("queries");
        assert_eq!((asked.states.as_str(), asked.restarts, asked.ready), (up, None, None));
        let asked = queries(&["up", PHASE, POD_RESTARTS], &labels).expect("queries");
        assert!(asked.states.starts_with(up) && asked.states.ends_with("== 1") && asked.restarts.is_some());
        assert_eq!(queries(&[PHASE], &labels), None);
    }

    #[test]
    fn states_have_ids_that_read_back() {
        for state in ReplicaState::ALL {
            assert_eq!(ReplicaState::from_id(state.id()), Some(state));
        }
        assert_eq!(ReplicaState::from_id("Succeeded"), Some(ReplicaState::Stopped));
        assert_eq!(ReplicaState::from_id("Running"), None);
    }

    #[test]
    fn the_table_asks_by_replica_for_what_is_there() {
        let (scope, labels) = (Scope::default(), ScopeLabels::default());
        let ask = Ask { scope: &scope, labels: &labels, window_ms: 60_000 };
        let [load, processor, gpu, engines] = table_queries(&|name| name == "vllm:num_requests_running", &ask);
        assert!(load.is_some_and(|load| load.contains("replica") && load.contains("\"running\"")));
        assert_eq!((processor, gpu), (None, None));
        assert!(engines.is_some());
    }
}
