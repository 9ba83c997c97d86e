//! The engine and the model, learned from the samples of a target.
use crate::target::scope_rules::ScopeRules;
use catalogue::engine_of;
use exposition::Label;

/// What a target's samples have revealed about it. It is kept while the target is down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Learned {
    pub(crate) engine: Option<&'static str>,
    pub(crate) model: Option<String>,
}

impl Learned {
    /// Whether a new series names an engine or a model other than the known ones. Only then are all samples examined.
    pub(crate) fn is_changed_by(&self, rules: &ScopeRules, name: &str, labels: &[Label<'_>]) -> bool {
        let engine = engine_of(name).map(|(_, engine)| engine.id);
        let model = model_label(rules, labels);
        engine.is_some() && engine != self.engine || model.is_some() && model != self.model.as_deref()
    }
}

fn model_label<'a>(rules: &ScopeRules, labels: &'a [Label<'_>]) -> Option<&'a str> {
    let label = |name: &String| labels.iter().find(|label| label.name == *name && !label.value.is_empty());
    rules.model.iter().find_map(label).map(|label| &*label.value)
}

/// Learns from the samples of one scrape.
#[derive(Default)]
pub(crate) struct Learner {
    engine: Option<(usize, &'static str)>,
    models: Vec<String>,
    last_name: String,
}

impl Learner {
    /// Examines one sample.
    pub(crate) fn observe(&mut self, rules: &ScopeRules, name: &str, labels: &[Label<'_>]) {
        // The samples of a family are consecutive.
        if self.last_name != name {
            name.clone_into(&mut self.last_name);
            let ranked = engine_of(name).map(|(rank, engine)| (rank, engine.id));
            self.engine = self.engine.into_iter().chain(ranked).min();
        }
        if let Some(model) = model_label(rules, labels)
            && !self.models.iter().any(|known| known == model)
        {
            self.models.push(model.to_owned());
        }
    }

    /// The new knowledge, given the knowledge `before` the scrape. If the samples name several models, such as adapters
    /// and their base, the known one is kept if it is among them.
    pub(crate) fn conclude(self, before: &Learned) -> Learned {
        let is_still_named = |model: &String| self.models.is_empty() || self.models.contains(model);
        let model = match &self.models[..] {
            [only] => Some(only.clone()),
            _ => before.model.clone().filter(is_still_named),
        };
        Learned { engine: self.engine.map(|(_, engine)| engine).or(before.engine), model }
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

    #[test]
    fn a_single_model_name_is_the_model() {
        let nothing = Learned::default();
        let known = Learned { engine: Some("vllm"), model: Some("a".into()) };
        assert_eq!(learn("vllm:x{model_name=\"a\"} 1\nvllm:y{model_name=\"a\"} 1\nup 1\n", &nothing), known);
        assert_eq!(learn("x 1\n", &known), known);
        assert_eq!(learn("x{model_name=\"a\"} 1\nx{model_name=\"b\"} 1\n", &known), known);
        assert_eq!(learn("x{model_name=\"a\"} 1\nx{model_name=\"b\"} 1\n", &nothing), nothing);
        assert_eq!(learn("x{model_name=\"c\"} 1\n", &known).model.as_deref(), Some("c"));
        assert_eq!(learn("x{model_name=\"c\"} 1\nx{model_name=\"b\"} 1\n", &known).model, None);
    }

    #[test]
    fn the_inner_engine_takes_precedence_over_the_router_around_it() {
        let text = "ray_serve_x 1\ndynamo_frontend_y 1\nvllm:z 1\nDCGM_FI_DEV_GPU_UTIL 1\n";
        assert_eq!(learn(text, &Learned::default()).engine, Some("vllm"));
    }
}
