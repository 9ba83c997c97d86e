//! Web servers, proxies and routers in front of the engines.
use crate::engine::for_documents;
use crate::recipe::{histogram, max, mean, mean_by, rate, rate_by, rate_by_class, ratio, share_of, sum};
use crate::{Engine, HealthEndpoint, Layer, Signature};

/// The HTTP side of Python servers that use prometheus-fastapi-instrumentator, such as vLLM's.
pub(super) const FASTAPI: Engine = Engine {
    id: "http",
    title: "HTTP server",
    layer: Layer::Server,
    // The names are too common to recognise a server by.
    signatures: &[],
    source: for_documents("https://github.com/trallnag/prometheus-fastapi-instrumentator"),
    recipes: recipes![
        rate_by_class("volume", &[without_probes!("http_requests_total", "handler")], "status").without_prefill(),
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
        rate_by("requests-by-route", &[without_probes!("http_requests_total", "handler")], "handler").without_prefill(),
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
    has_few_names: true,
    signatures: &[Signature::Prefix("litellm_")],
    // Its `/health` sends a request to every model.
    health: Some(HealthEndpoint { path: "/health/liveliness", is_needed_with_page: false }),
    turn_on: "prometheus among litellm_settings.callbacks",
    source: for_documents("https://docs.litellm.ai/docs/proxy/prometheus"),
    recipes: recipes![
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
        // In seconds, whatever the help text says.
        histogram("gateway-overhead", &["litellm_overhead_latency_metric"]),
        mean("gateway-overhead/with guardrails", &["litellm_overhead_with_guardrails_latency_metric"]),
        histogram("queue-time", &["litellm_request_queue_time_seconds"]),
        sum("concurrent-requests/in flight", &["litellm_in_flight_requests"]),
        rate_by("errors-by-cause", &["litellm_admission_rejected_requests_total"], "reason")
            .documented("LiteLLM 1.110.2: litellm/integrations/prometheus.py"),
        share_of(
            "other-cache-hits/responses",
            &["litellm_cache_hits_metric_total"],
            &["litellm_cache_misses_metric_total"],
        ),
        ratio(
            "other-cache-hits/provider",
            &["litellm_input_cached_tokens_metric_total"],
            &["litellm_input_tokens_metric_total"],
        ),
        rate("router-decisions/fallback", &["litellm_deployment_successful_fallbacks_total"]),
        rate("router-decisions/fallback failed", &["litellm_deployment_failed_fallbacks_total"]),
        rate("router-decisions/cooled down", &["litellm_deployment_cooled_down_total"]),
        rate_by("tenants", &["litellm_requests_metric_total{team!~\"None|\"}"], "team").top(8),
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
    source: for_documents(
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/upstream/cluster_manager/cluster_stats",
    ),
    recipes: recipes![
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
    source: for_documents("https://kubernetes.github.io/ingress-nginx/user-guide/monitoring/"),
    recipes: recipes![
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

pub(super) const HAPROXY: Engine = Engine {
    id: "haproxy",
    title: "HAProxy",
    layer: Layer::Proxy,
    has_few_names: true,
    signatures: &[Signature::Prefix("haproxy_")],
    source: for_documents("https://github.com/haproxy/haproxy: addons/promex of 3.2"),
    is_captured: false,
    recipes: recipes![
        rate_by_class("volume", &["haproxy_frontend_http_responses_total"], "code"),
        ratio(
            "error-share/server errors",
            &["haproxy_frontend_http_responses_total{code=\"5xx\"}"],
            &["haproxy_frontend_http_responses_total"],
        ),
        ratio(
            "error-share/client errors",
            &["haproxy_frontend_http_responses_total{code=\"4xx\"}"],
            &["haproxy_frontend_http_responses_total"],
        ),
        rate_by("requests-by-route", &["haproxy_backend_http_responses_total"], "proxy"),
        // Of the last 1,024 requests.
        max("end-to-end-latency/mean", &["haproxy_backend_total_time_average_seconds"]),
        max("queue-time/mean", &["haproxy_backend_queue_time_average_seconds"]),
        sum("concurrent-requests/in flight", &["haproxy_frontend_current_sessions"]),
        sum("pending-requests/pending", &["haproxy_backend_current_queue"]),
        sum("replicas/active", &["haproxy_backend_active_servers"]),
    ],
    ..Engine::PLAIN
};

pub(super) const CADDY: Engine = Engine {
    id: "caddy",
    title: "Caddy",
    layer: Layer::Proxy,
    has_few_names: true,
    signatures: &[Signature::Prefix("caddy_")],
    source: for_documents("https://caddyserver.com/docs/metrics"),
    recipes: recipes![
        // Other handlers answer by themselves.
        rate_by_class(
            "volume",
            &["caddy_http_request_duration_seconds_count{handler=~\"subroute|reverse_proxy\"}"],
            "code",
        ),
        ratio(
            "error-share/server errors",
            &["caddy_http_request_duration_seconds_count{handler=~\"subroute|reverse_proxy\",code=~\"5..\"}"],
            &["caddy_http_request_duration_seconds_count{handler=~\"subroute|reverse_proxy\"}"],
        ),
        ratio(
            "error-share/client errors",
            &["caddy_http_request_duration_seconds_count{handler=~\"subroute|reverse_proxy\",code=~\"4..\"}"],
            &["caddy_http_request_duration_seconds_count{handler=~\"subroute|reverse_proxy\"}"],
        ),
        histogram("end-to-end-latency", &["caddy_http_request_duration_seconds{handler=~\"subroute|reverse_proxy\"}"]),
        histogram("time-to-first-byte", &["caddy_http_response_duration_seconds{handler=~\"subroute|reverse_proxy\"}"]),
        histogram("request-size", &["caddy_http_request_size_bytes{handler=~\"subroute|reverse_proxy\"}"]),
        histogram("response-size", &["caddy_http_response_size_bytes{handler=~\"subroute|reverse_proxy\"}"]),
        sum("concurrent-requests/in flight", &["caddy_http_requests_in_flight{handler=~\"subroute|reverse_proxy\"}"]),
        sum("replicas/active", &["caddy_reverse_proxy_upstreams_healthy"]),
    ],
    ..Engine::PLAIN
};

/// NGINX without its ingress controller, which has no status of requests.
pub(super) const NGINX_EXPORTER: Engine = Engine {
    id: "nginx-exporter",
    title: "NGINX",
    layer: Layer::Proxy,
    signatures: &[
        Signature::Prefix("nginx_connections_"),
        Signature::Prefix("nginxexporter_"),
        Signature::Name("nginx_up"),
    ],
    source: for_documents("https://github.com/nginx/nginx-prometheus-exporter"),
    recipes: recipes![
        rate("volume/finished", &["nginx_http_requests_total"]),
        sum("concurrent-requests/in flight", &["nginx_connections_active"]),
    ],
    ..Engine::PLAIN
};

pub(super) const TRAEFIK: Engine = Engine {
    id: "traefik",
    title: "Traefik",
    layer: Layer::Proxy,
    has_few_names: true,
    signatures: &[Signature::Prefix("traefik_")],
    source: for_documents("https://doc.traefik.io/traefik/observability/metrics/overview/"),
    is_captured: false,
    recipes: recipes![
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
        // Version 3 counts those of its entry points.
        sum("concurrent-requests/in flight", &["traefik_open_connections", "traefik_service_open_connections"]),
    ],
    ..Engine::PLAIN
};
