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
    // A map would make the page larger, and there are about a hundred graphs.
    static BY_GRAPH: OnceLock<Vec<(&'static str, Vec<EngineRecipe>)>> = OnceLock::new();
    let by_graph = BY_GRAPH.get_or_init(|| {
        let mut by_graph: Vec<(&str, Vec<EngineRecipe>)> = Vec::new();
        for engine in ENGINES {
            for recipe in engine.recipes {
                let own = (*engine, recipe);
                match by_graph.iter_mut().find(|(graph, _)| *graph == recipe.graph()) {
                    Some((_, recipes)) => recipes.push(own),
                    None => by_graph.push((recipe.graph(), vec![own])),
                }
            }
        }
        by_graph
    });
    by_graph.iter().find(|(own, _)| *own == graph).map_or(&[], |(_, recipes)| recipes.as_slice())
}
