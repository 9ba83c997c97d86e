//! A hosted endpoint: what Hugging Face's route of metrics has, and what the companion reads from the platform's API.
use crate::page::{Kind, PageSink, PageSource};
use catalogue::contract::names;

const STATES: [&str; 8] =
    ["pending", "initializing", "updating", "updateFailed", "running", "paused", "failed", "scaledToZero"];

/// What a hosted endpoint shows.
pub(crate) struct Endpoint {
    /// Latencies of the last minutes at the quantiles of [`QUANTILES`], in seconds.
    pub(crate) latencies: [f64; 4],
    pub(crate) count: f64,
    pub(crate) sum_s: f64,
    /// The share of the CPU, and of the GPU, that is in use.
    pub(crate) cpu: f64,
    pub(crate) gpu: f64,
}

/// The quantiles of latencies.
pub(crate) const QUANTILES: [(f64, &str); 4] = [(0.5, "0.5"), (0.9, "0.9"), (0.95, "0.95"), (0.99, "0.99")];

/// The replicas that a hosted endpoint has.
pub(crate) struct EndpointState {
    pub(crate) ready: f64,
    pub(crate) desired: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

/// The page of the metrics route, without what is about single replicas.
impl PageSource for Endpoint {
    fn write(&self, page: &mut impl PageSink) {
        page.family("latency_distribution", Kind::Summary, "Latency distribution");
        for ((_, quantile), latency_s) in QUANTILES.into_iter().zip(self.latencies) {
            page.sample("", &[("quantile", quantile)], latency_s);
        }
        page.sample("_count", &[], self.count);
        page.sample("_sum", &[], self.sum_s);
        page.gauge("cpu_usage_percent", "CPU percent", &[], (self.cpu * 1000.0).round() / 10.0);
        page.gauge("gpu_usage_percent", "GPU percent", &[], (self.gpu * 1000.0).round() / 10.0);
    }
}

/// The requests of one replica.
pub(crate) struct EndpointReplica<'a> {
    pub(crate) id: &'a str,
    /// Requests by status: 200, 400 and 500.
    pub(crate) by_status: [f64; 3],
}

impl PageSource for EndpointReplica<'_> {
    fn write(&self, page: &mut impl PageSink) {
        page.family("http_requests", Kind::Counter, "HTTP requests by code and replicas");
        for (status, count) in ["200", "400", "500"].into_iter().zip(self.by_status) {
            page.sample("", &[("replica_id", self.id), ("status_code", status)], count);
        }
    }
}

/// The families of the endpoint's state.
impl PageSource for EndpointState {
    fn write(&self, page: &mut impl PageSink) {
        for (name, help, value) in [
            (names::REPLICAS_ACTIVE, "Replicas that are ready.", self.ready),
            (names::REPLICAS_STARTING, "Replicas that are wanted and not ready yet.", self.desired - self.ready),
            (names::REPLICAS_DESIRED, "Replicas that are wanted now.", self.desired),
            (names::REPLICAS_MIN, "The minimum number of replicas to scale to.", self.min),
            (names::REPLICAS_MAX, "The maximum number of replicas to scale to.", self.max),
        ] {
            page.gauge(name, help, &[], value.max(0.0));
        }
        let current = if self.ready > 0.0 { "running" } else { "initializing" };
        page.family(names::ENDPOINT_STATE, Kind::Gauge, "1 for the state the endpoint is in, 0 for the others.");
        for state in STATES {
            page.sample("", &[("state", state)], f64::from(state == current));
        }
    }
}
