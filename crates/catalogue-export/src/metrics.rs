//! The reference of the metrics that any server can export, as a document.
use crate::cell;
use catalogue::contract::{AttributionFailure, MachineSource, ReplicaState, RestartReason, TargetRole};
use catalogue::{Engine, GPU_METRICS, Recipe, Section, Shape, engine, graph};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The label values whose meaning or colour is fixed, with `{…}` for the lists of [`catalogue::contract`].
const LABEL_VALUES: &str = "
## Label values

Lines are named after these values. Other values are drawn too, but these have fixed colours and are described in the help texts.

| Label | Values |
| --- | --- |
| `state` of `inferboard_replica_state` | {states}; 1 for the state that a replica is in, 0 for the others |
| `reason` of `inferboard_replica_restarts_total` | {restarts} |
| `condition` | `true`, `false`, `unknown` |
| `reason` of `inferboard_finished_requests_total` | `stop`, `length`, `abort`, `error`, `repetition` |
| `reason` of `inferboard_requests_waiting_by_reason` | `capacity`, `deferred`, `grammar` |
| `cause` | `validation`, `overloaded`, `cancelled`, `timeout`, `internal` |
| `phase` of `inferboard_phase_time_seconds` | `queue`, `prefill`, `decode` |
| `tier` | `device`, `host`, `disk`, `p2p`, `external`, `remote` |
| `source` | `computed`, `cached`, `transferred` |
| `measure` of `inferboard_memory_used_bytes` | `pss`: memory that processes share is divided among them; `rss`: it counts in each |
| `reason` of `inferboard_replica_attributed`, which is 1 without it | {attribution}: why the processes of a target on the companion's machine cannot be determined |
| `role` of `inferboard_target_role`, which replicas do not have | {roles}: what a target is that is no replica |
| `source` of `inferboard_own_machine` | {machines}: who measures the machine that the companion runs on; other targets have no such series |
| `model` of `inferboard_replica_model`, which is always 1 | a model that the replica serves; the companion's other series about a replica have only a configured model |
| `mode` | `streamed`, `at once`, `async` |
| `stage` of `inferboard_first_token_stage_seconds` | `router`, `encode`, `queue`, `prefill`, `transfer` |
| `pool` | `encode`, `prefill`, `decode` |
| `condition` of `inferboard_autoscaler_limited` | 1 for what keeps it from acting, as Kubernetes names it: `ScalingLimited`, `ScalingActive`, `AbleToScale` |
| `xid` | the number of the driver's error |
| `use` | `weights`, `kv_cache`, `graphs` |
| `route` | the route's pattern, such as `/v1/chat/completions`; never text that a client can invent, as each value is a series |
";

/// A metric as its recipes describe it.
#[derive(Default)]
struct Metric {
    kind: &'static str,
    labels: Vec<String>,
    graphs: Vec<String>,
    /// What a configuration names to feed the same.
    feeds: Vec<&'static str>,
    section: usize,
}

/// docs/metrics.md: inferboard's own metrics with type, labels and the graphs that they feed; the GPU collector's metrics;
/// and the exporters whose metrics hosts, processes and containers use.
pub fn metrics() -> String {
    let mut text = String::from(
        "# Metrics that feed the graphs\n\n\
         Generated from the catalogue. Engines that Inferboard knows need none of this: see [coverage](coverage.md). \
         Any other server or gateway can export the metrics below, as Prometheus text or OpenMetrics, at a path that is \
         scraped. Export what you have: each graph appears as soon as its metric does, and no other metric is \
         required. A server with names of its own needs no new ones either: [`[[metrics]]`](configuration.md#metrics) \
         maps them to the graphs, by what the last column says.\n\n\
         - Units are base units: seconds, bytes, shares from 0 to 1. Counters only grow and start at zero; restarts are \
         detected.\n\
         - Histograms are classic, with `_bucket`, `_sum` and `_count`. Choose buckets around your service level \
         objectives: a percentile in the first or last bucket is only a bound.\n\
         - `status_code` is the HTTP status (`200`), a class (`2xx`), a gRPC code (`14`) or a WebSocket close code \
         (`1006`).\n\
         - Scope comes from labels that the scraper adds, `model`, `environment`, `deployment` and `replica`. A gateway \
         that answers for several of them can set these labels itself.\n\
         - Export each request once: at the gateway or at the server. Export either the state of each replica or the \
         numbers of all (`inferboard_replicas_active`, `…_starting`, `…_unhealthy`), not both. The companion reports the \
         state of the replicas that it scrapes.\n\
         - A gateway that exports `inferboard_requests_total`, `inferboard_response_time_seconds`, \
         `inferboard_time_to_first_byte_seconds`, `inferboard_request_size_bytes`, `inferboard_response_size_bytes`, \
         `inferboard_concurrent_requests` and `inferboard_replicas_active`, `…_starting` and `…_max` feeds the graphs that \
         hosted platforms show first.\n\n\
         ```\n\
         # TYPE inferboard_requests_total counter\n\
         inferboard_requests_total{model=\"llama-70b\",route=\"/v1/chat/completions\",status_code=\"200\"} 1027\n\
         # TYPE inferboard_time_to_first_byte_seconds histogram\n\
         inferboard_time_to_first_byte_seconds_bucket{model=\"llama-70b\",le=\"0.1\"} 310\n\
         inferboard_time_to_first_byte_seconds_bucket{model=\"llama-70b\",le=\"0.5\"} 902\n\
         inferboard_time_to_first_byte_seconds_bucket{model=\"llama-70b\",le=\"+Inf\"} 1027\n\
         inferboard_time_to_first_byte_seconds_sum{model=\"llama-70b\"} 288.4\n\
         inferboard_time_to_first_byte_seconds_count{model=\"llama-70b\"} 1027\n\
         # TYPE inferboard_concurrent_requests gauge\n\
         inferboard_concurrent_requests{model=\"llama-70b\"} 12\n\
         ```\n",
    );
    if let Some(own) = engine("inferboard") {
        let metrics = metrics_of(own);
        for (at, section) in Section::ALL.into_iter().enumerate() {
            let own: Vec<_> = metrics.iter().filter(|(_, metric)| metric.section == at).collect();
            if !own.is_empty() {
                let _ = write!(
                    text,
                    "\n## {}\n\n| Metric | Type | Labels | Feeds | As `graph` |\n| --- | --- | --- | --- | --- |\n",
                    section.title()
                );
            }
            for (name, metric) in own {
                let labels = metric.labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ");
                let graphs = cell(&metric.graphs.join("; "));
                let feeds = cell(&listed(metric.feeds.iter().copied()));
                let _ = writeln!(text, "| `{name}` | {} | {labels} | {graphs} | {feeds} |", metric.kind);
            }
        }
    }
    text.push_str(&label_values());
    text.push_str(
        "\n## GPUs\n\nThe companion's own collector exports these, labelled `gpu` (index), `uuid` and `name`. Values that a \
         card or driver does not report are left out.\n\n| Metric | Type | Meaning |\n| --- | --- | --- |\n",
    );
    for metric in GPU_METRICS {
        let _ = writeln!(text, "| `{}` | {} | {} |", metric.name, metric.kind, cell(metric.meaning));
    }
    text.push_str("\n## Hosts, processes and containers\n\nThese use the names of existing exporters.\n\n");
    text.push_str("| Exporter | Metrics | Feed |\n| --- | --- | --- |\n");
    for id in ["host", "process", "cadvisor", "kubernetes", "scraper"] {
        let Some(own) = engine(id) else { continue };
        let names: Vec<String> = metrics_of(own).into_keys().map(|name| format!("`{name}`")).collect();
        let mut graphs: Vec<&str> =
            own.recipes.iter().filter_map(|recipe| Some(graph(recipe.graph())?.title)).collect();
        graphs.dedup();
        let _ = writeln!(text, "| [{}]({}) | {} | {} |", own.title, own.source, names.join(", "), graphs.join(", "));
    }
    text
}

