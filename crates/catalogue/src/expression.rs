//! From a recipe to PromQL: the one place that fills in selector, window and grouping.
use crate::{
    Ask, Detail, Engine, LINE_LABEL, Layer, PERCENTILES, Recipe, Shape, ask::quoted, engine::bare, graph::SEPARATOR,
    recipe::Names,
};

/// Servers take queries of 16 KiB; a little is left for what is put around it.
const LONGEST_BYTES: usize = 15 << 10;

/// What happens rarely, and with a hole in the samples beside it, is counted over at least this long.
const WIDE_MS: i64 = 600_000;

/// Everything but the recipe that an expression depends on.
pub(crate) struct Asked<'a> {
    /// Matchers of what is selected.
    pub(crate) strict: String,
    /// As `strict`, but passing series that lack the labels; of machines, and of what is told apart by the backend's
    /// label for replicas.
    pub(crate) lenient: (String, String),
    /// The window of a rate, as PromQL writes it.
    pub(crate) window: String,
    /// A window that rare events are seen in, and its length in seconds.
    pub(crate) wide: (String, String),
    /// Whether the boxes are asked for: percentiles without the mean, and no window but the range.
    pub(crate) is_summary: bool,
    /// The backend's label for replicas.
    pub(crate) replica: &'a str,
    /// Labels kept beside the line's name.
    pub(crate) by: &'a [&'a str],
    /// Longest text; the outermost engines are left out rather than pass it.
    pub(crate) longest_bytes: usize,
    /// Asks for details in the place of sums and averages.
    pub(crate) detail: Option<Detail>,
    /// The metrics that are there.
    pub(crate) present: &'a dyn Fn(&str) -> bool,
}

impl<'a> Asked<'a> {
    pub(crate) fn new(ask: &'a Ask<'_>, present: &'a dyn Fn(&str) -> bool) -> Self {
        Self {
            strict: ask.scope.matchers(ask.labels),
            lenient: (ask.scope.lenient_matchers(ask.labels, false), ask.scope.lenient_matchers(ask.labels, true)),
            window: duration(ask.window_ms),
            wide: (duration(ask.window_ms.max(WIDE_MS)), seconds(ask.window_ms.max(WIDE_MS))),
            is_summary: false,
            replica: &ask.labels.replica,
            by: &[],
            longest_bytes: LONGEST_BYTES,
            detail: None,
            present,
        }
    }

    /// The same for the boxes of a range, which is the window of `ask`.
    pub(crate) fn of_a_range(self, ask: &Ask<'_>) -> Self {
        Self { wide: (duration(ask.window_ms), seconds(ask.window_ms)), is_summary: true, ..self }
    }
}

fn seconds(duration_ms: i64) -> String {
    (duration_ms as f64 / 1000.0).to_string()
}

/// How the lines of a recipe are called.
pub(crate) struct Called<'a> {
    /// The line's name; empty when the shape names its lines.
    pub(crate) line: &'a str,
    /// Whether it is a bound: of details the highest, drawn once.
    pub(crate) is_limit: bool,
    /// Whether the line's name must stay beside a replica's.
    pub(crate) is_one_of_many: bool,
    /// The engine, where several feed the graph.
    pub(crate) suffix: &'a str,
}

/// The sets of names of which a recipe needs one each: the series that its query reads, except that a histogram is
/// known by its `_count`, of which there is one where buckets are many.
pub(crate) fn needed(recipe: &Recipe) -> Vec<(Names, &'static str)> {
    match recipe.shape {
        Shape::Gauge { names, .. }
        | Shape::GaugeBy { names, .. }
        | Shape::Rate { names, .. }
        | Shape::RateBy { names, .. }
        | Shape::RateByClass { names, .. }
        | Shape::Quantiles { names } => vec![(names, "")],
        Shape::Spread { names } | Shape::Mean { names } | Shape::MeanBy { names, .. } => vec![(names, "_count")],
        Shape::Ratio { part, whole: second }
        | Shape::RatioBy { part, whole: second, .. }
        | Shape::ShareOf { part, rest: second } => vec![(part, ""), (second, "")],
        Shape::Raw { names, .. } => (0..names.len()).map(|at| (&names[at..=at], "")).collect(),
    }
}

