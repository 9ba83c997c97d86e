//! Formatting of expressions as in Prometheus's `parser/printer.go`. Equal expressions have equal text.
use crate::ast::{
    Aggregate, AggregateOp, At, Binary, BinaryOp, Cardinality, Duration, DurationExpr, DurationOp, Edges, Expr,
    Grouping, Matching, TimeModifiers, VectorSelector,
};
use crate::labels::METRIC_NAME;
use crate::selector::{MatchOp, Matcher};
use crate::string_literal::quote;
use std::fmt::{self, Display, Formatter};

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(value) => f.write_str(&format_float(*value)),
            Self::String(text) => f.write_str(&quote(text)),
            Self::VectorSelector(vector) => write_selector(f, vector, None),
            Self::MatrixSelector(matrix) => write_selector(f, &matrix.vector, Some(&matrix.window)),
            Self::Subquery(subquery) => {
                write!(f, "{}[{}:", subquery.inner, subquery.window)?;
                if let Some(step) = &subquery.step {
                    step.fmt(f)?;
                }
                write!(f, "]{}", subquery.modifiers)
            }
            Self::Call(call) => {
                write!(f, "{}(", call.name)?;
                for (index, arg) in call.args.iter().enumerate() {
                    write!(f, "{}{arg}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str(")")
            }
            Self::Aggregate(aggregate) => write_aggregate(f, aggregate),
            Self::Binary(binary) => write_binary(f, binary),
            Self::Negate(inner) => write!(f, "-{inner}"),
            Self::Paren(inner) => write!(f, "({inner})"),
        }
    }
}

fn write_selector(f: &mut Formatter<'_>, vector: &VectorSelector, window: Option<&Duration>) -> fmt::Result {
    f.write_str(vector.name.as_deref().unwrap_or_default())?;
    let in_braces = |matcher: &&Matcher| vector.name.is_none() || matcher.name != METRIC_NAME;
    let alternatives: Vec<String> = vector
        .selector
        .any_of
        .iter()
        .map(|all| all.iter().filter(in_braces).map(format_matcher).collect::<Vec<_>>().join(","))
        .collect();
    let braces = alternatives.join(" or ");
    if !braces.is_empty() {
        write!(f, "{{{braces}}}")?;
    }
    if let Some(window) = window {
        write!(f, "[{window}]")?;
    }
    if vector.edges != Edges::Plain {
        write!(f, " {}", vector.edges.name())?;
    }
    vector.modifiers.fmt(f)
}

fn format_matcher(matcher: &Matcher) -> String {
    let op = match matcher.op {
        // A metric name that is not an identifier is only a string in quotes.
        MatchOp::Equal if is_quoted_metric_name(matcher) => return quote(&matcher.value),
        MatchOp::Equal => "=",
        MatchOp::NotEqual => "!=",
        MatchOp::Regex(_) => "=~",
        MatchOp::NotRegex(_) => "!~",
    };
    format!("{}{op}{}", format_label_name(&matcher.name), quote(&matcher.value))
}

fn is_quoted_metric_name(matcher: &Matcher) -> bool {
    matcher.name == METRIC_NAME && !matcher.value.is_empty() && !is_identifier(&matcher.value)
}

impl Display for TimeModifiers {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.at {
            None => {}
            Some(At::Start) => f.write_str(" @ start()")?,
            Some(At::End) => f.write_str(" @ end()")?,
            Some(At::TimeMs(ms)) => {
                let sign = if ms < 0 { "-" } else { "" };
                write!(f, " @ {sign}{}.{:03}", ms.unsigned_abs() / 1000, ms.unsigned_abs() % 1000)?;
            }
        }
        if self.offset.is_set() { write!(f, " offset {}", self.offset) } else { Ok(()) }
    }
}

impl Display for Duration {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.expression() {
            Some(expr) => expr.fmt(f),
            None => f.write_str(&format_signed_duration(self.ms)),
        }
    }
}

impl Display for DurationExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal { seconds, has_unit: true } => {
                f.write_str(&format_signed_duration((seconds * 1000.0).round() as i64))
            }
            Self::Literal { seconds, has_unit: false } => f.write_str(&format_float(*seconds)),
            Self::Step => f.write_str("step()"),
            Self::Range => f.write_str("range()"),
            Self::Negate(inner) => write!(f, "-{inner}"),
            Self::Paren(inner) => write!(f, "({inner})"),
            Self::Binary { op, left, right } => write!(f, "{left} {} {right}", op.symbol()),
            Self::MinOf(a, b) => write!(f, "min_of({a}, {b})"),
            Self::MaxOf(a, b) => write!(f, "max_of({a}, {b})"),
        }
    }
}

