//! Models that are steps of a pipeline on the same server, and count its requests again.
use super::shape::Expression;

impl Expression<'_> {
    /// The models that are steps of a pipeline: those on a page that count as many requests as the one that takes longest.
    /// The names of the models do not say it, and each step counts the requests of the pipeline again.
    pub(super) fn steps(&self) -> Option<String> {
        if !self.recipe.is_without_steps {
            return None;
        }
        let [counts, times] = self.engine.steps.map(|name| {
            let series = || self.rate(&format!("{name}{{{}}}", self.matchers()));
            (self.context.present)(name).then(series)
        });
        let (counts, times) = (counts?, times?);
        let whole = format!("topk by (instance) (1, {times})");
        let like = |factor: &str| format!("on (instance) group_left () (({counts} and {whole}) * {factor})");
        Some(format!("(({counts} unless {whole}) >= {} <= {})", like("0.98"), like("1.02")))
    }
}