/// The spellings of `names` that are there, each with the matchers that it carries.
fn spelled(engine: &Engine, names: Names, suffix: &str, present: &dyn Fn(&str) -> bool) -> Vec<(String, &'static str)> {
    let mut found = Vec::new();
    for name in names {
        let matchers = name.split_once('{').map_or("", |(_, rest)| rest.trim_end_matches('}'));
        let spellings = engine.spellings(bare(name)).into_iter();
        found.extend(spellings.filter(|name| present(&format!("{name}{suffix}"))).map(|name| (name, matchers)));
    }
    found
}

/// Whether all that a recipe needs is there.
pub(crate) fn is_present(engine: &Engine, recipe: &Recipe, present: &dyn Fn(&str) -> bool) -> bool {
    if let Shape::Raw { names, .. } = recipe.shape {
        return names.iter().all(|name| present(bare(name)));
    }
    needed(recipe).into_iter().all(|(names, suffix)| !spelled(engine, names, suffix, present).is_empty())
}

/// Whether the recipe's values are taken over the window, so that a longer window gives those of a whole range.
pub(crate) fn is_over_window(recipe: &Recipe) -> bool {
    match recipe.shape {
        Shape::Gauge { .. } | Shape::GaugeBy { .. } | Shape::Quantiles { .. } => false,
        Shape::Raw { promql, .. } => promql.contains("$window") || promql.contains("$wide"),
        _ => true,
    }
}

/// The recipe's lines. None for details of what has none.
pub(crate) fn expression(engine: &Engine, recipe: &Recipe, called: &Called<'_>, asked: &Asked<'_>) -> Option<String> {
    Expression { engine, recipe, called, asked }.build()
}

/// Rates of a histogram's buckets by their upper bound, in the graph's unit as far as `le` is.
pub(crate) fn buckets(engine: &Engine, recipe: &Recipe, names: Names, asked: &Asked<'_>) -> Option<String> {
    let called = Called { line: "", is_limit: false, is_one_of_many: false, suffix: "" };
    let own = Expression { engine, recipe, called: &called, asked };
    let rates = own.rates(names, "_count", "_bucket");
    (!spelled(engine, names, "_count", asked.present).is_empty()).then(|| format!("sum by (le) ({rates})"))
}

struct Expression<'a> {
    engine: &'a Engine,
    recipe: &'a Recipe,
    called: &'a Called<'a>,
    asked: &'a Asked<'a>,
}

