//! Web servers, proxies and routers in front of the engines.
use crate::recipe::{avg, histogram, max, mean, mean_by, rate, rate_by, rate_by_class, ratio, sum};
use crate::{Engine, HealthEndpoint, Layer, Signature};

/// The HTTP side of Python servers that use prometheus-fastapi-instrumentator, such as vLLM's.
pub(super) const FASTAPI: Engine = Engine {
    id: "http",
    title: "HTTP server",
    layer: Layer::Server,
    // The names are too common to recognise a server by.
    signatures: &[],
    source: "https://github.com/trallnag/prometheus-fastapi-instrumentator",
    recipes: &[
        rate_by_class("volume", &[without_probes!("http_requests_total", "handler")], "status"),
        ratio(
            "error-share/server errors",
            &[without_probes!("http_requests_total", "handler", "status=~\"5..\"")],
            &[without_probes!("http_requests_total", "handler")],
        ),
        ratio(
            "error-share/client errors",
            &[without_probes!("http_requests_total", "handler", "status=~\"4..\"")],
            &[without_probes!("http_requests_total", "handler")],
        ),
        rate_by("requests-by-route", &[without_probes!("http_requests_total", "handler")], "handler"),
        mean_by("latency-by-route", &[without_probes!("http_request_duration_seconds", "handler")], "handler"),
        histogram("http-latency", &["http_request_duration_highr_seconds"]),
        mean("request-size/mean", &[without_probes!("http_request_size_bytes", "handler")]),
        mean("response-size/mean", &[without_probes!("http_response_size_bytes", "handler")]),
    ],
    ..Engine::PLAIN
};

pub(super) const LITELLM: Engine = Engine {
    id: "litellm",
    title: "LiteLLM",
    layer: Layer::Gateway,
    signatures: &[Signature::Prefix("litellm_")],
    // Its `/health` sends a request to every model.
    health: Some(HealthEndpoint { path: "/health/liveliness", is_needed_with_page: false }),
    turn_on: "prometheus among litellm_settings.callbacks",
    source: "https://docs.litellm.ai/docs/proxy/prometheus",
    recipes: &[
        rate_by_class(
            "volume",
            &[without_probes!("litellm_proxy_total_requests_metric_total", "route")],
            "status_code",
        ),
        ratio(
            "error-share/failed",
            &[without_probes!("litellm_proxy_failed_requests_metric_total", "route")],
            &[without_probes!("litellm_proxy_total_requests_metric_total", "route")],
        ),
        rate_by(
            "errors-by-cause",
            &[without_probes!("litellm_proxy_failed_requests_metric_total", "route")],
            "exception_class",
        ),
        rate_by("requests-by-route", &[without_probes!("litellm_proxy_total_requests_metric_total", "route")], "route"),
        histogram("end-to-end-latency", &["litellm_request_total_latency_metric"]),
        histogram("upstream-latency", &["litellm_llm_api_latency_metric"]),
        histogram("gateway-overhead", &["litellm_overhead_latency_metric"]).scale(0.001),
        histogram("time-to-first-token", &["litellm_llm_api_time_to_first_token_metric"]),
        histogram("time-per-output-token", &["litellm_deployment_latency_per_output_token"]),
        rate("tokens-per-second/generation", &["litellm_output_tokens_metric_total", "litellm_output_tokens_total"]),
        rate("tokens-per-second/prompt", &["litellm_input_tokens_metric_total", "litellm_input_tokens_total"]),
        max("deployment-health/worst", &["litellm_deployment_state"]),
    ],
    ..Engine::PLAIN
};

