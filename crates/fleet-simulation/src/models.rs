//! The models of the demo's fleet: what they run on, how they are scaled, and what is requested of them.
use crate::autoscaler::Scaling;
use crate::batch::{Hardware, Role};
use crate::dialects::EngineKind;
use crate::gpu::{H100, L40S};
use crate::replica::ReplicaSpec;
use crate::traffic::Workload;

/// A model of the fleet.
#[derive(Clone, Debug)]
pub(crate) struct ModelSpec {
    pub(crate) name: &'static str,
    /// The name under which engines serve it.
    pub(crate) served_name: &'static str,
    /// The first deployment, and the next one with its engine.
    pub(crate) deployments: [(&'static str, EngineKind); 2],
    pub(crate) pools: Vec<PoolSpec>,
    pub(crate) workload: Workload,
    /// Whether a hosted platform runs it, and shows no more than an endpoint.
    pub(crate) is_hosted: bool,
}

/// The replicas of a model that do the same work.
#[derive(Clone, Debug)]
pub(crate) struct PoolSpec {
    pub(crate) replica: ReplicaSpec,
    pub(crate) scaling: Scaling,
    /// Part of the names of its replicas; empty if there is one pool.
    pub(crate) suffix: &'static str,
    pub(crate) port: u16,
}

/// The models of the fleet.
pub(crate) fn models() -> Vec<ModelSpec> {
    vec![llama_chat(), code_assist(), summarize(), moderation()]
}

fn llama_chat() -> ModelSpec {
    ModelSpec {
        name: "llama-chat",
        served_name: "meta-llama/Llama-3.3-70B-Instruct",
        deployments: [("v41", EngineKind::Vllm09), ("v42", EngineKind::Vllm032)],
        pools: vec![PoolSpec {
            replica: ReplicaSpec {
                role: Role::Unified,
                hardware: Hardware {
                    step_s: 0.020,
                    step_per_request_s: 8e-5,
                    step_per_kv_token_s: 4e-8,
                    prefill_rate: 14_000.0,
                    chunk_tokens: 2_048.0,
                    kv_tokens: 160_000.0,
                    max_running: 48,
                    kv_bytes_per_token: 327_680.0,
                },
                gpu: H100,
                gpus: 4,
                load_s: 95.0,
                max_model_len: 32_768.0,
                memory_bytes: 9.6e9,
            },
            scaling: Scaling { min: 2, max: 4, requests_per_replica: 26.0 },
            suffix: "",
            port: 8000,
        }],
        workload: Workload {
            peak_rate: 7.0,
            night_share: 0.2,
            prompt: (650.0, 0.9),
            answer: (260.0, 0.7),
            max_tokens: (24_000, 2_048),
            shared_prefix: 0.45,
            invalid_share: 0.004,
            abandoned_share: 0.015,
        },
        is_hosted: false,
    }
}

fn code_assist() -> ModelSpec {
    let hardware = Hardware {
        step_s: 0.012,
        step_per_request_s: 6e-5,
        step_per_kv_token_s: 5e-8,
        prefill_rate: 16_000.0,
        chunk_tokens: 8_192.0,
        kv_tokens: 340_000.0,
        max_running: 128,
        kv_bytes_per_token: 262_144.0,
    };
    let pool = |role: Role, scaling: Scaling, suffix: &'static str| PoolSpec {
        replica: ReplicaSpec {
            role,
            hardware,
            gpu: H100,
            gpus: 2,
            load_s: 60.0,
            max_model_len: 32_768.0,
            memory_bytes: 7.2e9,
        },
        scaling,
        suffix,
        port: 30_000,
    };
    ModelSpec {
        name: "code-assist",
        served_name: "Qwen/Qwen2.5-Coder-32B-Instruct",
        deployments: [("v7", EngineKind::Sglang), ("v8", EngineKind::Sglang)],
        pools: vec![
            pool(Role::Prefill, Scaling { min: 1, max: 4, requests_per_replica: 3.0 }, "-prefill"),
            pool(Role::Decode, Scaling { min: 1, max: 4, requests_per_replica: 22.0 }, "-decode"),
        ],
        workload: Workload {
            peak_rate: 5.0,
            night_share: 0.12,
            prompt: (2_600.0, 0.8),
            answer: (110.0, 0.8),
            max_tokens: (28_000, 1_024),
            shared_prefix: 0.6,
            invalid_share: 0.002,
            abandoned_share: 0.08,
        },
        is_hosted: false,
    }
}

fn summarize() -> ModelSpec {
    ModelSpec {
        name: "summarize",
        served_name: "mistralai/Mistral-Small-24B-Instruct-2501",
        deployments: [("v3", EngineKind::Tgi), ("v4", EngineKind::Tgi)],
        pools: vec![PoolSpec {
            replica: ReplicaSpec {
                role: Role::Unified,
                hardware: Hardware {
                    step_s: 0.024,
                    step_per_request_s: 1.5e-4,
                    step_per_kv_token_s: 9e-8,
                    prefill_rate: 9_000.0,
                    chunk_tokens: 4_096.0,
                    kv_tokens: 110_000.0,
                    max_running: 64,
                    kv_bytes_per_token: 163_840.0,
                },
                gpu: L40S,
                gpus: 2,
                load_s: 50.0,
                max_model_len: 16_384.0,
                memory_bytes: 5.1e9,
            },
            scaling: Scaling { min: 1, max: 3, requests_per_replica: 18.0 },
            suffix: "",
            port: 8080,
        }],
        workload: Workload {
            peak_rate: 1.1,
            night_share: 0.1,
            prompt: (2_400.0, 0.7),
            answer: (170.0, 0.5),
            max_tokens: (14_000, 512),
            shared_prefix: 0.05,
            invalid_share: 0.01,
            abandoned_share: 0.004,
        },
        is_hosted: false,
    }
}

fn moderation() -> ModelSpec {
    ModelSpec {
        name: "moderation",
        served_name: "moderation",
        deployments: [("moderation-prd", EngineKind::Tgi), ("moderation-prd", EngineKind::Tgi)],
        pools: vec![PoolSpec {
            replica: ReplicaSpec {
                role: Role::Unified,
                hardware: Hardware {
                    step_s: 0.009,
                    step_per_request_s: 1e-4,
                    step_per_kv_token_s: 1e-7,
                    prefill_rate: 22_000.0,
                    chunk_tokens: 4_096.0,
                    kv_tokens: 60_000.0,
                    max_running: 32,
                    kv_bytes_per_token: 65_536.0,
                },
                gpu: L40S,
                gpus: 1,
                load_s: 40.0,
                max_model_len: 4_096.0,
                memory_bytes: 3e9,
            },
            scaling: Scaling { min: 1, max: 3, requests_per_replica: 4.0 },
            suffix: "",
            port: 80,
        }],
        workload: Workload {
            peak_rate: 6.0,
            night_share: 0.3,
            prompt: (180.0, 0.6),
            answer: (9.0, 0.4),
            max_tokens: (3_000, 64),
            shared_prefix: 0.1,
            invalid_share: 0.006,
            abandoned_share: 0.0,
        },
        is_hosted: true,
    }
}
