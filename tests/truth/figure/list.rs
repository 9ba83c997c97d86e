//! The figures of a kind of line, for the worlds to list.
use super::{Figure, Place, Truth};
use crate::world::events::StepFunction;
use crate::world::{Dialect, Event, Target};

/// Which events count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pick {
    /// All requests.
    Requests,
    /// Requests of vLLM where nothing counts statuses.
    Finished,
    /// Requests of TGI.
    Succeeded,
    /// Requests with a status of a class, such as 4, where statuses are counted.
    Class(u16),
    /// Generated tokens.
    Generated,
    /// Tokens of prompts.
    Prompt,
}

impl Pick {
    /// How much an event of a target counts.
    pub(crate) fn amount(self, dialect: Dialect, event: &Event) -> f64 {
        let is_counted = match (self, event) {
            (Self::Requests, Event::Request { .. }) => true,
            (Self::Finished, Event::Request { .. }) => dialect == Dialect::Vllm { has_http: false },
            (Self::Succeeded, Event::Request { .. }) => dialect == Dialect::Tgi,
            (Self::Class(class), Event::Request { status, .. }) => dialect.has_statuses() && status / 100 == class,
            (Self::Generated, Event::Generated(tokens)) | (Self::Prompt, Event::Prompt(tokens)) => {
                return f64::from(*tokens);
            }
            _ => false,
        };
        f64::from(u8::from(is_counted))
    }
}

/// Which gauge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gauge {
    Running,
    Waiting,
}

impl Gauge {
    /// The gauge of a target.
    pub(crate) fn of(self, target: &Target) -> &StepFunction {
        match self {
            Self::Running => &target.running,
            Self::Waiting => &target.waiting,
        }
    }
}

/// The same truth at several places.
fn at(graph: &'static str, line: &'static str, truth: Truth, places: &[Place]) -> Vec<Figure> {
    places.iter().map(|place| Figure { graph, place: *place, line, truth }).collect()
}

/// A line of a rate: its count in the summary, and its values over time.
pub(crate) fn rates(graph: &'static str, line: &'static str, pick: Pick) -> Vec<Figure> {
    let over_time = [Place::Legend, Place::Tooltip, Place::Table, Place::Csv];
    let general = [(Truth::NotInTheFuture, Place::NewestTime), (Truth::Drawn(pick), Place::Drawn)];
    let general = general.map(|(truth, place)| Figure { graph, place, line: "", truth });
    [counts(graph, line, pick), at(graph, line, Truth::Rate(pick), &over_time), general.into()].concat()
}

/// As [`rates`], of a constant rate, so that statistics have it too.
pub(crate) fn steady_rates(graph: &'static str, line: &'static str, pick: Pick) -> Vec<Figure> {
    let statistics = [Place::Least, Place::Mean, Place::Greatest, Place::Last];
    [rates(graph, line, pick), at(graph, line, Truth::RateInRange(pick), &statistics)].concat()
}

/// The rate beside the title: of the first line, or of all bars together.
pub(crate) fn head(graph: &'static str, pick: Pick) -> Vec<Figure> {
    at(graph, "", Truth::Rate(pick), &[Place::Head])
}

/// A line of counts in the summary. Between them nothing may happen.
pub(crate) fn counts(graph: &'static str, line: &'static str, pick: Pick) -> Vec<Figure> {
    let share = if graph == "volume" && line != "finished" && line != "succeeded" { &[Place::Share][..] } else { &[] };
    [at(graph, line, Truth::Count(pick), &[Place::Summary]), at(graph, line, Truth::Share(pick), share)].concat()
}

/// The count of a kind among the key numbers.
pub(crate) fn key_number(title: &'static str, graph: &'static str, pick: Pick) -> Vec<Figure> {
    at(graph, title, Truth::Count(pick), &[Place::KeyNumber])
}

/// As [`key_number`], of a constant rate, which is below the number.
pub(crate) fn steady_key_number(title: &'static str, graph: &'static str, pick: Pick) -> Vec<Figure> {
    [key_number(title, graph, pick), at(graph, title, Truth::RateInRange(pick), &[Place::KeyRate])].concat()
}

const PERCENTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)];

/// Percentiles in the summary.
pub(crate) fn percentiles_of_range(graph: &'static str) -> Vec<Figure> {
    let of = |(line, quantile)| at(graph, line, Truth::Percentile(quantile), &[Place::Summary]);
    PERCENTILES.into_iter().flat_map(of).collect()
}

/// Percentiles in the summary and over time.
pub(crate) fn percentiles(graph: &'static str) -> Vec<Figure> {
    let places = [Place::Tooltip, Place::Table, Place::Csv];
    let of = |(line, quantile)| at(graph, line, Truth::PercentileAt(quantile), &places);
    let general = Figure { graph, place: Place::NewestTime, line: "", truth: Truth::NotInTheFuture };
    [percentiles_of_range(graph), PERCENTILES.into_iter().flat_map(of).collect(), vec![general]].concat()
}

/// A gauge that changes rarely, the first line of its graph.
pub(crate) fn first_gauge(graph: &'static str, line: &'static str, own: Gauge) -> Vec<Figure> {
    [at(graph, "", Truth::Gauge(own), &[Place::Head]), gauge(graph, line, own)].concat()
}

/// A gauge that changes rarely.
pub(crate) fn gauge(graph: &'static str, line: &'static str, gauge: Gauge) -> Vec<Figure> {
    let places = [Place::Legend, Place::Tooltip, Place::Table, Place::Csv];
    let general = Figure { graph, place: Place::NewestTime, line: "", truth: Truth::NotInTheFuture };
    [at(graph, line, Truth::Gauge(gauge), &places), vec![general]].concat()
}

/// The extent of a gauge with peaks.
pub(crate) fn extents(graph: &'static str, line: &'static str, gauge: Gauge) -> Vec<Figure> {
    at(graph, line, Truth::GaugeInRange(gauge), &[Place::Least, Place::Mean, Place::Greatest])
}

/// What the status and the timeline say.
pub(crate) fn replicas() -> Vec<Figure> {
    let places =
        [Place::Answering, Place::Replicas, Place::States, Place::Restarts, Place::RestartTimes, Place::RunningTime];
    at("", "", Truth::Replicas, &places)
}
