//! What a target's samples and its server reveal about it: engines, models, and whether it is a replica.
use crate::target::scope_rules::ScopeRules;
use catalogue::contract::TargetRole;
use catalogue::{Engine, Layer, engine_of, engines, role_of};
use exposition::Label;
use std::collections::BTreeSet;

/// The maximum number of models that are listed for one target.
const MAX_MODELS: usize = 200;

/// What has been revealed about a target. It is kept while the target is down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Learned {
    /// The engines on its metrics page, innermost first.
    pub(crate) engines: Vec<&'static str>,
    /// The one model that all its samples get, unless they name another.
    pub(crate) model: Option<String>,
    /// Every model that it serves.
    pub(crate) models: BTreeSet<String>,
    /// What it is, if it is no replica.
    pub(crate) role: Option<TargetRole>,
}

impl Learned {
    /// Whether a new series names an engine or a model other than the known ones. Only then are all samples examined.
    pub(crate) fn is_changed_by(&self, rules: &ScopeRules, name: &str, labels: &[Label<'_>]) -> bool {
        let engine = engine_of(name).map(|(_, engine)| engine);
        let by_rule = model_by_rule(rules, labels);
        let own = engine.filter(|engine| names_models(engine)).and_then(|_| own_model(labels));
        engine.is_some_and(|engine| !self.engines.contains(&engine.id))
            || by_rule.is_some() && by_rule != self.model.as_deref()
            || own.is_some_and(|model| !self.models.contains(model))
    }

    /// Notes the model that the server itself says it serves, for a target whose samples name none.
    pub(crate) fn set_served_model(&mut self, model: String) {
        self.models = BTreeSet::from([model.clone()]);
        self.model = Some(model);
    }

    /// Whether no model is known.
    pub(crate) fn lacks_model(&self) -> bool {
        self.model.is_none() && self.models.is_empty()
    }
}

/// Whether the label `model` of an engine's metrics is an inference model; on a host's it may be that of a disk.
fn names_models(engine: &Engine) -> bool {
    !matches!(engine.layer, Layer::Machine | Layer::Proxy)
}

/// A label of a sample, if it has a value.
fn label<'a>(labels: &'a [Label<'_>], name: &str) -> Option<&'a str> {
    labels.iter().find(|label| label.name == name && !label.value.is_empty()).map(|label| &*label.value)
}

fn model_by_rule<'a>(rules: &ScopeRules, labels: &'a [Label<'_>]) -> Option<&'a str> {
    rules.model.iter().find_map(|name| label(labels, name))
}

/// The sample's own label for models, which needs no rule.
fn own_model<'a>(labels: &'a [Label<'_>]) -> Option<&'a str> {
    label(labels, "model")
}

/// Learns from the samples of one scrape.
#[derive(Default)]
pub(crate) struct Learner {
    /// The ranks of the engines.
    engines: BTreeSet<usize>,
    /// The models that rules name.
    by_rule: Vec<String>,
    /// The models that samples of inference engines end up with.
    models: BTreeSet<String>,
    last_name: String,
    last_names_models: bool,
}

impl Learner {
    /// Examines one sample.
    pub(crate) fn observe(&mut self, rules: &ScopeRules, name: &str, labels: &[Label<'_>]) {
        // The samples of a family are consecutive.
        if self.last_name != name {
            name.clone_into(&mut self.last_name);
            let ranked = engine_of(name);
            self.engines.extend(ranked.map(|(rank, _)| rank));
            self.last_names_models = ranked.is_some_and(|(_, engine)| names_models(engine));
        }
        let by_rule = model_by_rule(rules, labels);
        if let Some(model) = by_rule
            && !self.by_rule.iter().any(|known| known == model)
        {
            self.by_rule.push(model.to_owned());
        }
        if let Some(model) = own_model(labels).or(by_rule).filter(|_| self.last_names_models)
            && self.models.len() < MAX_MODELS
            && !self.models.contains(model)
        {
            self.models.insert(model.to_owned());
        }
    }

    /// The new knowledge, given the knowledge `before` the scrape. If rules name several models, such as adapters and
    /// their base, the known one is kept if it is among them.
    pub(crate) fn conclude(self, before: &Learned) -> Learned {
        let names_none = self.by_rule.is_empty() && self.models.is_empty();
        let model = match &self.by_rule[..] {
            [only] => Some(only.clone()),
            // Samples with a label `model` of their own say nothing about the others.
            [] if !names_none => None,
            several => before.model.clone().filter(|model| several.is_empty() || several.contains(model)),
        };
        let mut models = if names_none { before.models.clone() } else { self.models };
        models.extend(model.clone());
        let engines: Vec<&Engine> = self.engines.iter().filter_map(|rank| engines().get(*rank).copied()).collect();
        if engines.is_empty() {
            return Learned { model, models, ..before.clone() };
        }
        let role = role_of(&engines);
        Learned { engines: engines.iter().map(|engine| engine.id).collect(), model, models, role }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use exposition::{Format, Limits, for_each_sample};

    fn learn(page: &str, before: &Learned) -> Learned {
        let (mut learner, rules) = (Learner::default(), ScopeRules::default());
        for_each_sample(page.as_bytes(), Format::Text, &Limits::default(), &mut |sample| {
            learner.observe(&rules, sample.name, sample.labels);
        })
        .expect("a page");
        learner.conclude(before)
    }

    fn models(learned: &Learned) -> Vec<&str> {
        learned.models.iter().map(String::as_str).collect()
    }

    #[test]
    fn a_single_model_name_is_the_model() {
        let nothing = Learned::default();
        let known = learn("vllm:x{model_name=\"a\"} 1\nvllm:y{model_name=\"a\"} 1\nup 1\n", &nothing);
        assert_eq!(
            (&known.engines[..], known.model.as_deref(), &models(&known)[..]),
            (&["vllm"][..], Some("a"), &["a"][..])
        );
        assert_eq!(learn("x 1\n", &known), known);
        assert_eq!(learn("x{model_name=\"a\"} 1\nx{model_name=\"b\"} 1\n", &known).model, known.model);
        assert_eq!(learn("x{model_name=\"a\"} 1\nx{model_name=\"b\"} 1\n", &nothing), nothing);
        assert_eq!(learn("x{model_name=\"c\"} 1\n", &known).model.as_deref(), Some("c"));
        assert_eq!(learn("x{model_name=\"c\"} 1\nx{model_name=\"b\"} 1\n", &known).model, None);
    }

    #[test]
    fn models_that_are_only_labels_of_samples_are_listed_and_given_to_no_other_sample() {
        let page = "nv_inference_count{model=\"one\"} 1\nnv_inference_count{model=\"two\"} 1\nnv_cpu_utilization 0.5\n";
        let learned = learn(page, &Learned::default());
        assert_eq!((&models(&learned)[..], &learned.model), (&["one", "two"][..], &None));
        // One that remains after a restart of the companion is not that of the other samples either.
        let restored = Learned { model: Some("one".into()), ..Learned::default() };
        assert_eq!(learn("nv_inference_count{model=\"one\"} 1\n", &restored).model, None);
        // A disk has a model too.
        assert!(models(&learn("node_disk_info{model=\"Disk 9\"} 1\n", &Learned::default())).is_empty());
    }

    #[test]
    fn the_inner_engine_takes_precedence_over_the_router_around_it() {
        let role = |text: &str| {
            let learned = learn(text, &Learned::default());
            (learned.engines[0], learned.role)
        };
        assert_eq!(role("dynamo_frontend_y 1\nvllm:z 1\nDCGM_FI_DEV_GPU_UTIL 1\n"), ("vllm", None));
        assert_eq!(role("ray_serve_x 1\nray_vllm_z 1\nray_node_cpu_count 1\n"), ("vllm", Some(TargetRole::Exporter)));
        assert_eq!(role("vllm:healthy_pods_total 1\nvllm:z 1\n"), ("vllm", Some(TargetRole::Gateway)));
        assert_eq!(role("lmcache:num_hit_tokens_total 1\nvllm:z 1\n"), ("vllm", None));
        assert_eq!(role("lmcache:num_hit_tokens_total 1\n"), ("lmcache", Some(TargetRole::Exporter)));
    }
}