impl Expression<'_> {
    fn build(&self) -> Option<String> {
        let detail = self.asked.detail.is_some();
        Some(match self.recipe.shape {
            Shape::Gauge { fold, names } => self.named(&self.fold(fold.operator(), &[], &self.gauges(names))),
            Shape::GaugeBy { fold, names, label } => {
                self.lines_of(fold.operator(), &self.gauges(names), label, "(.*)", "$1")
            }
            Shape::Rate { fold, names } => self.named(&self.fold(fold.operator(), &[], &self.rates(names, "", ""))),
            Shape::RateBy { fold, names, label } => {
                self.lines_of(fold.operator(), &self.rates(names, "", ""), label, "(.*)", "$1")
            }
            Shape::RateByClass { names, label } => {
                let rates = self.rates(names, "", "");
                if self.asked.detail == Some(Detail::Codes) {
                    return Some(self.lines_of("sum", &rates, label, "(.*)", "$1"));
                }
                // What is no HTTP status keeps its own name.
                let codes = relabelled(&rates, label, "(.*)", &format!("$1{}", self.suffix()));
                self.lines_of("sum", &codes, label, "([1-5])([0-9][0-9]|xx|XX)", "${1}xx")
            }
            Shape::Spread { names } if detail => self.named(&self.quantile("0.95", names)),
            Shape::Spread { names } => {
                let quantile = |(name, quantile)| label(&self.quantile(quantile, names), &self.full(name));
                let quantiles = PERCENTILES.map(quantile).join(" or ");
                if self.asked.is_summary {
                    return Some(quantiles);
                }
                format!("{quantiles} or {}", label(&self.mean(names), &self.full("mean")))
            }
            Shape::Mean { names } => self.named(&self.mean(names)),
            Shape::MeanBy { names, label } => {
                let (sum, count) = (self.rates(names, "_count", "_sum"), self.rates(names, "_count", "_count"));
                let mean = format!("{} / ({} > 0)", self.sums(&[label], &sum), self.sums(&[label], &count));
                relabelled(&self.scaled(&mean), label, "(.*)", &format!("$1{}", self.suffix()))
            }
            Shape::Quantiles { names } if detail => {
                self.named(&self.scaled(&self.fold("max", &[], &self.gauges_with(names, "quantile=\"0.95\""))))
            }
            Shape::Quantiles { names } => {
                let quantile = |(name, quantile): (&str, &str)| {
                    let highest = self.fold("max", &[], &self.gauges_with(names, &format!("quantile=\"{quantile}\"")));
                    label(&self.scaled(&highest), &self.full(name))
                };
                PERCENTILES.map(quantile).join(" or ")
            }
            Shape::Ratio { part, whole } => self.named(&self.ratio(part, whole)),
            Shape::ShareOf { part, rest } => {
                let (part, rest) = (self.rates(part, "", ""), self.rates(rest, "", ""));
                let (part, rest) = (self.sums(&[], &part), self.sums(&[], &rest));
                self.named(&self.scaled(&format!("{part} / ({part} + {rest} > 0)")))
            }
            Shape::RatioBy { part, whole, label } => {
                let part = self.sums(&[label], &self.rates(part, "", ""));
                let whole = self.sums(&[], &self.rates(whole, "", ""));
                let on = self.asked.by.join(", ");
                let shares = self.scaled(&format!("{part} / on ({on}) group_left () ({whole} > 0)"));
                relabelled(&shares, label, "(.*)", &format!("$1{}", self.suffix()))
            }
            Shape::Raw { promql, .. } => {
                if detail && !promql.contains("$by") {
                    return None;
                }
                let scope = self.scope();
                let scope = if scope.is_empty() { String::new() } else { format!("{scope},") };
                let groups = self.groups(&[]);
                let by = if groups.is_empty() { String::new() } else { format!(" by ({}) ", groups.join(", ")) };
                let promql = promql.replace("$replica", self.asked.replica).replace("$scope", &scope);
                let wide = &self.asked.wide;
                self.named(
                    &self.scaled(
                        &promql
                            .replace("$by (", &format!("{by}("))
                            .replace("$window", &self.asked.window)
                            .replace("$wide_seconds", &wide.1)
                            .replace("$wide", &wide.0),
                    ),
                )
            }
        })
    }

    fn scope(&self) -> &str {
        let (machines, replicas) = &self.asked.lenient;
        match self.engine.layer {
            Layer::Machine if self.engine.replica == self.asked.replica => replicas,
            Layer::Machine => machines,
            _ => &self.asked.strict,
        }
    }

    /// The series of the names that are there; `suffix` is what presence is known by, `part` what is asked for.
    fn selectors(&self, names: Names, suffix: &str, part: &str, extra: &str) -> Vec<String> {
        let found = spelled(self.engine, names, suffix, self.asked.present);
        let selector = |(name, matchers): (String, &str)| {
            let all = [matchers, extra, self.engine.own, self.scope()];
            let all: Vec<&str> = all.into_iter().filter(|matchers| !matchers.is_empty()).collect();
            format!("{name}{part}{{{}}}", all.join(","))
        };
        found.into_iter().map(selector).collect()
    }

    fn gauges(&self, names: Names) -> String {
        self.gauges_with(names, "")
    }

    fn gauges_with(&self, names: Names, extra: &str) -> String {
        let valid = self.recipe.valid;
        let checked = |series: String| if valid.is_empty() { series } else { format!("({series} {valid})") };
        self.once(self.selectors(names, "", "", extra).into_iter().map(checked))
    }

    fn rates(&self, names: Names, suffix: &str, part: &str) -> String {
        let rate = |series: String| format!("rate({series}[{}])", self.asked.window);
        self.once(self.selectors(names, suffix, part, "").into_iter().map(rate))
    }

    /// One metric under its names, and once where several ranks report it: of a series present twice the first counts.
    fn once(&self, parts: impl Iterator<Item = String>) -> String {
        let union = parts.reduce(|all, part| format!("{all} or {part}")).unwrap_or_default();
        match self.engine.ranks {
            [] => union,
            ranks => format!("max without ({}) ({union})", ranks.join(", ")),
        }
    }

    /// Labels that an aggregation keeps.
    fn groups<'g>(&'g self, own: &[&'g str]) -> Vec<&'g str> {
        own.iter().copied().chain(self.asked.by.iter().copied()).chain(self.details()).collect()
    }

    /// Labels that tell details apart.
    fn details(&self) -> Vec<&str> {
        let is_machine = self.engine.layer == Layer::Machine;
        match self.asked.detail {
            None | Some(Detail::Codes) => Vec::new(),
            Some(Detail::Gpus) if is_machine => vec!["instance", self.engine.gpu],
            Some(Detail::Gpus) => vec![self.replica(), self.engine.gpu],
            Some(Detail::Replicas) if is_machine && self.engine.replica.is_empty() => vec!["instance"],
            Some(Detail::Replicas) => vec![self.replica()],
        }
    }

    fn replica(&self) -> &str {
        if self.engine.replica.is_empty() { self.asked.replica } else { self.engine.replica }
    }

    fn fold(&self, operator: &str, own: &[&str], series: &str) -> String {
        let expr = self.aggregate(operator, own, series);
        // Percentiles and ratios are brought to scale once, at their end.
        match self.recipe.shape {
            Shape::Gauge { .. } | Shape::Rate { .. } => self.scaled(&expr),
            _ => expr,
        }
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

    fn ratio(&self, part: Names, whole: Names) -> String {
        let has_matchers = part.iter().any(|name| name.contains('{'));
        let (part, whole) = (self.sums(&[], &self.rates(part, "", "")), self.sums(&[], &self.rates(whole, "", "")));
        // A part that is told by a label may have no series yet: then it is none of the whole.
        let part = if has_matchers { format!("({part} or {whole} * 0)") } else { part };
        self.scaled(&format!("{part} / ({whole} > 0)"))
    }

    fn scaled(&self, expr: &str) -> String {
        let scaled = if self.recipe.scale == 1.0 { expr.to_owned() } else { format!("{expr} * {}", self.recipe.scale) };
        if self.recipe.plus == 0.0 { scaled } else { format!("{} + {scaled}", self.recipe.plus) }
    }

    fn suffix(&self) -> String {
        if self.called.suffix.is_empty() { String::new() } else { format!("{SEPARATOR}{}", self.called.suffix) }
    }

    fn full(&self, name: &str) -> String {
        format!("{name}{}", self.suffix())
    }

    /// One line, or one for each detail.
    fn named(&self, expr: &str) -> String {
        let details = self.details();
        let line = if self.called.is_one_of_many && !self.called.line.is_empty() {
            format!("{SEPARATOR}{}", self.called.line)
        } else {
            String::new()
        };
        match details[..] {
            [_, ..] if self.called.is_limit => label(&format!("max({expr})"), &self.full(self.called.line)),
            [] => label(expr, &self.full(self.called.line)),
            [only] => relabelled(expr, only, "(.*)", &format!("$1{line}{}", self.suffix())),
            ref several => {
                let quoted: Vec<String> = several.iter().map(|name| quoted(name)).collect();
                let joined = format!("label_join({expr}, \"{LINE_LABEL}\", \" \", {})", quoted.join(", "));
                relabelled(&joined, LINE_LABEL, "(.*)", &format!("$1{line}{}", self.suffix()))
            }
        }
    }

    /// One line for each value of a label.
    fn lines_of(&self, operator: &str, series: &str, from: &str, pattern: &str, to: &str) -> String {
        let lines = relabelled(series, from, pattern, &format!("{to}{}", self.suffix()));
        let groups: Vec<&str> = [LINE_LABEL].into_iter().chain(self.asked.by.iter().copied()).collect();
        self.scaled(&format!("{operator} by ({}) ({lines})", groups.join(", ")))
    }
}

fn label(expr: &str, name: &str) -> String {
    format!("label_replace({expr}, \"{LINE_LABEL}\", {}, \"\", \"\")", quoted(name))
}

fn relabelled(expr: &str, from: &str, pattern: &str, to: &str) -> String {
    format!("label_replace({expr}, \"{LINE_LABEL}\", {}, \"{from}\", {})", quoted(to), quoted(pattern))
}

/// A PromQL duration: whole seconds where they suffice.
pub(crate) fn duration(duration_ms: i64) -> String {
    if duration_ms % 1000 == 0 { format!("{}s", duration_ms / 1000) } else { format!("{duration_ms}ms") }
}