fn write_aggregate(f: &mut Formatter<'_>, aggregate: &Aggregate) -> fmt::Result {
    f.write_str(aggregate.op.name())?;
    match &aggregate.grouping {
        Grouping::By(labels) if labels.is_empty() => {}
        Grouping::By(labels) => write!(f, " by ({}) ", format_label_names(labels))?,
        Grouping::Without(labels) => write!(f, " without ({}) ", format_label_names(labels))?,
    }
    match &aggregate.param {
        Some(param) => write!(f, "({param}, {})", aggregate.inner),
        None => write!(f, "({})", aggregate.inner),
    }
}

fn write_binary(f: &mut Formatter<'_>, binary: &Binary) -> fmt::Result {
    let return_bool = if binary.return_bool { " bool" } else { "" };
    write!(f, "{} {}{return_bool}{} {}", binary.left, binary.op.symbol(), binary.matching, binary.right)
}

impl Display for Matching {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let group = match &self.cardinality {
            Cardinality::OneToOne => None,
            Cardinality::ManyToOne(labels) => Some(("left", labels)),
            Cardinality::OneToMany(labels) => Some(("right", labels)),
        };
        if self.on || !self.labels.is_empty() || group.is_some() {
            let word = if self.on { "on" } else { "ignoring" };
            write!(f, " {word} ({})", format_label_names(&self.labels))?;
        }
        if let Some((side, labels)) = group {
            write!(f, " group_{side} ({})", format_label_names(labels))?;
        }
        match (self.fill_left, self.fill_right) {
            (Some(left), Some(right)) if left.to_bits() == right.to_bits() => {
                write!(f, " fill ({})", format_float(left))
            }
            (left, right) => {
                for (side, value) in [("left", left), ("right", right)] {
                    if let Some(value) = value {
                        write!(f, " fill_{side} ({})", format_float(value))?;
                    }
                }
                Ok(())
            }
        }
    }
}

fn format_label_names(names: &[String]) -> String {
    names.iter().map(|name| format_label_name(name)).collect::<Vec<_>>().join(", ")
}

fn format_label_name(name: &str) -> String {
    if is_identifier(name) && !name.contains(':') { name.to_owned() } else { quote(name) }
}

/// Whether `name` needs no quotes.
fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_' || c == ':')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
}

fn format_signed_duration(ms: i64) -> String {
    format!("{}{}", if ms < 0 { "-" } else { "" }, format_duration(ms.saturating_abs()))
}

/// Formats a duration as Prometheus does: years and weeks only if there is no remainder.
fn format_duration(ms: i64) -> String {
    if ms == 0 {
        return "0s".into();
    }
    let mut rest = ms;
    let mut text = String::new();
    for (unit, unit_ms, exact) in [
        ("y", 365 * 86_400_000, true),
        ("w", 7 * 86_400_000, true),
        ("d", 86_400_000, false),
        ("h", 3_600_000, false),
        ("m", 60_000, false),
        ("s", 1_000, false),
        ("ms", 1, false),
    ] {
        let amount = rest / unit_ms;
        if amount == 0 || exact && rest % unit_ms != 0 {
            continue;
        }
        text.push_str(&format!("{amount}{unit}"));
        rest -= amount * unit_ms;
    }
    text
}

/// Formats a number like Go's `%v`: the shortest form, with an exponent below 1e-4 and from 1e21.
pub(crate) fn format_float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf".into() } else { "-Inf".into() };
    }
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-4..1e21).contains(&magnitude) {
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    value.to_string()
}

impl AggregateOp {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Avg => "avg",
            Self::Min => "min",
            Self::Max => "max",
            Self::Count => "count",
            Self::Group => "group",
            Self::Stddev => "stddev",
            Self::Stdvar => "stdvar",
            Self::Quantile => "quantile",
            Self::Topk => "topk",
            Self::Bottomk => "bottomk",
            Self::CountValues => "count_values",
        }
    }
}

impl DurationOp {
    fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
            Self::Pow => "^",
        }
    }
}

impl BinaryOp {
    fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
            Self::Pow => "^",
            Self::Atan2 => "atan2",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Greater => ">",
            Self::Less => "<",
            Self::GreaterOrEqual => ">=",
            Self::LessOrEqual => "<=",
            Self::And => "and",
            Self::Or => "or",
            Self::Unless => "unless",
        }
    }
}
