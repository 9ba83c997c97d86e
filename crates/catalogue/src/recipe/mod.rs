//! The type that describes how an engine's metrics make a line of a graph.
mod constructors;
#[macro_use]
mod packed;
mod shape;

pub(crate) use constructors::{
    avg, avg_rate, avg_rate_by, histogram, max, max_by, mean, mean_by, min, quantiles, rate, rate_by, rate_by_class,
    ratio, ratio_by, raw, share_of, sum, sum_by,
};
pub(crate) use packed::Packer;
pub use packed::Recipes;
pub use shape::{Aggregation, Names, Shape};

use crate::Layer;
use crate::engine::for_documents;

/// How the metrics of one engine make a line of a graph.
#[derive(Debug)]
pub struct Recipe {
    /// What it draws: the id of a graph, or `id/line` for a named line.
    pub feeds: &'static str,
    /// How the metrics are combined.
    pub shape: Shape,
    /// The factor from the metrics' unit to the graph's: 0.001 for milliseconds.
    pub scale: f64,
    /// A constant that is added to a ratio: 1 where the numerator counts only what exceeds one.
    pub plus: f64,
    /// A comparison that drops values which mean "unknown", such as `< 9e18`.
    pub valid: &'static str,
    /// The labels of what is measured, if a metrics page repeats its values under further labels: the largest of them
    /// counts. Empty where nothing is repeated.
    pub once_by: &'static [&'static str],
    /// Whether models that are steps of a pipeline are left out, see [`crate::Engine::steps`].
    pub is_without_steps: bool,
    /// Whether servers that only prefill for others are left out, as their requests are counted again where they are
    /// decoded.
    pub is_without_prefill: bool,
    /// How many lines are drawn one by one where a label has values without end; the rest are one line. Zero for all.
    pub top: u8,
    /// The layer at which it counts, if not its engine's.
    pub layer: Option<Layer>,
    /// The feature or flag that these metrics require; empty if none.
    pub needs: &'static str,
    /// The first version of the engine that exports them; empty if all do.
    pub since: &'static str,
    /// Where its names are documented, if no metrics page in this repository has them. Empty in the page.
    pub documented: &'static str,
}

impl Recipe {
    /// The id of the graph that it feeds.
    pub fn graph(&self) -> &'static str {
        self.feeds.split_once('/').map_or(self.feeds, |(graph, _)| graph)
    }

    /// The name of the line that it draws; empty if the shape names its lines.
    pub fn line(&self) -> &'static str {
        self.feeds.split_once('/').map_or("", |(_, line)| line)
    }

    /// Every name that it reads, with the matchers that it carries.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        let [first, second] = self.shape.names();
        first.iter().chain(second).copied()
    }

    const fn new(feeds: &'static str, shape: Shape) -> Self {
        Self {
            feeds,
            shape,
            scale: 1.0,
            plus: 0.0,
            valid: "",
            once_by: &[],
            is_without_steps: false,
            is_without_prefill: false,
            top: 0,
            layer: None,
            needs: "",
            since: "",
            documented: "",
        }
    }

    /// A recipe for a user's own metric.
    pub(crate) fn of_own(feeds: &'static str, shape: Shape, scale: f64, layer: Layer) -> Self {
        Self { scale, layer: Some(layer), ..Self::new(feeds, shape) }
    }

    pub(crate) const fn scale(mut self, scale: f64) -> Self {
        self.scale = scale;
        self
    }

    pub(crate) const fn plus(mut self, plus: f64) -> Self {
        self.plus = plus;
        self
    }

    pub(crate) const fn valid(mut self, valid: &'static str) -> Self {
        self.valid = valid;
        self
    }

    pub(crate) const fn once_by(mut self, labels: &'static [&'static str]) -> Self {
        self.once_by = labels;
        self
    }

    pub(crate) const fn without_steps(mut self) -> Self {
        self.is_without_steps = true;
        self
    }

    pub(crate) const fn without_prefill(mut self) -> Self {
        self.is_without_prefill = true;
        self
    }

    pub(crate) const fn top(mut self, lines: u8) -> Self {
        self.top = lines;
        self
    }

    pub(crate) const fn layer(mut self, layer: Layer) -> Self {
        self.layer = Some(layer);
        self
    }

    pub(crate) const fn needs(mut self, needs: &'static str) -> Self {
        self.needs = needs;
        self
    }

    pub(crate) const fn since(mut self, since: &'static str) -> Self {
        self.since = since;
        self
    }

    pub(crate) const fn documented(mut self, documented: &'static str) -> Self {
        self.documented = for_documents(documented);
        self
    }
}
