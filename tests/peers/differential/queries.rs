//! Random queries: those that the page sends for the catalogue's graphs, and generated PromQL.
use super::families::Kind;
use super::fleet::{Fleet, LENGTH_MS, START_MS, StoredSeries};
use catalogue::{
    GRAPHS, QueryContext, Scope, ScopeLabels, detailed_query, drawn_query, start_times_query, summary_query,
};
use regex::{Captures, Regex};
use std::collections::BTreeSet;
use test_kit::Rng;

/// A query and its evaluation time.
#[derive(Clone, Debug)]
pub(crate) struct TestQuery {
    pub(crate) promql: String,
    pub(crate) evaluation: Evaluation,
    /// Whether VictoriaMetrics defines the query in the same way as Prometheus.
    pub(crate) is_portable: bool,
}

impl TestQuery {
    /// The same query with slightly lower and slightly higher quantiles of histograms; `None` if it has none. If a
    /// quantile lies exactly between two buckets, the last digit of a sum decides which of them is used.
    pub(crate) fn neighbours(&self) -> Option<[Self; 2]> {
        let quantile = Regex::new(r"histogram_quantile\((0\.\d+),").expect("a pattern");
        let shifted = |by: f64| {
            let shift =
                |captures: &Captures<'_>| format!("histogram_quantile({},", captures[1].parse().unwrap_or(0.5) + by);
            Self { promql: quantile.replace_all(&self.promql, shift).into_owned(), ..self.clone() }
        };
        quantile.is_match(&self.promql).then(|| [shifted(-1e-6), shifted(1e-6)])
    }
}

/// When a query is evaluated, in Unix milliseconds that are half seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Evaluation {
    At(i64),
    Range { start_ms: i64, end_ms: i64, step_ms: i64 },
}

/// The queries of every graph and its summary, in `rounds` rounds of random scopes, windows and time ranges.
pub(crate) fn page_queries(fleet: &Fleet, rng: &mut Rng, rounds: usize) -> Vec<TestQuery> {
    let (names, labels) = (fleet.names(), ScopeLabels::default());
    let is_present = |name: &str| names.contains(name);
    let mut queries = Vec::new();
    for _ in 0..rounds {
        let evaluation = range(rng);
        let scope = scope(fleet, rng);
        let context = QueryContext::of_moments(&scope, &labels, 60_000);
        queries.push(TestQuery { promql: start_times_query(&context), evaluation, is_portable: true });
        for graph in GRAPHS {
            let scope = self::scope(fleet, rng);
            let window_ms = *rng.of(&[60_000, 75_000, 120_000, 300_000, 1_200_000]);
            let context = QueryContext::of_moments(&scope, &labels, window_ms);
            let range_ms = *rng.of(&[300_000, 900_000, 3_600_000, 7_200_000]);
            let summary = summary_query(graph, &is_present, &context, range_ms);
            queries.extend(summary.map(|promql| TestQuery {
                promql,
                evaluation: Evaluation::At(time_ms(rng)),
                is_portable: false,
            }));
            let drawn = [drawn_query(graph, &is_present, &context), detailed_query(graph, &is_present, &context)];
            for promql in drawn.into_iter().flatten() {
                let is_portable = !promql.contains("rate(");
                queries.push(TestQuery { promql, evaluation: range(rng), is_portable });
            }
        }
    }
    queries
}

/// `count` queries of generated PromQL.
pub(crate) fn generated_queries(fleet: &Fleet, rng: &mut Rng, count: usize) -> Vec<TestQuery> {
    let generator = &mut Generator { fleet, rng, is_in_subquery: false };
    let generate = |_| {
        let depth = 1 + generator.rng.index(3);
        let promql = generator.vector(depth);
        let is_instant = generator.rng.chance(0.3);
        let evaluation = if is_instant { Evaluation::At(time_ms(generator.rng)) } else { range(generator.rng) };
        let is_portable =
            !["(rate", "increase", "delta", "deriv", "changes", "resets", "[", "@", "predict", "absent", "histogram"]
                .iter()
                .any(|word| promql.contains(word));
        TestQuery { promql, evaluation, is_portable }
    };
    (0..count).map(generate).collect()
}

fn time_ms(rng: &mut Rng) -> i64 {
    START_MS + 1000 * rng.index(LENGTH_MS as usize / 1000) as i64 + 500
}

fn range(rng: &mut Rng) -> Evaluation {
    let step_ms = *rng.of(&[15_000, 7_000, 30_000, 60_000, 300_000]);
    let start_ms = time_ms(rng) - 300_000;
    let steps = 1 + rng.index(120) as i64;
    Evaluation::Range { start_ms, end_ms: (start_ms + steps * step_ms).min(START_MS + LENGTH_MS + 600_500), step_ms }
}

