//! Probes of health endpoints, so that they cost the server next to nothing and show up in none of its counts: only where
//! an engine is known to have an endpoint that is free, or where nothing else can tell the state of an unknown server, and
//! never again and again for the same answer. See `docs/decisions/replicas-a-health-probe-costs-nothing.md`.
use crate::replica::tracker::Health;
use crate::scrape::fetch::Client;
use crate::target::Target;
use catalogue::{Engine, HealthEndpoint};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What an unknown server is asked for: LiteLLM's own endpoint first, since its `/health` calls every model, and then the
/// one of most engines.
const PATHS_OF_UNKNOWN: [&str; 2] = ["/health/liveliness", "/health"];

/// How long a good answer holds.
const READY_HOLD: Duration = Duration::from_secs(30);

/// The first and the longest pause before a question that was refused, or that an unknown server answered otherwise.
const MIN_PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// Probes the health endpoints of one target.
pub(crate) struct HealthProbes {
    client: Client,
    target: Arc<Target>,
    /// The answers of the present process.
    answers: Vec<KnownAnswer>,
    /// The value of `ReplicaTracker::runs` that they belong to.
    runs: u32,
}

/// The last answer of one endpoint.
#[derive(Clone, Copy, Debug)]
struct KnownAnswer {
    path: &'static str,
    health: Health,
    asked_at: Instant,
    /// How long it holds; none if for the life of the process.
    pause: Option<Duration>,
}

impl HealthProbes {
    pub(crate) fn new(client: Client, target: Arc<Target>) -> Self {
        Self { client, target, answers: Vec::new(), runs: 0 }
    }

    /// The health of a server of `engine`, from an answer that still holds or by a request; none if it has no endpoint
    /// that may be probed. `has_page` says whether it has ever served a metrics page: an unknown server that has one says
    /// its state with it.
    pub(crate) async fn probe(&mut self, engine: Option<&Engine>, has_page: bool, runs: u32) -> Option<Health> {
        if self.runs != runs {
            (self.runs, self.answers) = (runs, Vec::new());
        }
        match engine {
            Some(engine) => self.ask(engine.health.as_ref()?.path, true).await,
            None if has_page => None,
            None => {
                let mut health = None;
                for path in PATHS_OF_UNKNOWN {
                    health = self.ask(path, false).await;
                    if !matches!(health, Some(Health::Absent | Health::Refused)) {
                        break;
                    }
                }
                health
            }
        }
    }

    /// Asks one endpoint, unless its last answer still holds. An unknown server gets no credentials.
    async fn ask(&mut self, path: &'static str, is_known: bool) -> Option<Health> {
        let at = self.answers.iter().position(|answer| answer.path == path);
        let last = at.and_then(|at| self.answers.get(at)).copied();
        if let Some(KnownAnswer { health, asked_at, pause, .. }) = last
            && pause.is_none_or(|pause| asked_at.elapsed() < pause)
        {
            return Some(health);
        }
        let endpoint = self.target.source.endpoint()?;
        let asked_at = Instant::now();
        let health = self.client.health(endpoint, path, is_known).await;
        let answer = KnownAnswer { path, health, asked_at, pause: pause(health, is_known, last) };
        match at.and_then(|at| self.answers.get_mut(at)) {
            Some(known) => *known = answer,
            None => self.answers.push(answer),
        }
        Some(health)
    }
}

/// How long an answer holds, given the last one; none if for the life of the process.
fn pause(health: Health, is_known: bool, last: Option<KnownAnswer>) -> Option<Duration> {
    match health {
        Health::Absent => None,
        Health::Ready => Some(READY_HOLD),
        // A known engine says so while it starts, at no cost.
        Health::Loading | Health::Unavailable | Health::Broken | Health::Silent if is_known => Some(Duration::ZERO),
        _ => {
            let repeated = last.filter(|last| last.health != Health::Ready).and_then(|last| last.pause);
            Some(repeated.map_or(MIN_PAUSE, |last| (last * 2).clamp(MIN_PAUSE, MAX_PAUSE)))
        }
    }
}

/// Whether the metrics pages of `engine` do not say by themselves that it is ready.
pub(crate) fn is_early(engine: Option<&Engine>) -> bool {
    engine.and_then(|engine| engine.health.as_ref()).is_some_and(|health: &HealthEndpoint| health.is_needed_with_page)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(answers: &[Health], is_known: bool) -> Vec<Option<u64>> {
        let mut last = None;
        let each = |health: &Health| {
            let pause = pause(*health, is_known, last);
            last = Some(KnownAnswer { path: "/health", health: *health, asked_at: Instant::now(), pause });
            pause.map(|pause| pause.as_secs())
        };
        answers.iter().map(each).collect()
    }

    #[test]
    fn what_is_refused_or_unknown_is_asked_ever_more_rarely() {
        use Health::{Absent, Broken, Ready, Refused, Unavailable};
        let doubled = [1, 2, 4, 8, 16, 32, 60, 60].map(Some);
        assert_eq!(pauses(&[Refused; 8], true), doubled);
        assert_eq!(pauses(&[Broken; 8], false), doubled);
        assert_eq!(pauses(&[Unavailable, Unavailable, Ready, Unavailable], true), [0, 0, 30, 0].map(Some));
        assert_eq!(pauses(&[Unavailable, Ready, Unavailable], false), [1, 30, 1].map(Some));
        assert_eq!(pauses(&[Absent], true), [None]);
    }

    #[test]
    fn only_engines_that_serve_pages_early_need_more_than_a_page() {
        let early: Vec<&str> =
            catalogue::ENGINES.iter().filter(|engine| is_early(Some(engine))).map(|engine| engine.id).collect();
        assert_eq!(early, ["sglang"]);
        assert!(!is_early(None));
    }
}
