//! Hosts, containers and processes: node_exporter's names, which the companion also exports, cAdvisor, Kubernetes, and
//! what every scraper and client library reports.
use crate::contract::names;
use crate::engine::for_documents;
use crate::recipe::{avg, max, rate, raw, sum, sum_by};
use crate::{Engine, Layer, Recipe, Signature, VersionLabel};

pub(super) const HOST: Engine = Engine {
    id: "host",
    title: "host",
    layer: Layer::Machine,
    signatures: &[Signature::Prefix("node_")],
    version: Some(VersionLabel { metric: "node_exporter_build_info", labels: &["version"] }),
    source: for_documents("https://github.com/prometheus/node_exporter"),
    recipes: recipes![
        raw(
            "cpu/average",
            "1 - avg$by ($series($rate(node_cpu_seconds_total{$scopemode=\"idle\"})))",
            &["node_cpu_seconds_total"],
        ),
        raw(
            "memory/in use",
            "sum$by ($series(node_memory_MemTotal_bytes{$scope} - node_memory_MemAvailable_bytes{$scope}))",
            &["node_memory_MemTotal_bytes", "node_memory_MemAvailable_bytes"],
        ),
        sum("memory/capacity", &["node_memory_MemTotal_bytes"]),
        rate("network/received", &["node_network_receive_bytes_total{device!=\"lo\"}"]),
        rate("network/sent", &["node_network_transmit_bytes_total{device!=\"lo\"}"]),
        rate("disk-throughput/read", &["node_disk_read_bytes_total"]),
        rate("disk-throughput/written", &["node_disk_written_bytes_total"]),
        raw(
            "disk-space/fullest",
            "max$by ($series(1 - node_filesystem_avail_bytes{$scopefstype!~\"tmpfs|overlay|squashfs|ramfs\"} \
             / node_filesystem_size_bytes{$scopefstype!~\"tmpfs|overlay|squashfs|ramfs\"}))",
            &["node_filesystem_avail_bytes", "node_filesystem_size_bytes"],
        ),
    ],
    ..Engine::PLAIN
};

pub(super) const CADVISOR: Engine = Engine {
    id: "cadvisor",
    title: "containers",
    layer: Layer::Machine,
    signatures: &[Signature::Prefix("container_")],
    version: Some(VersionLabel { metric: "cadvisor_version_info", labels: &["cadvisorVersion"] }),
    replica_label: "pod",
    source: for_documents("https://github.com/google/cadvisor/blob/master/docs/storage/prometheus.md"),
    is_captured: false,
    recipes: recipes![
        // A pod's cgroup repeats its containers' use, and the pause container dilutes it.
        rate("cpu-cores/in use", &["container_cpu_usage_seconds_total{container!=\"\",container!=\"POD\"}"]),
        raw(
            "cpu-cores/limit",
            "sum$by (container_spec_cpu_quota{$scopecontainer!=\"\",container!=\"POD\"} \
             / container_spec_cpu_period{$scopecontainer!=\"\",container!=\"POD\"})",
            &["container_spec_cpu_quota", "container_spec_cpu_period"],
        ),
        sum("container-memory/in use", &["container_memory_working_set_bytes{container!=\"\",container!=\"POD\"}"]),
        // No limit is exported as zero, or as more memory than any machine has.
        sum("container-memory/limit", &["container_spec_memory_limit_bytes{container!=\"\",container!=\"POD\"}"])
            .valid("> 0 < 1e17"),
        rate("network/received", &["container_network_receive_bytes_total{pod!=\"\"}"]),
        rate("network/sent", &["container_network_transmit_bytes_total{pod!=\"\"}"]),
    ],
    ..Engine::PLAIN
};

