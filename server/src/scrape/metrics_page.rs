//! A page as it came, and what is read from it before anything is stored.
use crate::target::failure::Failure;
use crate::target::identity::ScopeRules;
use bytes::Bytes;
use catalogue::engine_of;
use exposition::{Format, Label, Limits, SampleRef, for_each_sample};
use reqwest::header::HeaderValue;

/// A metrics page.
#[derive(Clone, Debug)]
pub struct Page {
    /// The text, unpacked.
    pub body: Bytes,
    /// How to read it.
    pub format: Format,
    /// What the server called it; none where no server did.
    pub content_type: Option<HeaderValue>,
}

/// What a target's pages told about it. Kept while it is down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Learned {
    pub(crate) engine: Option<&'static str>,
    pub(crate) model: Option<String>,
}

impl Page {
    /// A page that this process wrote, as Prometheus text.
    pub(crate) fn local(text: String) -> Self {
        Self { body: text.into(), format: Format::Text, content_type: None }
    }

    /// Calls `visit` for each sample.
    pub(crate) fn for_each_sample(&self, limits: &Limits, visit: &mut dyn FnMut(SampleRef<'_>)) -> Result<(), Failure> {
        Ok(for_each_sample(&self.body, self.format, limits, visit)?)
    }
}

/// Whether a new series may tell something beyond what is known. Only then the whole page is looked at again.
pub(crate) fn tells_more(known: &Learned, rules: &ScopeRules, name: &str, labels: &[Label<'_>]) -> bool {
    let engine = engine_of(name).map(|(_, engine)| engine.id);
    let model = model(rules, labels);
    engine.is_some() && engine != known.engine || model.is_some() && model != known.model.as_deref()
}

fn model<'a>(rules: &ScopeRules, labels: &'a [Label<'_>]) -> Option<&'a str> {
    let told = |name: &String| labels.iter().find(|label| label.name == *name && !label.value.is_empty());
    rules.model.iter().find_map(told).map(|label| &*label.value)
}

/// Gathers what a page tells while its samples go by.
#[derive(Default)]
pub(crate) struct Learning {
    engine: Option<(usize, &'static str)>,
    models: Vec<String>,
    last_name: String,
}

impl Learning {
    /// Takes a sample's name and labels into account.
    pub(crate) fn see(&mut self, rules: &ScopeRules, name: &str, labels: &[Label<'_>]) {
        // Samples of one family follow each other.
        if self.last_name != name {
            name.clone_into(&mut self.last_name);
            let named = engine_of(name).map(|(rank, engine)| (rank, engine.id));
            self.engine = self.engine.into_iter().chain(named).min();
        }
        if let Some(model) = model(rules, labels)
            && !self.models.iter().any(|known| known == model)
        {
            self.models.push(model.to_owned());
        }
    }

    /// What is known after this page, where `before` was known already. A page that tells nothing changes nothing,
    /// and one that names more models, such as adapters beside their base, keeps the one known.
    pub(crate) fn conclude(self, before: &Learned) -> Learned {
        let keeps = |model: &String| self.models.is_empty() || self.models.contains(model);
        let model = match &self.models[..] {
            [only] => Some(only.clone()),
            _ => before.model.clone().filter(keeps),
        };
        Learned { engine: self.engine.map(|(_, engine)| engine).or(before.engine), model }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learn(text: &'static str, before: &Learned) -> Learned {
        let (page, rules) = (Page::local(text.into()), ScopeRules::default());
        let mut learning = Learning::default();
        page.for_each_sample(&Limits::default(), &mut |sample| learning.see(&rules, sample.name, sample.labels))
            .expect("a page");
        learning.conclude(before)
    }

    #[test]
    fn one_model_name_is_the_model() {
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
    fn the_engine_inside_counts_more_than_the_router_around_it() {
        let text = "ray_serve_x 1\ndynamo_frontend_y 1\nvllm:z 1\nDCGM_FI_DEV_GPU_UTIL 1\n";
        assert_eq!(learn(text, &Learned::default()).engine, Some("vllm"));
    }
}
