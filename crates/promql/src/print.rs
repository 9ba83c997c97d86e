//! Prints an expression as Prometheus's `parser/printer.go` does; equal expressions print equally.
use crate::METRIC_NAME;
use crate::ast::{
    Aggregate, AggregateOp, At, Binary, BinaryOp, Cardinality, Expr, Grouping, Matching, Select, Shift, WindowMs,
};
use crate::storage::{MatchOp, Matcher};
use crate::string_literal::quote;
use std::fmt::{self, Display, Formatter};

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(value) => f.write_str(&go_float(*value)),
            Self::String(text) => f.write_str(&quote(text)),
            Self::Select(select) => write_select(f, select, None),
            Self::Window(select, window_ms) => write_select(f, select, Some(*window_ms)),
            Self::Subquery(subquery) => {
                let step = subquery.step_ms.map(duration).unwrap_or_default();
                write!(f, "{}[{}:{step}]{}", subquery.inner, duration(subquery.window_ms), subquery.shift)
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

fn write_select(f: &mut Formatter<'_>, select: &Select, window_ms: Option<WindowMs>) -> fmt::Result {
    f.write_str(select.name.as_deref().unwrap_or_default())?;
    let written = |matcher: &&Matcher| select.name.is_none() || matcher.name != METRIC_NAME;
    let alternatives: Vec<String> = select
        .selector
        .any_of
        .iter()
        .map(|all| all.iter().filter(written).map(matcher).collect::<Vec<_>>().join(","))
        .collect();
    let braces = alternatives.join(" or ");
    if !braces.is_empty() {
        write!(f, "{{{braces}}}")?;
    }
    if let Some(window_ms) = window_ms {
        write!(f, "[{}]", duration(window_ms))?;
    }
    select.shift.fmt(f)
}

fn matcher(matcher: &Matcher) -> String {
    let op = match matcher.op {
        // A name that is no identifier is written in quotes, without its label.
        MatchOp::Equal if is_quoted_name(matcher) => return quote(&matcher.value),
        MatchOp::Equal => "=",
        MatchOp::NotEqual => "!=",
        MatchOp::Regex(_) => "=~",
        MatchOp::NotRegex(_) => "!~",
    };
    format!("{}{op}{}", label_name(&matcher.name), quote(&matcher.value))
}

fn is_quoted_name(matcher: &Matcher) -> bool {
    matcher.name == METRIC_NAME && !matcher.value.is_empty() && !is_identifier(&matcher.value)
}

impl Display for Shift {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.at {
            None => {}
            Some(At::Start) => f.write_str(" @ start()")?,
            Some(At::End) => f.write_str(" @ end()")?,
            Some(At::Time(ms)) => {
                let sign = if ms < 0 { "-" } else { "" };
                write!(f, " @ {sign}{}.{:03}", ms.unsigned_abs() / 1000, ms.unsigned_abs() % 1000)?;
            }
        }
        match self.offset_ms {
            0 => Ok(()),
            ms if ms < 0 => write!(f, " offset -{}", duration(-ms)),
            ms => write!(f, " offset {}", duration(ms)),
        }
    }
}

fn write_aggregate(f: &mut Formatter<'_>, aggregate: &Aggregate) -> fmt::Result {
    f.write_str(aggregate.op.name())?;
    match &aggregate.grouping {
        Grouping::By(labels) if labels.is_empty() => {}
        Grouping::By(labels) => write!(f, " by ({}) ", label_names(labels))?,
        Grouping::Without(labels) => write!(f, " without ({}) ", label_names(labels))?,
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
            write!(f, " {word} ({})", label_names(&self.labels))?;
        }
        if let Some((side, labels)) = group {
            write!(f, " group_{side} ({})", label_names(labels))?;
        }
        match (self.fill_left, self.fill_right) {
            (Some(left), Some(right)) if left.to_bits() == right.to_bits() => write!(f, " fill ({})", go_float(left)),
            (left, right) => {
                for (side, value) in [("left", left), ("right", right)] {
                    if let Some(value) = value {
                        write!(f, " fill_{side} ({})", go_float(value))?;
                    }
                }
                Ok(())
            }
        }
    }
}

fn label_names(names: &[String]) -> String {
    names.iter().map(|name| label_name(name)).collect::<Vec<_>>().join(", ")
}

fn label_name(name: &str) -> String {
    if is_identifier(name) && !name.contains(':') { name.to_owned() } else { quote(name) }
}

/// Whether `name` may be written without quotes.
fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_' || c == ':')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
}

/// A duration as Prometheus prints it: years and weeks only where nothing is left over.
fn duration(ms: i64) -> String {
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

/// A number as Go's `%v` prints it: the shortest form, with an exponent below 1e-4 and from 1e21.
pub(crate) fn go_float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf".into() } else { "-Inf".into() };
    }
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e21).contains(&size) {
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
