//! The type that describes an engine: how it is recognised, and the recipes for its metrics.
use crate::contract::TargetRole;
use crate::{Layer, Recipes};

/// A source of metrics: an inference engine, a gateway, a platform's export, or a hardware exporter.
#[derive(Debug)]
pub struct Engine {
    /// Stable name.
    pub id: &'static str,
    /// Name on the page.
    pub title: &'static str,
    /// Where it measures requests.
    pub layer: Layer,
    /// How its metrics are recognised; one match is enough.
    pub signatures: &'static [Signature],
    /// Names of which one must be present, where those of its recipes are too common to say whose they are.
    pub requires: &'static [&'static str],
    /// The other prefixes under which its metrics are exported.
    pub prefix_aliases: Option<PrefixAliases>,
    /// Matchers that select its own series and exclude the copies that a router re-exports.
    pub own_matchers: &'static str,
    /// Labels of processes that each report the same requests; the largest value of them counts.
    pub rank_labels: &'static [&'static str],
    /// Counters of requests and of their time, by which models that are steps of a pipeline are told: each counts the
    /// pipeline's requests again. Empty where there are none.
    pub steps: [&'static str; 2],
    /// The label that identifies its replicas; empty for the backend's own.
    pub replica_label: &'static str,
    /// The label that identifies GPUs.
    pub gpu_label: &'static str,
    /// Whether pages have few of its metrics, as those of exporters and gateways: discovery then asks for all with its
    /// prefixes, as a list of their names would make its query too long.
    pub has_few_names: bool,
    /// Whether a page may have two names of a metric with different labels, so that only the newer one counts.
    pub has_relabelled_names: bool,
    /// What a target with its metrics is, if its layer does not say it: none for a replica.
    pub role: Option<TargetRole>,
    /// Whether its metrics are on metrics pages of others' metrics, so that its role is that of the target even if those of
    /// an inner engine are there too.
    pub repeats_others: bool,
    /// Where it says which model it serves, in the order in which it is asked. For engines whose metrics may not name it.
    pub model_apis: &'static [ModelApi],
    /// Where its version is found.
    pub version: Option<VersionLabel>,
    /// The id of the engine whose series it re-exports: both share line names, and the original takes precedence.
    pub reexports: Option<&'static str>,
    /// The endpoint that says whether it is ready; none unless a request for it is known to cost nothing.
    pub health: Option<HealthEndpoint>,
    /// The flag or path that its metrics require; empty where they require nothing.
    pub turn_on: &'static str,
    /// Where its metrics are documented. Empty in the page.
    pub source: &'static str,
    /// Whether its recipes are tested with a metrics page of a running server.
    pub is_captured: bool,
    /// The lines that its metrics draw.
    pub recipes: Recipes,
}

/// A text that only documents have: it is left out of the page, which has a size limit.
pub(crate) const fn for_documents(text: &'static str) -> &'static str {
    if cfg!(target_family = "wasm") { "" } else { text }
}

/// The prefix of an engine's metrics and what exporters turn it into: `vllm:` and `ray_vllm_`.
#[derive(Clone, Copy, Debug)]
pub struct PrefixAliases {
    /// The prefix that the engine writes.
    pub original: &'static str,
    /// The others.
    pub others: &'static [&'static str],
}

/// An endpoint that says whether a server is ready: 200 if it is, 503 if it is not. A request for it makes no model work,
/// needs no credentials, and appears in none of the engine's metrics of requests.
#[derive(Clone, Copy, Debug)]
pub struct HealthEndpoint {
    /// Its path.
    pub path: &'static str,
    /// Whether the engine serves its metrics page before it is ready, so that the page alone does not say that it is.
    pub is_needed_with_page: bool,
}

/// The endpoint of most engines. Their metrics page is not there before they are ready, so it is needed only where the page
/// fails.
pub(crate) const HEALTH: Option<HealthEndpoint> = Some(HealthEndpoint { path: "/health", is_needed_with_page: false });

/// The label that holds an engine's version.
#[derive(Clone, Copy, Debug)]
pub struct VersionLabel {
    /// The metric that has the label, or a prefix of such metrics that ends in an asterisk.
    pub metric: &'static str,
    /// The label, under each of its names.
    pub labels: &'static [&'static str],
}

/// A resource from which a server's model is read. Each answers from memory and does no work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelApi {
    /// `/v1/models` of the OpenAI API: `data` is a list of models with an `id`; adapters have a `parent`.
    /// Source: https://platform.openai.com/docs/api-reference/models, and vLLM's `ModelCard`.
    Models,
    /// `/info` of Hugging Face's servers, with `model_id`.
    /// Source: https://huggingface.github.io/text-generation-inference.
    Info,
    /// `/props` of llama.cpp, with `model_alias` and `model_path`.
    /// Source: tools/server/README.md in its repository.
    Props,
}

impl ModelApi {
    /// Its path, below that of the server.
    pub fn path(self) -> &'static str {
        match self {
            Self::Models => "/v1/models",
            Self::Info => "/info",
            Self::Props => "/props",
        }
    }
}

/// How an engine is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// The prefix of its metrics.
    Prefix(&'static str),
    /// One metric, for engines whose other names are too common.
    Name(&'static str),
}

impl Engine {
    /// What a target is whose innermost engine this is; none for a replica.
    pub fn target_role(&self) -> Option<TargetRole> {
        self.role.or(match self.layer {
            Layer::Gateway | Layer::Proxy => Some(TargetRole::Gateway),
            Layer::Machine => Some(TargetRole::Exporter),
            Layer::Platform | Layer::Server | Layer::Engine => None,
        })
    }

    /// The defaults of an engine's fields.
    pub(crate) const PLAIN: Self = Self {
        id: "",
        title: "",
        layer: Layer::Engine,
        signatures: &[],
        requires: &[],
        prefix_aliases: None,
        own_matchers: "",
        rank_labels: &[],
        steps: [""; 2],
        replica_label: "",
        gpu_label: "gpu",
        has_few_names: false,
        has_relabelled_names: false,
        role: None,
        repeats_others: false,
        model_apis: &[],
        version: None,
        reexports: None,
        health: None,
        turn_on: "",
        source: "",
        is_captured: true,
        recipes: Recipes::NONE,
    };

    /// Every spelling of a name in its recipes, the original first.
    pub fn spellings(&self, name: &str) -> Vec<String> {
        let mut names = vec![name.to_owned()];
        if let Some(PrefixAliases { original, others }) = self.prefix_aliases
            && let Some(rest) = name.strip_prefix(original)
        {
            names.extend(others.iter().map(|other| format!("{other}{rest}")));
        }
        names
    }
}
