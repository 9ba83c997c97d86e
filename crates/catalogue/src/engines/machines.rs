//! Hosts, containers and processes: node_exporter's names, which the companion also gives, cAdvisor, Kubernetes, and
//! what every scraper and process tells.
use crate::{
    Engine, Layer, Sign,
    recipe::{level, peak, rate, raw, total, total_by},
};

pub(super) const HOST: Engine = Engine {
    id: "host",
    title: "host",
    layer: Layer::Machine,
    signs: &[Sign::Prefix("node_")],
    version: Some(("node_exporter_build_info", "version")),
    source: "https://github.com/prometheus/node_exporter",
    is_captured: false,
    recipes: &[
        raw(
            "cpu/average",
            "1 - avg$by (rate(node_cpu_seconds_total{$scopemode=\"idle\"}[$window]))",
            &["node_cpu_seconds_total"],
        ),
        raw(
            "memory/in use",
            "sum$by (node_memory_MemTotal_bytes{$scope} - node_memory_MemAvailable_bytes{$scope})",
            &["node_memory_MemTotal_bytes", "node_memory_MemAvailable_bytes"],
        ),
        total("memory/capacity", &["node_memory_MemTotal_bytes"]),
        rate("network/received", &["node_network_receive_bytes_total{device!=\"lo\"}"]),
        rate("network/sent", &["node_network_transmit_bytes_total{device!=\"lo\"}"]),
        rate("disk-throughput/read", &["node_disk_read_bytes_total"]),
        rate("disk-throughput/written", &["node_disk_written_bytes_total"]),
        raw(
            "disk-space/fullest",
            "max$by (1 - node_filesystem_avail_bytes{$scopefstype!~\"tmpfs|overlay|squashfs|ramfs\"} \
             / node_filesystem_size_bytes{$scopefstype!~\"tmpfs|overlay|squashfs|ramfs\"})",
            &["node_filesystem_avail_bytes", "node_filesystem_size_bytes"],
        ),
    ],
    ..Engine::PLAIN
};

pub(super) const CADVISOR: Engine = Engine {
    id: "cadvisor",
    title: "containers",
    layer: Layer::Machine,
    signs: &[Sign::Prefix("container_")],
    version: Some(("cadvisor_version_info", "cadvisorVersion")),
    replica: "pod",
    source: "https://github.com/google/cadvisor/blob/master/docs/storage/prometheus.md",
    is_captured: false,
    recipes: &[
        // A pod's own cgroup and its pause container repeat or dilute the containers'.
        rate("cpu-cores/in use", &["container_cpu_usage_seconds_total{container!=\"\",container!=\"POD\"}"]),
        raw(
            "cpu-cores/limit",
            "sum$by (container_spec_cpu_quota{$scopecontainer!=\"\",container!=\"POD\"} \
             / container_spec_cpu_period{$scopecontainer!=\"\",container!=\"POD\"})",
            &["container_spec_cpu_quota", "container_spec_cpu_period"],
        ),
        total("container-memory/in use", &["container_memory_working_set_bytes{container!=\"\",container!=\"POD\"}"]),
        // No limit is written as zero, or as more than any machine has.
        total("container-memory/limit", &["container_spec_memory_limit_bytes{container!=\"\",container!=\"POD\"}"])
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
    signs: &[Sign::Prefix("kube_")],
    replica: "pod",
    source: "https://github.com/kubernetes/kube-state-metrics/tree/main/docs/metrics",
    is_captured: false,
    recipes: &[
        total("replicas/active", &["kube_pod_status_ready{condition=\"true\"}"]),
        total("replicas/starting", &["kube_pod_status_phase{phase=\"Pending\"}"]),
        total("replicas/desired", &["kube_deployment_spec_replicas"]),
        total("replicas/min", &["kube_horizontalpodautoscaler_spec_min_replicas"]),
        total("replicas/max", &["kube_horizontalpodautoscaler_spec_max_replicas"]),
        total_by("replica-states", &["kube_pod_status_phase"], "phase"),
        total_by("readiness", &["kube_pod_status_ready"], "condition"),
        rate("restarts/restarts", &["kube_pod_container_status_restarts_total"]).layer(Layer::Platform),
        total("cpu-cores/limit", &["kube_pod_container_resource_limits{resource=\"cpu\"}"]),
        total("container-memory/limit", &["kube_pod_container_resource_limits{resource=\"memory\"}"]),
    ],
    ..Engine::PLAIN
};

/// What client libraries tell of the process that answers.
pub(super) const PROCESS: Engine = Engine {
    id: "process",
    title: "process",
    layer: Layer::Server,
    signs: &[],
    source: "https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics",
    recipes: &[
        rate("process-cpu/in use", &["process_cpu_seconds_total"]),
        total("process-memory/resident", &["process_resident_memory_bytes"]),
        raw(
            "process-files/highest",
            "max$by (process_open_fds{$scope} / process_max_fds{$scope})",
            &["process_open_fds", "process_max_fds"],
        ),
        raw(
            "restarts/restarts",
            "sum$by (changes(process_start_time_seconds{$scope}[$wide])) / $wide_seconds",
            &["process_start_time_seconds"],
        )
        // Only where nobody counts restarts.
        .layer(Layer::Machine),
        raw("uptime/youngest", "min$by (time() - process_start_time_seconds{$scope})", &["process_start_time_seconds"]),
        raw("uptime/oldest", "max$by (time() - process_start_time_seconds{$scope})", &["process_start_time_seconds"]),
    ],
    ..Engine::PLAIN
};

/// What a scraper knows of every target.
pub(super) const SCRAPER: Engine = Engine {
    id: "scraper",
    title: "scraper",
    layer: Layer::Server,
    signs: &[],
    source: "https://prometheus.io/docs/concepts/jobs_instances/",
    is_captured: false,
    recipes: &[
        raw("replicas-answering/answering", "sum$by (up{$scope$replica!=\"\"})", &["up"]),
        raw("replicas-answering/known", "count$by (up{$scope$replica!=\"\"})", &["up"]),
        total_by("scrape-failures", &["inferboard_scrape_failed"], "reason"),
        level("scrape-time/average", &["scrape_duration_seconds"]),
        peak("scrape-time/slowest", &["scrape_duration_seconds"]),
        total("scrape-samples/samples", &["scrape_samples_scraped"]),
    ],
    ..Engine::PLAIN
};
