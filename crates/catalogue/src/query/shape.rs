//! From a recipe to PromQL: the one place that fills in selector, window and grouping.
use super::context::RenderedContext;
use super::conversion::converted;
use super::highest::REST_LINE;
use super::naming::LineNaming;
use super::presence::present_names;
use super::selection::Selection;
use super::window::Over;
use crate::contract::is_about_target;
use crate::graph::LINE_NAME_SEPARATOR;
use crate::promql_text::{named, named_by, quoted, selector};
use crate::recipe::Names;
use crate::{Detail, Engine, LINE_LABEL, Layer, Recipe, Shape};

/// Whether the recipe's values are taken over the window, so that a longer window gives those of a whole range.
pub(super) fn is_over_window(recipe: &Recipe) -> bool {
    match recipe.shape {
        Shape::Gauge { .. } | Shape::GaugeBy { .. } | Shape::Quantiles { .. } => false,
        Shape::Raw { promql, .. } => ["$window", "$wide", "$rate("].iter().any(|part| promql.contains(part)),
        _ => true,
    }
}

/// The expression for a recipe's lines. `mask` follows each series. None if details are wanted and the recipe has none.
pub(super) fn expression(
    engine: &Engine,
    recipe: &Recipe,
    naming: &LineNaming<'_>,
    mask: &str,
    context: &RenderedContext<'_>,
) -> Option<String> {
    Expression { engine, recipe, naming, mask, context }.build()
}

/// The rates of all requests that a recipe counts, whatever it draws of them. None if it counts none.
pub(super) fn counted(engine: &Engine, recipe: &Recipe, context: &RenderedContext<'_>) -> Option<String> {
    let expression = Expression { engine, recipe, naming: &LineNaming::NONE, mask: "", context };
    match recipe.shape {
        Shape::Rate { names, .. }
        | Shape::RateBy { names, .. }
        | Shape::RateByClass { names, .. }
        | Shape::Ratio { denominator: names, .. }
        | Shape::RatioBy { denominator: names, .. } => Some(expression.rates(names, "", "")),
        Shape::Histogram { names } | Shape::Mean { names } | Shape::MeanBy { names, .. } => {
            Some(expression.rates(names, "_count", "_count"))
        }
        _ => None,
    }
}

/// What is known of a bucket.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum BucketValue {
    /// Observations per second, up to its upper bound.
    Rate,
    /// The number of samples within the window.
    Samples,
    /// The number of series.
    Series,
}

/// A value of each bucket of a histogram, by its upper bound.
pub(super) fn buckets(
    engine: &Engine,
    recipe: &Recipe,
    names: Names,
    value: BucketValue,
    context: &RenderedContext<'_>,
) -> String {
    let expression = Expression { engine, recipe, naming: &LineNaming::NONE, mask: "", context };
    match value {
        BucketValue::Rate => format!("sum by (le) ({})", expression.rates(names, "_count", "_bucket")),
        BucketValue::Samples => {
            let samples = expression.samples(names, "_count", "_bucket");
            format!("sum by (le) ({samples})")
        }
        BucketValue::Series => {
            let series = expression.selected(names, ["_count", "_bucket", ""], |series| series).into_iter();
            let series = expression.once(series);
            format!("count by (le) ({series})")
        }
    }
}

/// A recipe, and what its expression depends on.
pub(super) struct Expression<'a> {
    pub(super) engine: &'a Engine,
    pub(super) recipe: &'a Recipe,
    naming: &'a LineNaming<'a>,
    /// What leaves out series that another layer counts too, or nothing.
    mask: &'a str,
    pub(super) context: &'a RenderedContext<'a>,
}

