//! What a correct page shows of each composed metrics page: who exports it, and values worked out by hand.
use crate::captures::{Capture, own_pages};
use crate::scraped::Scraped;
use catalogue::{detect, graph};

/// A page, the engines on it, and lines of its graphs. A counter grows by its value each minute, so that two of them in a
/// window of five make one of 150 a second.
type Case = (&'static str, &'static [&'static str], &'static [(&'static str, &'static str, f64)]);

const MIB: f64 = 1_048_576.0;

const CASES: &[Case] = &[
    (
        "litellm-1.110.2",
        &["litellm"],
        &[
            ("tokens-per-second", "prompt", 200.0),
            ("tokens-per-second", "generation", 50.0),
            ("gateway-overhead", "mean", 0.04),
            ("gateway-overhead", "with guardrails", 0.06),
            ("concurrent-requests", "in flight", 7.0),
            ("queue-time", "mean", 0.3),
            ("other-cache-hits", "responses", 0.25),
            ("other-cache-hits", "provider", 0.2),
            ("router-decisions", "fallback", 0.2),
            ("tenants", "t", 2.0),
        ],
    ),
    // Every request counts under a new and an old name.
    (
        "llm-d-router-0.9",
        &["epp"],
        &[
            ("volume", "finished", 5.0),
            ("error-share", "failed", 0.1),
            ("end-to-end-latency", "mean", 0.6),
            ("concurrent-requests", "in flight", 12.0),
            ("pending-requests", "pending", 9.0),
            ("pending-requests", "at the engines", 12.0),
            ("replicas", "active", 4.0),
            ("kv-cache-use", "in use", 0.6),
            ("prefix-cache-hit-share", "hits", 0.4),
            ("pool-saturation", "effective", 0.9),
        ],
    ),
    (
        "llm-d-coordinator",
        &["llm-d-coordinator"],
        &[
            ("volume", "finished", 4.0),
            ("error-share", "failed", 0.1),
            ("end-to-end-latency", "mean", 0.9),
            ("first-token-stages", "encode", 0.2),
            ("router-decisions", "prefill-decode", 3.0),
        ],
    ),
    ("llm-d-sidecar", &["llm-d-sidecar"], &[("prefill-time", "mean", 0.12), ("engine-failures", "phase failed", 0.2)]),
    (
        "endpoint-picker-0.3",
        &["epp"],
        &[
            ("volume", "finished", 3.0),
            ("end-to-end-latency", "mean", 0.7),
            ("pending-requests", "at the engines", 6.0),
        ],
    ),
    (
        "dcgm-exporter-4.8.2-shared",
        &["dcgm"],
        &[
            ("gpu", "average", 0.71),
            ("gpu-memory", "in use", 9000.0 * MIB),
            ("gpu-memory", "capacity", 15_000.0 * MIB),
            ("gpu-power", "drawn", 60.0),
            ("gpu-energy", "mean", 60.0),
            ("gpu-errors", "PCIe replays", 2.0),
            ("gpu-pcie", "sent", 4.2e8),
            ("gpu-nvlink", "received", 2.1e10),
        ],
    ),
    (
        "dcgm-exporter-4.8.2-mig",
        &["dcgm"],
        &[("gpu-power", "drawn", 310.0), ("gpu-energy", "mean", 310.0), ("gpu-memory", "in use", 9072.0 * MIB)],
    ),
    (
        "tensorrt-llm-1.2.1",
        &["trtllm-1.2"],
        &[
            ("time-per-output-token", "mean", 0.02),
            ("queue-time", "mean", 0.1),
            ("kv-cache-use", "in use", 0.5),
            ("prefix-cache-hit-share", "as reported", 0.3),
        ],
    ),
    ("tensorrt-llm-main", &["trtllm"], &[("prefix-cache-hit-share", "hits", 0.4), ("kv-budget", "tokens", 64_000.0)]),
    ("nim-llm-1.x", &["nim"], &[("volume", "succeeded", 2.0)]),
    ("triton-ensemble", &["triton"], &[("volume", "succeeded", 2.0), ("end-to-end-latency", "mean", 1.0)]),
    (
        "openvino-model-server",
        &["ovms"],
        &[("volume", "succeeded", 3.0), ("inference-time", "mean", 0.06), ("queue-time", "mean", 0.002)],
    ),
    (
        "xinference-4.1.0",
        &["xinference"],
        &[("tokens-per-second", "prompt", 100.0), ("error-share", "failed", 0.05), ("gpu", "average", 0.66)],
    ),
    (
        "xinference-router-4.1.0",
        &["xinference-router"],
        &[
            ("volume", "finished", 3.0),
            ("error-share", "failed", 0.1),
            ("errors-by-cause", "cancelled", 0.2),
            ("requests-by-mode", "streamed", 2.5),
            ("router-decisions", "long", 1.0),
            ("pending-requests", "pending", 5.0),
            ("queue-time", "mean", 0.04),
        ],
    ),
    (
        "envoy-ai-gateway",
        &["gen-ai"],
        &[
            ("tokens-per-second", "prompt", 200.0),
            ("tokens-per-second", "generation", 40.0),
            ("time-to-first-token", "mean", 0.2),
            ("time-per-output-token", "mean", 0.02),
        ],
    ),
    (
        "otel-gen-ai-with-dots",
        &["gen-ai"],
        &[("volume", "finished", 2.0), ("end-to-end-latency", "mean", 0.5), ("time-to-first-token", "mean", 0.2)],
    ),
    (
        "otel-gen-ai-with-dots-and-units",
        &["gen-ai"],
        &[("volume", "finished", 2.0), ("time-per-output-token", "mean", 0.02)],
    ),
    ("otel-gen-ai-without-units", &["gen-ai"], &[("end-to-end-latency", "mean", 0.5)]),
    (
        "vllm-omni-0.30.0",
        &["vllm-omni"],
        &[("volume", "succeeded", 1.0), ("end-to-end-latency", "mean", 0.8), ("running-and-waiting", "running", 3.0)],
    ),
    ("traefik-3", &["traefik"], &[("concurrent-requests", "in flight", 14.0)]),
    (
        "smg-gateway",
        &["sglang-gateway"],
        &[
            ("volume", "2xx", 4.5),
            ("error-share", "server errors", 0.1),
            ("tokens-per-second", "prompt", 500.0),
            ("tokens-per-second", "generation", 120.0),
            ("evenness", "running", 1.5),
        ],
    ),
    (
        "vllm-production-stack-router",
        &["vllm", "vllm-router"],
        &[
            ("volume", "finished", 3.0),
            ("tokens-per-second", "prompt", 200.0),
            ("end-to-end-latency", "mean", 0.7),
            ("running-and-waiting", "running", 6.0),
        ],
    ),
    ("kserve-python", &["kserve"], &[("phase-times", "inference", 0.2), ("volume", "finished", 1.0)]),
    (
        "lmcache-0.5.6-multiprocess",
        &["lmcache"],
        &[
            ("kv-offload-use", "host", 0.5),
            ("cache-tiers", "host", 5e9),
            ("other-cache-hits", "LMCache in memory", 0.3),
            ("engine-failures", "store refused", 0.2),
        ],
    ),
    ("lmcache-0.5.6", &["lmcache"], &[("cache-load-time", "mean", 0.01), ("other-cache-hits", "LMCache", 0.4)]),
    (
        "amd-device-metrics-exporter",
        &["amd"],
        &[("gpu", "average", 0.6), ("gpu-memory", "in use", 200_000.0 * MIB), ("gpu-power", "drawn", 1200.0)],
    ),
    ("amd-smi-exporter", &["amd-smi"], &[("gpu-power", "drawn", 600.0), ("gpu-temperature", "hottest GPU", 60.0)]),
    (
        "ray-2.60.0-gpu-node",
        &["ray", "ray-node"],
        &[("gpu", "average", 0.65), ("gpu-memory", "in use", 80_000.0 * MIB)],
    ),
    (
        "ray-serve-2.60.0-autoscaler",
        &["ray"],
        &[
            ("autoscaler-load", "highest", 1.25),
            ("autoscaler-limits", "ScalingLimited", 1.0),
            ("first-token-stages", "queue at the router", 0.02),
        ],
    ),
    (
        "dynamo-component",
        &["dynamo"],
        &[
            ("prefix-cache-hit-share", "hits", 0.25),
            ("errors-by-cause", "inflight", 0.2),
            ("errors-by-cause", "rejected", 0.1),
            ("requests-by-mode", "streamed", 2.0),
        ],
    ),
    (
        "sglang-diffusion",
        &["sglang"],
        &[("volume", "finished", 1.0), ("end-to-end-latency", "mean", 3.0), ("running-and-waiting", "waiting", 4.0)],
    ),
    (
        "sglang-experts",
        &["sglang"],
        &[
            ("expert-balance", "busiest over mean", 1.25),
            ("cache-evictions", "dropped", 2.0),
            ("engine-failures", "grammar timed out", 0.02),
        ],
    ),
    (
        "sglang-encoder",
        &["sglang"],
        &[("first-token-stages", "encode", 0.3), ("pools", "encode", 4.0), ("other-cache-hits", "multimodal", 0.25)],
    ),
    (
        "vllm-offload-tiers",
        &["vllm"],
        &[
            ("cache-pays", "load", 1e-4),
            ("cache-pays", "prefill", 2e-3),
            ("kv-transfer-bytes", "loaded", 4e7),
            ("kv-transfer-bytes", "promoted", 2e6),
            ("engine-failures", "demotion failed", 0.04),
            ("other-cache-hits", "HiSparse", 0.9),
        ],
    ),
    (
        "vllm-mooncake-store",
        &["vllm"],
        &[
            ("kv-transfer-bytes", "stored", 2e6),
            ("cache-load-time", "mean", 0.01),
            ("engine-failures", "receive failed", 0.02),
        ],
    ),
    ("vllm-lora", &["vllm"], &[("lora", "active", 2.0)]),
    ("hami-vgpumonitor", &["hami"], &[("gpu", "average", 0.5), ("gpu-shares", "w-0", 4e9)]),
    ("gpustack-2.3.0", &["gpustack"], &[("tokens-per-second", "generation", 100.0), ("kv-cache-use", "in use", 0.4)]),
    ("semantic-router", &["semantic-router"], &[("volume", "finished", 2.0), ("gateway-overhead", "mean", 0.003)]),
    ("haproxy-3.2", &["haproxy"], &[("volume", "5xx", 0.3), ("pending-requests", "pending", 2.0)]),
    ("lmdeploy-0.18.0", &["lmdeploy"], &[("volume", "failed", 0.2), ("error-share", "failed", 1.0 / 11.0)]),
    (
        "kube-state-metrics-2.17",
        &["kubernetes"],
        &[("autoscaler-load", "highest", 1.4), ("autoscaler-limits", "ScalingLimited", 1.0)],
    ),
    ("gaudi-metric-exporter", &["gaudi"], &[("gpu", "average", 0.6), ("gpu-power", "drawn", 800.0)]),
    ("xpu-manager", &["xpu"], &[("gpu", "average", 0.6), ("gpu-memory", "in use", 6e10)]),
    ("ascend-npu-exporter", &["ascend"], &[("gpu", "average", 0.6), ("gpu-memory", "in use", 60_000.0 * MIB)]),
    ("neuron-monitor", &["neuron"], &[("gpu", "busiest", 0.86), ("gpu-memory", "in use", 2e10)]),
    ("all-smi-tpu", &["all-smi"], &[("gpu", "average", 0.6), ("gpu-power", "drawn", 240.0)]),
    ("mactop-apple-m3", &["mactop"], &[("gpu", "average", 0.9), ("gpu-power", "drawn", 30.0)]),
    ("jetson-stats-exporter", &["jetson"], &[("gpu-power", "drawn", 12.0), ("gpu-clocks", "SM", 9.18e8)]),
];

#[test]
fn composed_pages_show_what_is_right() {
    let pages = own_pages();
    let mut failures = Vec::new();
    for (name, engines, lines) in CASES {
        let page: &Capture = pages.iter().find(|page| page.name == *name).unwrap_or_else(|| panic!("no page {name}"));
        let scraped = Scraped::grown(page, &[("instance", "i1"), ("replica", "r1")], 3);
        let found: Vec<&str> = detect(scraped.names()).iter().map(|engine| engine.id).collect();
        if found != *engines {
            failures.push(format!("{name}: engines {found:?}"));
        }
        for (id, line, value) in *lines {
            let drawn = graph(id).and_then(|graph| scraped.lines(graph)).unwrap_or_default();
            let own = drawn.get(*line).copied().unwrap_or(f64::NAN);
            let is_right = (own - value).abs() <= 1e-6 * value.abs();
            if !is_right {
                failures.push(format!("{name}, {id}: {line} is {own}, not {value}: {drawn:?}"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