pub(super) const ENVOY: Engine = Engine {
    id: "envoy",
    title: "Envoy",
    layer: Layer::Proxy,
    signatures: &[Signature::Prefix("envoy_")],
    source: "https://www.envoyproxy.io/docs/envoy/latest/configuration/upstream/cluster_manager/cluster_stats",
    recipes: &[
        // Requests to its control plane and admin interface are excluded.
        rate_by_class(
            "volume",
            &["envoy_cluster_upstream_rq{envoy_cluster_name!=\"xds_cluster\"}"],
            "envoy_response_code",
        ),
        ratio(
            "error-share/server errors",
            &["envoy_cluster_upstream_rq{envoy_response_code=~\"5..\",envoy_cluster_name!=\"xds_cluster\"}"],
            &["envoy_cluster_upstream_rq{envoy_cluster_name!=\"xds_cluster\"}"],
        ),
        ratio(
            "error-share/client errors",
            &["envoy_cluster_upstream_rq{envoy_response_code=~\"4..\",envoy_cluster_name!=\"xds_cluster\"}"],
            &["envoy_cluster_upstream_rq{envoy_cluster_name!=\"xds_cluster\"}"],
        ),
        rate_by(
            "requests-by-route",
            &["envoy_cluster_upstream_rq_total{envoy_cluster_name!=\"xds_cluster\"}"],
            "envoy_cluster_name",
        ),
        histogram("end-to-end-latency", &["envoy_http_downstream_rq_time{envoy_http_conn_manager_prefix!=\"admin\"}"])
            .scale(0.001),
        mean_by(
            "latency-by-route",
            &["envoy_cluster_upstream_rq_time{envoy_cluster_name!=\"xds_cluster\"}"],
            "envoy_cluster_name",
        )
        .scale(0.001),
        histogram("upstream-latency", &["envoy_cluster_upstream_rq_time{envoy_cluster_name!=\"xds_cluster\"}"])
            .scale(0.001),
        sum(
            "concurrent-requests/in flight",
            &["envoy_cluster_upstream_rq_active{envoy_cluster_name!=\"xds_cluster\"}"],
        ),
        sum(
            "pending-requests/pending",
            &["envoy_cluster_upstream_rq_pending_active{envoy_cluster_name!=\"xds_cluster\"}"],
        ),
        ratio(
            "request-size/mean",
            &["envoy_cluster_upstream_cx_tx_bytes_total{envoy_cluster_name!=\"xds_cluster\"}"],
            &["envoy_cluster_upstream_rq_total{envoy_cluster_name!=\"xds_cluster\"}"],
        ),
        ratio(
            "response-size/mean",
            &["envoy_cluster_upstream_cx_rx_bytes_total{envoy_cluster_name!=\"xds_cluster\"}"],
            &["envoy_cluster_upstream_rq_total{envoy_cluster_name!=\"xds_cluster\"}"],
        ),
        sum("websocket-connections/open", &["envoy_http_downstream_cx_upgrades_active"]),
        sum("replicas/active", &["envoy_cluster_membership_healthy{envoy_cluster_name!=\"xds_cluster\"}"]),
        sum("replicas/known", &["envoy_cluster_membership_total{envoy_cluster_name!=\"xds_cluster\"}"]),
        sum("process-memory/resident", &["envoy_server_memory_physical_size"]),
    ],
    ..Engine::PLAIN
};

pub(super) const NGINX: Engine = Engine {
    id: "nginx",
    title: "NGINX ingress",
    layer: Layer::Proxy,
    signatures: &[Signature::Prefix("nginx_ingress_")],
    source: "https://kubernetes.github.io/ingress-nginx/user-guide/monitoring/",
    recipes: &[
        rate_by_class("volume", &["nginx_ingress_controller_requests"], "status"),
        ratio(
            "error-share/server errors",
            &["nginx_ingress_controller_requests{status=~\"5..\"}"],
            &["nginx_ingress_controller_requests"],
        ),
        ratio(
            "error-share/client errors",
            &["nginx_ingress_controller_requests{status=~\"4..\"}"],
            &["nginx_ingress_controller_requests"],
        ),
        rate_by("requests-by-route", &["nginx_ingress_controller_requests"], "ingress"),
        histogram("end-to-end-latency", &["nginx_ingress_controller_request_duration_seconds"]),
        mean_by("latency-by-route", &["nginx_ingress_controller_request_duration_seconds"], "ingress"),
        histogram("upstream-latency", &["nginx_ingress_controller_response_duration_seconds"]),
        // Its buckets for request sizes end at 100 bytes, so only the mean is meaningful.
        mean("request-size/mean", &["nginx_ingress_controller_request_size"]),
        histogram("response-size", &["nginx_ingress_controller_bytes_sent"]),
    ],
    ..Engine::PLAIN
};