fn label_values() -> String {
    LABEL_VALUES
        .replace("{states}", &listed(ReplicaState::REPORTED.iter().map(|state| state.id())))
        .replace("{restarts}", &listed(RestartReason::ALL.iter().map(|reason| reason.id())))
        .replace("{roles}", &listed(TargetRole::ALL.iter().map(|role| role.id())))
        .replace("{machines}", &listed(MachineSource::ALL.iter().map(|source| source.id())))
        .replace("{attribution}", &listed(AttributionFailure::ALL.iter().map(|failure| failure.id())))
}

fn listed(ids: impl Iterator<Item = &'static str>) -> String {
    ids.map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ")
}

fn metrics_of(own: &Engine) -> BTreeMap<&'static str, Metric> {
    let mut metrics: BTreeMap<&'static str, Metric> = BTreeMap::new();
    for recipe in own.recipes.iter() {
        let Some(fed) = graph(recipe.graph()) else { continue };
        for name in recipe.names() {
            let (bare, matchers) = name.split_once('{').unwrap_or((name, ""));
            let metric = metrics.entry(bare).or_default();
            if metric.graphs.is_empty() {
                metric.section = Section::ALL.iter().position(|section| *section == fed.section).unwrap_or(0);
            }
            metric.kind = kind(recipe, bare);
            let selected = matchers.split(',').filter_map(|matcher| matcher.split(['=', '!']).next());
            for label in selected.chain(label(recipe, name)).filter(|label| !label.is_empty()) {
                if !metric.labels.iter().any(|own| own == label) {
                    metric.labels.push(label.to_owned());
                }
            }
            let fed_line = match recipe.line() {
                "" | "mean" => fed.title.to_owned(),
                line if fed.title.eq_ignore_ascii_case(line) => fed.title.to_owned(),
                line => format!("{}: {line}", fed.title),
            };
            if !metric.feeds.contains(&recipe.feeds) {
                metric.feeds.push(recipe.feeds);
            }
            if !metric.graphs.contains(&fed_line) {
                metric.graphs.push(fed_line);
            }
        }
    }
    metrics
}

/// The label by which the recipe separates the lines of this metric.
fn label(recipe: &Recipe, name: &str) -> Option<&'static str> {
    match recipe.shape {
        // The denominator of a ratio needs no such label.
        Shape::RatioBy { numerator, .. } if !numerator.contains(&name) => None,
        Shape::GaugeBy { label, .. }
        | Shape::RateBy { label, .. }
        | Shape::RateByClass { label, .. }
        | Shape::MeanBy { label, .. }
        | Shape::RatioBy { label, .. } => Some(label),
        _ => None,
    }
}

fn kind(recipe: &Recipe, name: &str) -> &'static str {
    match recipe.shape {
        Shape::Gauge { .. } | Shape::GaugeBy { .. } => "gauge",
        Shape::Histogram { .. } | Shape::Mean { .. } | Shape::MeanBy { .. } => "histogram",
        Shape::Quantiles { .. } => "summary",
        Shape::Raw { .. } if !name.ends_with("_total") => "gauge",
        _ => "counter",
    }
}