pub(super) const KUBERNETES: Engine = Engine {
    id: "kubernetes",
    title: "Kubernetes",
    layer: Layer::Machine,
    signatures: &[Signature::Prefix("kube_")],
    replica_label: "pod",
    source: for_documents("https://github.com/kubernetes/kube-state-metrics/tree/main/docs/metrics"),
    is_captured: false,
    recipes: recipes![
        sum("replicas/active", &["kube_pod_status_ready{condition=\"true\"}"]),
        sum("replicas/starting", &["kube_pod_status_phase{phase=\"Pending\"}"]),
        sum("replicas/desired", &["kube_deployment_spec_replicas"]),
        sum("replicas/min", &["kube_horizontalpodautoscaler_spec_min_replicas"]),
        sum("replicas/max", &["kube_horizontalpodautoscaler_spec_max_replicas"]),
        ratio_of_metric(),
        sum_by(
            "autoscaler-limits",
            &[
                "kube_horizontalpodautoscaler_status_condition{condition=\"ScalingLimited\",status=\"true\"}",
                "kube_horizontalpodautoscaler_status_condition{condition=~\"ScalingActive|AbleToScale\",status=\"false\"}",
            ],
            "condition",
        ),
        sum_by("replica-states", &["kube_pod_status_phase"], "phase"),
        sum_by("readiness", &["kube_pod_status_ready"], "condition"),
        rate("restarts/restarts", &["kube_pod_container_status_restarts_total"]).layer(Layer::Platform),
        sum("cpu-cores/limit", &["kube_pod_container_resource_limits{resource=\"cpu\"}"]),
        sum("container-memory/limit", &["kube_pod_container_resource_limits{resource=\"memory\"}"]),
    ],
    ..Engine::PLAIN
};

/// Each metric that an autoscaler looks at, over its target.
const fn ratio_of_metric() -> Recipe {
    raw(
        "autoscaler-load/highest",
        "max$by (kube_horizontalpodautoscaler_status_target_metric{$scope} / \
         kube_horizontalpodautoscaler_spec_target_metric{$scope})",
        &["kube_horizontalpodautoscaler_status_target_metric", "kube_horizontalpodautoscaler_spec_target_metric"],
    )
}

/// What client libraries report about the process that serves the metrics page.
pub(super) const PROCESS: Engine = Engine {
    id: "process",
    title: "process",
    layer: Layer::Server,
    signatures: &[],
    source: for_documents("https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics"),
    recipes: recipes![
        rate("process-cpu/in use", &["process_cpu_seconds_total"]),
        sum("process-memory/resident", &["process_resident_memory_bytes"]),
        raw(
            "process-files/highest",
            "max$by ($series(process_open_fds{$scope} / process_max_fds{$scope}))",
            &["process_open_fds", "process_max_fds"],
        ),
        raw(
            "restarts/restarts",
            "sum$by ($series(changes(process_start_time_seconds{$scope}[$wide]))) / $wide_seconds",
            &["process_start_time_seconds"],
        )
        // Only where no other metric counts restarts.
        .layer(Layer::Machine),
        raw(
            "uptime/youngest",
            "min$by ($series(time() - process_start_time_seconds{$scope}))",
            &["process_start_time_seconds"],
        ),
        raw(
            "uptime/oldest",
            "max$by ($series(time() - process_start_time_seconds{$scope}))",
            &["process_start_time_seconds"],
        ),
    ],
    ..Engine::PLAIN
};

/// What a scraper reports about every target.
pub(super) const SCRAPER: Engine = Engine {
    id: "scraper",
    title: "scraper",
    layer: Layer::Server,
    signatures: &[],
    source: for_documents("https://prometheus.io/docs/concepts/jobs_instances/"),
    is_captured: false,
    recipes: recipes![
        raw("replicas-answering/answering", "sum$by ($series(up{$scope$replica!=\"\"}$unless_role))", &["up"]),
        raw("replicas-answering/known", "count$by ($series(up{$scope$replica!=\"\"}$unless_role))", &["up"]),
        sum_by("scrape-failures", &[names::SCRAPE_FAILED], "reason"),
        avg("scrape-time/average", &["scrape_duration_seconds"]),
        max("scrape-time/slowest", &["scrape_duration_seconds"]),
        sum("scrape-samples/samples", &["scrape_samples_scraped"]),
    ],
    ..Engine::PLAIN
};
