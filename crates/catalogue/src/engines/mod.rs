//! Every engine, and the recipes that feed each graph.
#[macro_use]
mod probes;

mod accelerators;
mod dcgm;
mod gateways;
mod gpus;
mod inferboard;
mod machines;
mod nvidia;
mod others;
mod platforms;
mod routers;
mod servers;
mod sglang;
mod tgi;
mod vllm;

use crate::{Engine, Recipe};
use std::sync::OnceLock;

pub use gpus::{GPU_METRICS, GpuMetric};
pub use probes::PROBE_PATHS;

/// Every engine of the catalogue, innermost first, because routers and frameworks re-export the metrics of the engine inside. An engine
/// that re-exports another's series comes after it.
pub static ENGINES: &[&Engine] = &[
    &vllm::OMNI,
    &vllm::VLLM,
    &sglang::SGLANG,
    &tgi::TGI,
    &tgi::TEI,
    &nvidia::TRTLLM,
    &nvidia::TRTLLM_BARE,
    &nvidia::TRITON,
    &others::LLAMACPP,
    &others::LMDEPLOY,
    &nvidia::NIM,
    &servers::OVMS,
    &servers::XINFERENCE,
    &servers::TORCHSERVE,
    &servers::BENTOML,
    &tgi::TOOLKIT,
    &others::LMCACHE,
    &vllm::ROUTER,
    &sglang::REEXPORTED,
    &nvidia::DYNAMO,
    &others::RAY,
    &sglang::GATEWAY,
    &servers::KSERVE,
    &servers::GPUSTACK,
    &gateways::FASTAPI,
    &gateways::LITELLM,
    &servers::TOKEN_ROUTER,
    &routers::COORDINATOR,
    &routers::SIDECAR,
    &routers::ENDPOINT_PICKER,
    &routers::GEN_AI,
    &routers::SEMANTIC,
    &tgi::CUSTOM_ROUTER,
    &gateways::ENVOY,
    &gateways::NGINX,
    &gateways::TRAEFIK,
    &gateways::HAPROXY,
    &gateways::CADDY,
    &gateways::NGINX_EXPORTER,
    &platforms::BASETEN,
    &platforms::HUGGING_FACE,
    &inferboard::INFERBOARD,
    &dcgm::DCGM,
    &gpus::NVIDIA_SMI,
    &accelerators::EFFICIENCY,
    &accelerators::HAMI,
    &accelerators::AMD,
    &accelerators::AMD_SMI,
    &accelerators::GAUDI,
    &accelerators::XPU,
    &accelerators::ASCEND,
    &accelerators::NEURON,
    &accelerators::ALL_SMI,
    &accelerators::MACTOP,
    &accelerators::JETSON,
    &machines::CADVISOR,
    &machines::KUBERNETES,
    &others::RAY_NODE,
    &machines::HOST,
    &gpus::NVML,
    &machines::PROCESS,
    &machines::SCRAPER,
];

/// The id of the engine with inferboard's own names.
pub(crate) const INFERBOARD_ID: &str = inferboard::INFERBOARD.id;

/// Those of [`ENGINES`], and the one with the user's own names, if there is one.
static ALL: OnceLock<Vec<&'static Engine>> = OnceLock::new();

/// Every engine: those of the catalogue, and after them one with the user's own names, if a configuration has some.
pub fn engines() -> &'static [&'static Engine] {
    ALL.get_or_init(|| ENGINES.to_vec())
}

/// Adds the engine with the user's own names. Returns whether no one had asked for the engines before.
pub(crate) fn set_own_engine(engine: &'static Engine) -> bool {
    ALL.set(ENGINES.iter().copied().chain([engine]).collect()).is_ok()
}

/// The engine with this id.
pub fn engine(id: &str) -> Option<&'static Engine> {
    engines().iter().copied().find(|engine| engine.id == id)
}

/// A recipe and its engine.
pub type EngineRecipe = (&'static Engine, &'static Recipe);

/// The recipes that feed the graph with this id, in the order of [`engines`].
pub fn recipes(graph: &str) -> &'static [EngineRecipe] {
    // A map would make the page larger, and there are about a hundred graphs.
    static BY_GRAPH: OnceLock<Vec<(&'static str, Vec<EngineRecipe>)>> = OnceLock::new();
    let by_graph = BY_GRAPH.get_or_init(|| {
        let mut by_graph: Vec<(&str, Vec<EngineRecipe>)> = Vec::new();
        for engine in engines() {
            for recipe in engine.recipes.iter() {
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
