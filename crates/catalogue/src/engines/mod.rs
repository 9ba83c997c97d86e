//! Every engine, and the recipes that feed each graph.
#[macro_use]
mod probes;

mod gateways;
mod gpus;
mod inferboard;
mod machines;
mod nvidia;
mod others;
mod platforms;
mod sglang;
mod tgi;
mod vllm;

use crate::{Engine, Recipe};
use std::collections::HashMap;
use std::sync::OnceLock;

pub use gpus::{GPU_METRICS, GpuMetric};
pub use probes::PROBE_PATHS;

/// Every engine, innermost first, because routers and frameworks re-export the metrics of the engine inside. An engine
/// that re-exports another's series comes after it.
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
    &sglang::REEXPORTED,
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
    &gateways::UNREAD_PROXIES,
    &platforms::BASETEN,
    &platforms::HUGGING_FACE,
    &inferboard::INFERBOARD,
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

/// The engine with this id.
pub fn engine(id: &str) -> Option<&'static Engine> {
    ENGINES.iter().copied().find(|engine| engine.id == id)
}

/// A recipe and its engine.
pub type EngineRecipe = (&'static Engine, &'static Recipe);

/// The recipes that feed the graph with this id, in the order of [`ENGINES`].
pub fn recipes(graph: &str) -> &'static [EngineRecipe] {
    static BY_GRAPH: OnceLock<HashMap<&'static str, Vec<EngineRecipe>>> = OnceLock::new();
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