fn scope(fleet: &Fleet, rng: &mut Rng) -> Scope {
    let of_replicas: Vec<&StoredSeries> =
        fleet.series.iter().filter(|series| series.labels.contains_key("replica")).collect();
    let series = rng.of(&of_replicas);
    let mut pick = |label: &str, chance| series.labels.get(label).filter(|_| rng.chance(chance)).cloned();
    Scope {
        model: pick("model", 0.6),
        environment: pick("environment", 0.3),
        deployment: pick("deployment", 0.2),
        replica: pick("replica", 0.2),
    }
}

/// A generator of random PromQL over the series of the fleet.
struct Generator<'a> {
    fleet: &'a Fleet,
    rng: &'a mut Rng,
    /// Prevents nested subqueries, where the steps of one would lie on the edges of the windows of the other.
    is_in_subquery: bool,
}

impl Generator<'_> {
    fn vector(&mut self, depth: usize) -> String {
        if depth == 0 {
            return match self.rng.index(3) {
                0 => self.selector(Kind::Gauge),
                1 => self.windowed(Kind::Counter),
                _ => self.windowed(Kind::Gauge),
            };
        }
        match self.rng.index(12) {
            0..=3 => self.aggregation(depth),
            4..=5 => self.function(depth),
            6 => self.with_scalar(depth),
            7 => self.matched(),
            8 => self.set_operation(depth),
            9 => self.subquery(depth),
            10 => self.quantile(),
            _ => self.vector(depth - 1),
        }
    }

    fn any_series(&mut self, kind: Kind) -> StoredSeries {
        let of_kind: Vec<&StoredSeries> = self.fleet.series.iter().filter(|series| series.kind == kind).collect();
        (*self.rng.of(&of_kind)).clone()
    }

    fn selector(&mut self, kind: Kind) -> String {
        let series = self.any_series(kind);
        let (name, matchers) = (series.labels["__name__"].clone(), self.matchers(&series));
        let modifiers = self.modifiers();
        format!("{name}{{{matchers}}}{modifiers}")
    }

    fn matchers(&mut self, series: &StoredSeries) -> String {
        let labels: Vec<_> = series.labels.iter().filter(|(name, _)| *name != "__name__").collect();
        let mut matcher = || {
            let (name, value) = **self.rng.of(&labels.iter().collect::<Vec<_>>());
            let escaped = regex::escape(value).replace('\\', "\\\\");
            match self.rng.index(5) {
                0 => format!("{name}={value:?}"),
                1 => format!("{name}!={value:?}"),
                2 => format!("{name}=~\"{escaped}|nothing.*\""),
                3 => format!(
                    "{name}!~\".*{}\"",
                    escaped.chars().last().filter(char::is_ascii_alphanumeric).unwrap_or('x')
                ),
                _ => format!("{name}=~\".+\""),
            }
        };
        let matchers = [matcher(), matcher()];
        let count = [0, 0, 1, 1, 2][self.rng.index(5)];
        matchers[..count].join(",")
    }

    fn modifiers(&mut self) -> String {
        let at_s = START_MS / 1000 + self.rng.index(LENGTH_MS as usize / 1000) as i64;
        match self.rng.index(14) {
            0 => " offset 5m".into(),
            1 => " offset -90s".into(),
            2 => format!(" @ {at_s}.5"),
            3 => " @ end() offset 1m".into(),
            4 => " @ start()".into(),
            _ => String::new(),
        }
    }

    fn windowed(&mut self, kind: Kind) -> String {
        let series = self.any_series(kind);
        let window = *self.rng.of(&["1m", "75s", "2m", "5m", "17m"]);
        let (matchers, modifiers) = (self.matchers(&series), self.modifiers());
        let range = format!("{}{{{matchers}}}[{window}]{modifiers}", series.labels["__name__"]);
        if kind == Kind::Counter {
            return format!("{}({range})", self.rng.of(&["rate", "rate", "increase", "irate", "resets", "changes"]));
        }
        match self.rng.index(16) {
            0 => format!("delta({range})"),
            1 => format!("idelta({range})"),
            2 => format!("deriv({range})"),
            // Prometheus 2 ignores the time after `@` from the second step on.
            3 if !modifiers.contains('@') => format!("predict_linear({range}, 600)"),
            4 => format!("changes({range})"),
            5 => format!("quantile_over_time(0.9, {range})"),
            6 => format!("absent_over_time({range})"),
            n => format!("{}_over_time({range})", OVER_TIME[n % OVER_TIME.len()]),
        }
    }

    fn labels(&mut self) -> String {
        let labels = ["model", "replica", "environment", "deployment", "instance", "job", "status", "__name__"];
        let picked: BTreeSet<&str> = (0..1 + self.rng.index(3)).map(|_| *self.rng.of(&labels)).collect();
        picked.into_iter().collect::<Vec<_>>().join(", ")
    }

    fn aggregation(&mut self, depth: usize) -> String {
        let inner = self.vector(depth - 1);
        let grouping = match self.rng.index(4) {
            0 => String::new(),
            1 => format!(" without ({})", self.labels().replace("__name__", "mode")),
            _ => format!(" by ({})", self.labels()),
        };
        match self.rng.index(14) {
            0 => format!("quantile{grouping} (0.75, {inner})"),
            // Rounded, because the value becomes a label, and the last digits of computed values differ.
            1 => format!("count_values{grouping} (\"value\", round({inner}, 0.5) < 1e6)"),
            2 => self.ranked(),
            // Without NaN: in Prometheus 2, the deviation of a single NaN is zero.
            3 => format!("{}{grouping} ({inner} > -1e300 < 1e300)", self.rng.of(&["stddev", "stdvar"])),
            n => {
                let operators = ["sum", "avg", "max", "min", "count", "group", "sum", "avg", "max"];
                format!("{}{grouping} ({inner})", operators[n % operators.len()])
            }
        }
    }

    /// Ranks values that are unlikely to be equal, because servers order equal values differently.
    fn ranked(&mut self) -> String {
        let series = self.any_series(Kind::Counter);
        let (name, operator) = (&series.labels["__name__"], *self.rng.of(&["topk", "bottomk"]));
        format!("{operator} (3, sum by (replica) (rate({name}[5m])) > 0)")
    }

    fn function(&mut self, depth: usize) -> String {
        let inner = self.vector(depth - 1);
        match self.rng.index(14) {
            0 => format!("clamp({inner}, 2, 40)"),
            1 => format!("clamp_max({inner}, 10)"),
            2 => format!("round({inner}, 0.5)"),
            3 => format!("label_replace({inner}, \"host\", \"$1\", \"instance\", \"(.*):.*\")"),
            4 => format!("label_join({inner}, \"both\", \"/\", \"model\", \"replica\")"),
            5 => format!("absent({inner})"),
            6 => format!("vector(scalar({inner}))"),
            7 => format!("timestamp({inner})"),
            8 => format!("sort_desc({inner})"),
            9 => format!("-({inner})"),
            n => format!("{}({inner})", ["abs", "ceil", "sqrt", "ln", "exp", "sgn", "floor"][n % 7]),
        }
    }

    fn with_scalar(&mut self, depth: usize) -> String {
        let inner = self.vector(depth - 1);
        let operator = *self.rng.of(&["+", "-", "*", "/", "%", "^", ">", "<= bool", "==", "!= bool", "<"]);
        let scalar = *self.rng.of(&["2", "0.5", "10", "(time() / 1e9)", "scalar(sum(up))"]);
        if self.rng.chance(0.5) {
            format!("{inner} {operator} {scalar}")
        } else {
            format!("{scalar} {operator} {inner}")
        }
    }

    fn matched(&mut self) -> String {
        let operator = *self.rng.of(&["+", "-", "*", "/", ">", "> bool", "<"]);
        let (left, right) = (self.selector(Kind::Gauge), self.windowed(Kind::Counter));
        match self.rng.index(5) {
            // Refused if several series match.
            4 => format!("{left} {operator} on (model) {right}"),
            0 => format!("sum by (replica) ({left}) {operator} on (replica) sum by (replica, model) ({right})"),
            1 => format!("{left} {operator} ignoring (le) {left}"),
            2 => format!("{left} {operator} on (replica) group_left (model) sum by (replica, model) ({right})"),
            _ => format!("avg by (model) ({left}) {operator} on (model) group_right () {}", self.selector(Kind::Gauge)),
        }
    }

    fn set_operation(&mut self, depth: usize) -> String {
        let (left, right) = (self.vector(depth - 1), self.vector(depth - 1));
        let operator = *self.rng.of(&["and", "or", "unless"]);
        let matching = *self.rng.of(&["", "on (replica) ", "ignoring (instance, le) ", "on (model) "]);
        format!("({left}) {operator} {matching}({right})")
    }

    fn subquery(&mut self, depth: usize) -> String {
        let is_outermost = !std::mem::replace(&mut self.is_in_subquery, true);
        let inner = self.vector(depth - 1);
        if !is_outermost {
            return inner;
        }
        self.is_in_subquery = false;
        let step = *self.rng.of(&["15s", "7s", "1m", "90s"]);
        let window = *self.rng.of(&["3m", "10m", "20m"]);
        let (function, modifiers) = (*self.rng.of(&OVER_TIME), self.modifiers());
        format!("{function}_over_time(({inner})[{window}:{step}]{modifiers})")
    }

    fn quantile(&mut self) -> String {
        let buckets: Vec<&StoredSeries> =
            self.fleet.series.iter().filter(|series| series.labels.contains_key("le")).collect();
        let name = self.rng.of(&buckets).labels["__name__"].clone();
        let (quantile, by) =
            (*self.rng.of(&["0.5", "0.99", "0", "1"]), *self.rng.of(&["le", "le, model", "le, replica"]));
        format!("histogram_quantile({quantile}, sum by ({by}) (rate({name}[5m])))")
    }
}

const OVER_TIME: [&str; 9] = ["avg", "min", "max", "sum", "count", "last", "stddev", "stdvar", "present"];