impl Expression<'_> {
    fn build(&self) -> Option<String> {
        Some(match self.recipe.shape {
            Shape::Gauge { aggregation, names } => self.with_peaks(&|over| {
                let gauges = self.gauges(names, "", over);
                self.one_line(&self.scaled(&self.aggregate(aggregation.operator(), &[], &gauges)))
            }),
            Shape::GaugeBy { aggregation, names, label } => self
                .with_peaks(&|over| self.line_per_value(aggregation.operator(), &self.gauges(names, "", over), label)),
            Shape::Rate { aggregation, names } => {
                let rates = self.rates(names, "", "");
                self.one_line(&self.scaled(&self.aggregate(aggregation.operator(), &[], &rates)))
            }
            Shape::RateBy { aggregation, names, label } => {
                self.line_per_value(aggregation.operator(), &self.rates(names, "", ""), label)
            }
            Shape::RateByClass { names, label } => self.status_classes(names, label),
            Shape::Histogram { names } => self.percentiles_of_histogram(names),
            Shape::Quantiles { names } => self.percentiles_of_summary(names),
            Shape::Mean { names } => self.one_line(&self.mean(names)),
            Shape::MeanBy { names, label } => {
                let (sum, count) = (self.rates(names, "_count", "_sum"), self.rates(names, "_count", "_count"));
                let mean = format!("{} / ({} > 0)", self.sums(&[label], &sum), self.sums(&[label], &count));
                named_by(&self.scaled(&mean), label, "(.*)", &self.with_engine("$1"))
            }
            Shape::Ratio { numerator, denominator } => self.one_line(&self.ratio(numerator, denominator)),
            Shape::ShareOf { part, rest } => {
                let (part, rest) = (self.rates(part, "", ""), self.rates(rest, "", ""));
                let (part, rest) = (self.sums(&[], &part), self.sums(&[], &rest));
                self.one_line(&self.scaled(&format!("{part} / ({part} + {rest} > 0)")))
            }
            Shape::RatioBy { numerator, denominator, label } => {
                let numerator = self.sums(&[label], &self.rates(numerator, "", ""));
                let denominator = self.sums(&[], &self.rates(denominator, "", ""));
                let on = self.context.kept_labels.join(", ");
                let shares = self.scaled(&format!("{numerator} / on ({on}) group_left () ({denominator} > 0)"));
                named_by(&shares, label, "(.*)", &self.with_engine("$1"))
            }
            Shape::Raw { promql, .. } => {
                let lacks_details = self.context.detail.is_some() && !promql.contains("$by");
                if lacks_details || !self.context.has_hosts && promql.contains("$machine") {
                    return None;
                }
                let line = |_| self.one_line(&self.scaled(&self.filled_in(promql)));
                if is_over_window(self.recipe) { line(None) } else { self.with_peaks(&line) }
            }
        })
    }

    /// The lines of gauges, with their peaks if the query keeps them. A limit is a value of one moment.
    fn with_peaks(&self, lines: &dyn Fn(Option<Over>) -> String) -> String {
        match self.context.peaks.filter(|_| !self.naming.is_limit) {
            Some(peaks) => peaks.lines(lines),
            None => lines(None),
        }
    }

    /// One line for each class of an HTTP status, or for each code.
    fn status_classes(&self, names: Names, label: &str) -> String {
        let rates = self.rates(names, "", "");
        if self.context.detail == Some(Detail::Codes) {
            return self.line_per_value("sum", &rates, label);
        }
        // A code that is no HTTP status keeps its own name.
        let codes = named_by(&rates, label, "(.*)", &self.with_engine("$1"));
        self.line_per_match("sum", &codes, label, "([1-5])([0-9][0-9]|xx|XX)", "${1}xx")
    }

    /// Percentiles and the mean, or the 95th percentile of each detail.
    fn percentiles_of_histogram(&self, names: Names) -> String {
        if self.context.detail.is_some() {
            return self.one_line(&self.quantile("0.95", names));
        }
        let percentile =
            |(name, quantile): &(&str, &str)| named(&self.quantile(quantile, names), &self.with_engine(name));
        let percentiles = self.context.percentiles.iter().map(percentile).collect::<Vec<_>>().join(" or ");
        if self.context.is_summary {
            return percentiles;
        }
        format!("{percentiles} or {}", named(&self.mean(names), &self.with_engine("mean")))
    }

    /// As [`Self::percentiles_of_histogram`], without the mean. Percentiles have no mean over a step, so the highest is
    /// drawn.
    fn percentiles_of_summary(&self, names: Names) -> String {
        let over = self.context.peaks.map(|peaks| Over::greatest(peaks.step_ms));
        let highest = |quantile: &str| {
            let gauges = self.gauges(names, &format!("quantile=\"{quantile}\""), over);
            self.scaled(&self.aggregate("max", &[], &gauges))
        };
        if self.context.detail.is_some() {
            return self.one_line(&highest("0.95"));
        }
        let percentile = |(name, quantile): &(&str, &str)| named(&highest(quantile), &self.with_engine(name));
        self.context.percentiles.iter().map(percentile).collect::<Vec<_>>().join(" or ")
    }

    pub(super) fn rate(&self, series: &str) -> String {
        let context = self.context;
        let rate = context.counting.rate(context.window_kind, series, &context.window, &context.window_seconds);
        let Some(factor) = &context.rate_factor else { return rate };
        format!("({rate} * {factor})")
    }

    /// Matchers of the selection, for series of this engine.
    pub(super) fn matchers(&self) -> &str {
        match self.engine.layer {
            Layer::Machine if self.engine.replica_label == self.context.replica_label => {
                &self.context.machine_replica_matchers
            }
            Layer::Machine if self.engine.replica_label.is_empty() => &self.context.host_matchers,
            Layer::Machine => &self.context.machine_matchers,
            _ => &self.context.matchers,
        }
    }

    /// The selections of a family's series.
    pub(super) fn selections(&self, name: &str) -> Vec<Selection> {
        if is_about_target(name) {
            return self.context.target_selections.clone();
        }
        let is_host = self.engine.layer == Layer::Machine && name.starts_with("node_");
        vec![match is_host {
            true => self.context.host_selection.clone(),
            false => Selection { matchers: self.matchers().to_owned(), ..Selection::default() },
        }]
    }

    /// Expressions of the present names; `suffix` is the part by which presence is known, `part` the one that is read, and
    /// `of` makes the expression of a selector.
    fn selected(
        &self,
        names: Names,
        [suffix, part, extra]: [&str; 3],
        of: impl Fn(String) -> String + Copy,
    ) -> Vec<String> {
        let present = present_names(self.engine, names, suffix, self.context.present);
        let expressions = present.into_iter().flat_map(|present| {
            let selections = self.selections(&present.name).into_iter();
            selections.map(move |Selection { matchers, filter }| {
                let all = [present.matchers, extra, self.engine.own_matchers, &matchers];
                let all: Vec<&str> = all.into_iter().filter(|matchers| !matchers.is_empty()).collect();
                let selector = selector(&format!("{}{part}", present.name), &all.join(","));
                converted(&format!("{}{filter}", of(selector.clone())), &selector, present.conversion)
            })
        });
        expressions.collect()
    }

    fn gauges(&self, names: Names, extra: &str, over: Option<Over>) -> String {
        let valid = self.recipe.valid;
        let gauge = |selector: String| {
            let series = over.map_or(selector.clone(), |over| over.of(&selector));
            if valid.is_empty() { series } else { format!("({series} {valid})") }
        };
        self.once(self.selected(names, ["", "", extra], gauge).into_iter())
    }

    fn rates(&self, names: Names, suffix: &str, part: &str) -> String {
        let rates = self.selected(names, [suffix, part, ""], |series| self.rate(&series)).into_iter();
        let prefill = self.prefill_mask();
        let rates = self.once(rates.map(|rate| rate + self.mask + &prefill));
        match self.steps() {
            Some(steps) => format!("(({rates}) unless on (instance, model, version) {steps})"),
            None => rates,
        }
    }

    /// The number of samples within the window.
    fn samples(&self, names: Names, suffix: &str, part: &str) -> String {
        let samples = |series: String| format!("count_over_time({series}[{}])", self.context.window);
        self.once(self.selected(names, [suffix, part, ""], samples).into_iter())
    }

    /// Joins the names of one metric, so that a series with two names counts once, and one that several ranks report, or
    /// that is repeated for each user of a GPU, too.
    fn once(&self, parts: impl Iterator<Item = String>) -> String {
        // Of two names with different labels on one page the newer one counts.
        let apart = if self.engine.has_relabelled_names { " unless on (instance) " } else { "" };
        let join = |all: String, part: String| match apart {
            "" => format!("{all} or {part}"),
            apart => format!("{all} or {part}{apart}({all})"),
        };
        let union = parts.reduce(join).unwrap_or_default();
        if !self.recipe.once_by.is_empty() {
            return format!("max by ({}) ({union})", self.groups(self.recipe.once_by).join(", "));
        }
        match self.engine.rank_labels {
            [] => union,
            ranks => format!("max without ({}) ({union})", ranks.join(", ")),
        }
    }

    /// The labels that an aggregation keeps.
    pub(super) fn groups<'g>(&'g self, own: &[&'g str]) -> Vec<&'g str> {
        let mut groups = own.to_vec();
        for label in self.context.kept_labels.iter().copied().chain(self.detail_labels()) {
            if !groups.contains(&label) {
                groups.push(label);
            }
        }
        groups
    }

    /// The labels that identify a detail.
    fn detail_labels(&self) -> Vec<&str> {
        let is_machine = self.engine.layer == Layer::Machine;
        match self.context.detail {
            None | Some(Detail::Codes) => Vec::new(),
            Some(Detail::Gpus) if is_machine => vec!["instance", self.engine.gpu_label],
            Some(Detail::Gpus) => vec![self.replica_label(), self.engine.gpu_label],
            Some(Detail::Replicas) if is_machine && self.engine.replica_label.is_empty() => vec!["instance"],
            Some(Detail::Replicas) => vec![self.replica_label()],
        }
    }

    fn replica_label(&self) -> &str {
        if self.engine.replica_label.is_empty() { self.context.replica_label } else { self.engine.replica_label }
    }

    fn aggregate(&self, operator: &str, own: &[&str], series: &str) -> String {
        match self.groups(own)[..] {
            [] => format!("{operator}({series})"),
            ref groups => format!("{operator} by ({}) ({series})", groups.join(", ")),
        }
    }

    fn sums(&self, own: &[&str], series: &str) -> String {
        self.aggregate("sum", own, series)
    }

    fn quantile(&self, quantile: &str, names: Names) -> String {
        let buckets = self.sums(&["le"], &self.rates(names, "_count", "_bucket"));
        self.scaled(&format!("histogram_quantile({quantile}, {buckets})"))
    }

    fn mean(&self, names: Names) -> String {
        let (sum, count) = (self.rates(names, "_count", "_sum"), self.rates(names, "_count", "_count"));
        self.scaled(&format!("{} / ({} > 0)", self.sums(&[], &sum), self.sums(&[], &count)))
    }

    fn ratio(&self, numerator: Names, denominator: Names) -> String {
        let has_matchers = numerator.iter().any(|name| name.contains('{'));
        let numerator = self.sums(&[], &self.rates(numerator, "", ""));
        let denominator = self.sums(&[], &self.rates(denominator, "", ""));
        // A numerator that is selected by a label may have no series yet, which means zero.
        let numerator = if has_matchers { format!("({numerator} or {denominator} * 0)") } else { numerator };
        self.scaled(&format!("{numerator} / ({denominator} > 0)"))
    }

    fn scaled(&self, expr: &str) -> String {
        let scaled = if self.recipe.scale == 1.0 { expr.to_owned() } else { format!("{expr} * {}", self.recipe.scale) };
        if self.recipe.plus == 0.0 { scaled } else { format!("{} + {scaled}", self.recipe.plus) }
    }

    /// The name of a line, with the engine's title if several engines feed the graph.
    fn with_engine(&self, name: &str) -> String {
        match self.naming.engine {
            "" => name.to_owned(),
            engine => format!("{name}{LINE_NAME_SEPARATOR}{engine}"),
        }
    }

    /// One line, or one for each detail.
    fn one_line(&self, expr: &str) -> String {
        let LineNaming { line, is_limit, has_siblings, .. } = *self.naming;
        let detail_name = || match has_siblings && !line.is_empty() {
            true => self.with_engine(&format!("$1{LINE_NAME_SEPARATOR}{line}")),
            false => self.with_engine("$1"),
        };
        match self.detail_labels()[..] {
            [_, ..] if is_limit => named(&format!("max({expr})"), &self.with_engine(line)),
            [] => named(expr, &self.with_engine(line)),
            [only] => named_by(expr, only, "(.*)", &detail_name()),
            ref several => {
                let quoted: Vec<String> = several.iter().map(|name| quoted(name)).collect();
                let joined = format!("label_join({expr}, \"{LINE_LABEL}\", \" \", {})", quoted.join(", "));
                named_by(&joined, LINE_LABEL, "(.*)", &detail_name())
            }
        }
    }

    /// One line for each value of a label.
    fn line_per_value(&self, operator: &str, series: &str, from: &str) -> String {
        self.line_per_match(operator, series, from, "(.*)", "$1")
    }

    /// One line for each name that `to` takes from the values of a label.
    fn line_per_match(&self, operator: &str, series: &str, from: &str, pattern: &str, to: &str) -> String {
        let lines = named_by(series, from, pattern, &self.with_engine(to));
        let groups: Vec<&str> = [LINE_LABEL].into_iter().chain(self.context.kept_labels.iter().copied()).collect();
        let lines = self.scaled(&format!("{operator} by ({}) ({lines})", groups.join(", ")));
        if self.recipe.top == 0 { lines } else { self.highest(&lines) }
    }

    /// The highest of several lines, and the sum of the rest.
    fn highest(&self, lines: &str) -> String {
        let (by, top) = (self.context.groups(None), self.recipe.top);
        let highest = format!("topk by ({by}) ({top}, {lines})");
        let rest = format!(
            "sum by ({by}) ({lines}) - sum by ({by}) ({highest}) and on ({by}) count by ({by}) ({lines}) > {top}"
        );
        format!("({highest} or {})", named(&rest, &self.with_engine(REST_LINE)))
    }
}
