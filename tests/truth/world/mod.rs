//! Worlds with a known truth: targets with their event lists, from which metrics pages, history and expected figures
//! are made.
pub(crate) mod all;
pub(crate) mod events;
pub(crate) mod history;
pub(crate) mod metrics_page;

use crate::figure::Figure;
use events::{EventList, StepFunction};

/// The upper ends of latency buckets, in seconds: a part of vLLM's.
pub(crate) const BUCKET_ENDS_S: [f64; 8] = [0.3, 0.5, 1.0, 1.5, 2.5, 5.0, 10.0, 60.0];

/// What a target's metrics page looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// vLLM; with the counts of its HTTP server, if it has them.
    Vllm {
        /// Whether it exports `http_requests_total`, whose series appear with their first request.
        has_http: bool,
    },
    /// text-generation-inference.
    Tgi,
    /// llama.cpp, which counts tokens only.
    LlamaCpp,
    /// Baseten's export, which counts by status code.
    Baseten,
}

/// What happens at an event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Event {
    /// A request ends.
    Request {
        /// Its HTTP status.
        status: u16,
        /// Why it ended, in vLLM's words.
        finish: &'static str,
        /// Its latency from end to end, in milliseconds.
        latency_ms: u32,
    },
    /// Tokens are generated.
    Generated(u32),
    /// Tokens of prompts are read.
    Prompt(u32),
}

/// Events of one kind.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    pub(crate) event: Event,
    pub(crate) list: EventList,
}

/// One run of a target's process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// When the process starts, Unix milliseconds. Its counters begin at zero.
    pub(crate) start_ms: i64,
    /// When it ends.
    pub(crate) end_ms: i64,
}

/// A simulated target.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) model: &'static str,
    pub(crate) replica: &'static str,
    /// Its address: host and port.
    pub(crate) instance: String,
    pub(crate) dialect: Dialect,
    pub(crate) interval_ms: i64,
    /// When it is scraped within its interval, in milliseconds.
    pub(crate) offset_ms: i64,
    /// When it is scraped first, Unix milliseconds.
    pub(crate) first_ms: i64,
    /// The runs of its process, in order; between them it refuses connections.
    pub(crate) runs: Vec<Run>,
    pub(crate) streams: Vec<Stream>,
    pub(crate) running: StepFunction,
    pub(crate) waiting: StepFunction,
}

impl Target {
    /// The run at a time.
    pub(crate) fn run_at(&self, time_ms: i64) -> Option<Run> {
        self.runs.iter().copied().find(|run| (run.start_ms..run.end_ms).contains(&time_ms))
    }

    /// The times of its scrapes after one time and not after another, Unix milliseconds.
    pub(crate) fn scrapes(&self, after_ms: i64, until_ms: i64) -> impl Iterator<Item = i64> + use<> {
        let (interval_ms, offset_ms) = (self.interval_ms, self.offset_ms);
        let first = (after_ms.max(self.first_ms - 1) - offset_ms).div_euclid(interval_ms) + 1;
        (first..).map(move |k| k * interval_ms + offset_ms).take_while(move |time_ms| *time_ms <= until_ms)
    }

    /// The time of its first scrape, Unix milliseconds.
    pub(crate) fn first_scrape_ms(&self) -> i64 {
        self.scrapes(self.first_ms - 1, i64::MAX).next().unwrap_or(self.first_ms)
    }

    /// The sum of what `amount` makes of each event after one time and not after another.
    pub(crate) fn sum_between(&self, amount: impl Fn(&Event) -> f64, after_ms: i64, until_ms: i64) -> f64 {
        self.streams.iter().map(|own| amount(&own.event) * own.list.count_between(after_ms, until_ms) as f64).sum()
    }
}

impl Dialect {
    /// Whether requests are counted by status.
    pub(crate) fn has_statuses(self) -> bool {
        matches!(self, Self::Baseten | Self::Vllm { has_http: true })
    }

    /// Whether its targets are replicas: a platform's page is about others.
    pub(crate) fn is_replica(self) -> bool {
        self != Self::Baseten
    }
}

/// A model with its replicas, and the figures that the page must show of it.
#[derive(Clone, Debug)]
pub(crate) struct World {
    /// Its name in the table, and that of its model.
    pub(crate) name: &'static str,
    /// The scope in the page's link: `model=…`, or empty for everything.
    pub(crate) scope: String,
    pub(crate) targets: Vec<Target>,
    pub(crate) figures: Vec<Figure>,
}

impl World {
    /// A world with these figures, each once.
    fn new(name: &'static str, targets: Vec<Target>, figures: Vec<Figure>) -> Self {
        let mut own: Vec<Figure> = Vec::new();
        for figure in figures {
            let key = |figure: &Figure| (figure.graph, figure.place, figure.line);
            if !own.iter().any(|other| key(other) == key(&figure)) {
                own.push(figure);
            }
        }
        Self { name, scope: format!("model={name}"), targets, figures: own }
    }
}