/// Proxies that are recognised, so that they are no replicas, and not read.
pub(super) const UNREAD_PROXIES: Engine = Engine {
    id: "proxy",
    title: "proxy",
    layer: Layer::Proxy,
    signatures: &[
        Signature::Prefix("haproxy_"),
        Signature::Prefix("caddy_"),
        Signature::Prefix("nginx_connections_"),
        Signature::Prefix("nginxexporter_"),
        Signature::Name("nginx_up"),
    ],
    source: "https://www.haproxy.com/documentation/haproxy-configuration-tutorials/alerts-and-monitoring/prometheus/, \
             https://caddyserver.com/docs/metrics, https://github.com/nginx/nginx-prometheus-exporter",
    is_captured: false,
    ..Engine::PLAIN
};

pub(super) const TRAEFIK: Engine = Engine {
    id: "traefik",
    title: "Traefik",
    layer: Layer::Proxy,
    signatures: &[Signature::Prefix("traefik_")],
    source: "https://doc.traefik.io/traefik/observability/metrics/overview/",
    is_captured: false,
    recipes: &[
        rate_by_class("volume", &["traefik_service_requests_total"], "code"),
        ratio(
            "error-share/server errors",
            &["traefik_service_requests_total{code=~\"5..\"}"],
            &["traefik_service_requests_total"],
        ),
        ratio(
            "error-share/client errors",
            &["traefik_service_requests_total{code=~\"4..\"}"],
            &["traefik_service_requests_total"],
        ),
        rate_by("requests-by-route", &["traefik_service_requests_total"], "service"),
        histogram("end-to-end-latency", &["traefik_service_request_duration_seconds"]),
        mean_by("latency-by-route", &["traefik_service_request_duration_seconds"], "service"),
        sum("concurrent-requests/in flight", &["traefik_service_open_connections"]),
    ],
    ..Engine::PLAIN
};

/// The endpoint picker of the Gateway API's inference extension.
pub(super) const ENDPOINT_PICKER: Engine = Engine {
    id: "epp",
    title: "Endpoint picker",
    layer: Layer::Gateway,
    signatures: &[
        Signature::Prefix("inference_objective_"),
        Signature::Prefix("inference_pool_"),
        Signature::Prefix("inference_extension_"),
    ],
    source: "https://github.com/kubernetes-sigs/gateway-api-inference-extension: pkg/epp/metrics",
    is_captured: false,
    recipes: &[
        rate("volume/finished", &["inference_objective_request_total"]),
        ratio(
            "error-share/failed",
            &["inference_objective_request_error_total"],
            &["inference_objective_request_total"],
        ),
        rate_by("errors-by-cause", &["inference_objective_request_error_total"], "error_code"),
        histogram("end-to-end-latency", &["inference_objective_request_duration_seconds"]),
        histogram("time-to-first-token", &["inference_objective_request_ttft_seconds"]),
        histogram("time-per-output-token", &["inference_objective_request_tpot_seconds"]),
        histogram("request-size", &["inference_objective_request_sizes"]),
        histogram("response-size", &["inference_objective_response_sizes"]),
        histogram("prompt-length", &["inference_objective_input_tokens"]),
        histogram("output-length", &["inference_objective_output_tokens"]),
        sum("concurrent-requests/in flight", &["inference_objective_running_requests"]),
        sum("pending-requests/pending", &["inference_extension_flow_control_queue_size"]),
        sum("replicas/active", &["inference_pool_ready_pods"]),
        avg("kv-cache-use/in use", &["inference_pool_average_kv_cache_utilization"]),
    ],
    ..Engine::PLAIN
};
