//! Scenarios: what goes wrong in the fleet, and when.

const HOUR_S: f64 = 3_600.0;
const DAY_S: f64 = 86_400.0;
const WEEK_S: f64 = 7.0 * DAY_S;

/// A busy time of the traffic: 14:00 of the sixth day of Unix time, a Tuesday.
const BUSY_S: f64 = 5.0 * DAY_S + 14.0 * HOUR_S;

/// What goes wrong in a fleet, and what time it is for those who use it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scenario {
    /// What goes wrong.
    pub incidents: Vec<Incident>,
    /// Seconds by which the clocks of the fleet's users are ahead of UTC. Their days and weekends shape the traffic.
    pub ahead_s: f64,
}

impl From<Vec<Incident>> for Scenario {
    /// Users by UTC.
    fn from(incidents: Vec<Incident>) -> Self {
        Self { incidents, ahead_s: 0.0 }
    }
}

/// A disturbance of one model, from one time to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Incident {
    /// The model.
    pub model: String,
    /// What happens.
    pub kind: IncidentKind,
    /// When it begins and ends, Unix seconds.
    pub from_s: f64,
    /// See `from_s`.
    pub until_s: f64,
}

/// What happens in an incident.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum IncidentKind {
    /// More requests arrive: a factor.
    Surge(f64),
    /// The first tenant sends longer prompts, and a larger share of the requests.
    LongPrompts {
        /// A factor of their length.
        factor: f64,
        /// The share of requests.
        share: f64,
    },
    /// Prompts have less in common with earlier ones: a factor of what they share.
    PrefixChange(f64),
    /// The engine fails to answer a share of the requests.
    Errors(f64),
    /// A container exceeds its memory limit this many seconds after each start.
    OutOfMemory(f64),
    /// The GPUs of one replica get hot and slow down: a factor of the time of each step.
    HotGpu(f64),
    /// One replica admits no requests.
    StuckEngine,
    /// Replicas take longer to load their weights: a factor.
    SlowStart(f64),
    /// The autoscaler follows the load at once in both directions.
    EagerScaling,
    /// At least this many replicas are kept, whatever the load.
    MinReplicas(u32),
    /// The metrics page of one replica does not answer, though the replica serves.
    Unreachable,
    /// The next deployment replaces the current one, replica by replica. Its steps take longer by this factor.
    Upgrade(f64),
}

/// The name of each scenario, and what it shows.
pub const SCENARIOS: [(&str, &str); 12] = [
    ("week", "a week with one incident on each day"),
    ("quiet", "nothing goes wrong"),
    ("long-prompts", "long prompts fill the KV cache of llama-chat"),
    ("surge", "more requests for llama-chat than its replicas can serve"),
    ("errors", "llama-chat fails to answer some requests"),
    ("out-of-memory", "a replica of summarize is killed again and again"),
    ("hot-gpu", "the GPUs of one replica of llama-chat slow down"),
    ("stuck", "one replica of llama-chat admits no requests"),
    ("prefix-change", "a new prompt template makes the prefix cache of code-assist useless"),
    ("upgrade", "a deployment of llama-chat replaces the one before"),
    ("flapping", "the autoscaler of llama-chat follows every change of the load"),
    ("idle", "summarize keeps more replicas than it needs"),
];

/// The scenario of which `now_s` (Unix seconds) is the present. None if there is none of this name.
pub fn scenario(name: &str, now_s: f64) -> Option<Scenario> {
    let of = |model: &str, kind: IncidentKind, from_s: f64, minutes: f64| Incident {
        model: model.to_owned(),
        kind,
        from_s,
        until_s: from_s + minutes * 60.0,
    };
    let long_prompts = IncidentKind::LongPrompts { factor: 18.0, share: 0.3 };
    // The single incident of a scenario began an hour ago and is over. Many incidents do no harm to a fleet with little to
    // do, so the users of this one live where that was a busy time.
    let one = |model: &str, kind: IncidentKind| {
        let from_s = now_s - HOUR_S;
        let ahead_s = (BUSY_S - from_s).rem_euclid(WEEK_S);
        Scenario { incidents: vec![of(model, kind, from_s, 40.0)], ahead_s }
    };
    Some(match name {
        "week" => {
            let at = |days: f64, hour: f64, minutes: f64| latest(now_s, hour, minutes) - days * DAY_S;
            Scenario::from(vec![
                of("llama-chat", IncidentKind::Surge(2.9), at(5.0, 10.25, 40.0), 40.0),
                of("llama-chat", IncidentKind::Errors(0.12), at(4.0, 16.3, 10.0), 10.0),
                of("llama-chat", IncidentKind::Upgrade(1.0), at(3.0, 9.5, 40.0), 40.0),
                of("summarize", IncidentKind::OutOfMemory(420.0), at(2.0, 11.25, 50.0), 50.0),
                of("llama-chat", IncidentKind::HotGpu(1.7), at(1.0, 15.5, 80.0), 80.0),
                of("code-assist", IncidentKind::PrefixChange(0.05), at(1.0, 11.0, 120.0), 120.0),
                of("llama-chat", long_prompts, at(0.0, 14.0 + 5.0 / 60.0, 60.0), 60.0),
            ])
        }
        "quiet" => Scenario::default(),
        "long-prompts" => one("llama-chat", long_prompts),
        "surge" => one("llama-chat", IncidentKind::Surge(2.9)),
        "errors" => one("llama-chat", IncidentKind::Errors(0.12)),
        "out-of-memory" => one("summarize", IncidentKind::OutOfMemory(420.0)),
        "hot-gpu" => one("llama-chat", IncidentKind::HotGpu(1.7)),
        "stuck" => one("llama-chat", IncidentKind::StuckEngine),
        "prefix-change" => one("code-assist", IncidentKind::PrefixChange(0.05)),
        "upgrade" => one("llama-chat", IncidentKind::Upgrade(1.35)),
        "flapping" => one("llama-chat", IncidentKind::EagerScaling),
        "idle" => one("summarize", IncidentKind::MinReplicas(3)),
        _ => return None,
    })
}

/// The latest time at this hour of the day (UTC) from which so many minutes, and some more, have passed.
fn latest(now_s: f64, hour: f64, minutes: f64) -> f64 {
    let before_s = now_s - (minutes + 15.0) * 60.0;
    let day_s = (before_s / DAY_S).floor() * DAY_S + hour * HOUR_S;
    if day_s <= before_s { day_s } else { day_s - DAY_S }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_is_over_when_the_present_begins() {
        for now_s in [1_796_000_000.0, 1_796_040_000.0, 1_796_070_000.0] {
            for (name, _) in SCENARIOS {
                let incidents = scenario(name, now_s).expect("a scenario").incidents;
                assert_eq!(incidents.is_empty(), name == "quiet");
                for Incident { from_s, until_s, .. } in incidents {
                    assert!(from_s > now_s - 6.9 * DAY_S && until_s < now_s && from_s < until_s, "{name} {from_s}");
                }
            }
        }
        assert_eq!(scenario("no such scenario", 0.0), None);
    }
}
