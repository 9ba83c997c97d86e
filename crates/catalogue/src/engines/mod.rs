//! Every engine, and which recipes feed a graph.
mod contract;
mod gateways;
mod gpus;
mod machines;
mod nvidia;
mod others;
mod platforms;
mod sglang;
mod tgi;
mod vllm;

use crate::{Engine, Recipe};
use std::{collections::HashMap, sync::OnceLock};

pub use gpus::{GPU_METRICS, GpuMetric};

/// Every engine, innermost first: routers and frameworks come with the metrics of the engine inside. What repeats
/// another's series stands after it.
pub static ENGINES: &[&Engine] = &[
    &vllm::VLLM,
    &sglang::SGLANG,
    &tgi::TGI,
    &tgi::TEI,
    &nvidia::TRTLLM,
    &nvidia::TRITON,
    &others::LLAMACPP,
    &others::LMDEPLOY,
    &nvidia::NIM,
    &others::TORCHSERVE,
    &others::BENTOML,
    &tgi::TOOLKIT,
    &others::LMCACHE,
    &vllm::ROUTER,
    &sglang::RELAYED,
    &nvidia::DYNAMO,
    &others::RAY,
    &sglang::GATEWAY,
    &gateways::FASTAPI,
    &gateways::LITELLM,
    &gateways::ENDPOINT_PICKER,
    &tgi::CUSTOM_ROUTER,
    &gateways::ENVOY,
    &gateways::NGINX,
    &gateways::TRAEFIK,
    &platforms::BASETEN,
    &platforms::HUGGING_FACE,
    &contract::CONTRACT,
    &gpus::DCGM,
    &gpus::NVIDIA_SMI,
    &machines::CADVISOR,
    &machines::KUBERNETES,
    &others::RAY_NODE,
    &machines::HOST,
    &gpus::NVML,
    &machines::PROCESS,
    &machines::SCRAPER,
];

/// The engine of that id.
pub fn engine(id: &str) -> Option<&'static Engine> {
    ENGINES.iter().copied().find(|engine| engine.id == id)
}

/// The recipes that feed the graph of that id, with their engines in the order of [`ENGINES`].
pub fn recipes(graph: &str) -> &'static [(&'static Engine, &'static Recipe)] {
    static BY_GRAPH: OnceLock<HashMap<&'static str, Vec<(&'static Engine, &'static Recipe)>>> = OnceLock::new();
    let by_graph = BY_GRAPH.get_or_init(|| {
        let mut by_graph: HashMap<&str, Vec<_>> = HashMap::new();
        for engine in ENGINES {
            for recipe in engine.recipes {
                by_graph.entry(recipe.graph()).or_default().push((*engine, recipe));
            }
        }
        by_graph
    });
    by_graph.get(graph).map_or(&[], Vec::as_slice)
}
