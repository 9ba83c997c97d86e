//! The syntax tree of a query, independent of the parser.
mod duration;
mod function;
mod operator;
mod resolve;

pub(crate) use duration::{Duration, DurationExpr, DurationOp};
pub(crate) use function::{DatePart, Function, WindowFunction};
pub(crate) use operator::{AggregateOp, BinaryOp, Cardinality, Grouping, Matching, contains_label};

use crate::error::Error;
use crate::labels::METRIC_NAME;
use crate::selector::{MatchOp, Matcher, Selector};
use std::fmt;

/// The type of a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ValueType {
    Scalar,
    Vector,
    Matrix,
    String,
}

/// The words of Prometheus's messages.
impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scalar => "scalar",
            Self::Vector => "instant vector",
            Self::Matrix => "range vector",
            Self::String => "string",
        })
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Expr {
    Number(f64),
    String(String),
    VectorSelector(VectorSelector),
    MatrixSelector(MatrixSelector),
    Subquery(Subquery),
    Call(Call),
    Aggregate(Aggregate),
    Binary(Binary),
    Negate(Box<Expr>),
    Paren(Box<Expr>),
}

/// The modifiers `@` and `offset` of a selector or subquery.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct TimeModifiers {
    pub(crate) at: Option<At>,
    pub(crate) offset: Duration,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum At {
    Start,
    End,
    TimeMs(i64),
}

#[derive(Clone, Debug)]
pub(crate) struct VectorSelector {
    /// The metric name before the braces. The matchers contain it too.
    pub(crate) name: Option<String>,
    pub(crate) selector: Selector,
    pub(crate) edges: Edges,
    pub(crate) modifiers: TimeModifiers,
}

/// How a selector knows the values at the edges of its window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Edges {
    /// It does not: only the samples within the window count.
    Plain,
    /// `anchored`: the value at an edge is the latest sample up to it, up to the lookback before the window.
    Anchored,
    /// `smoothed`: the value at an edge is interpolated between the samples around it, up to the lookback outside of the
    /// window.
    Smoothed,
}

#[derive(Clone, Debug)]
pub(crate) struct MatrixSelector {
    pub(crate) vector: VectorSelector,
    /// The length of the window, above zero.
    pub(crate) window: Duration,
}

#[derive(Clone, Debug)]
pub(crate) struct Subquery {
    pub(crate) inner: Box<Expr>,
    /// The length of the window, above zero.
    pub(crate) window: Duration,
    pub(crate) step: Option<Duration>,
    pub(crate) modifiers: TimeModifiers,
}

#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) function: Function,
    pub(crate) return_type: ValueType,
    pub(crate) args: Vec<Expr>,
}

#[derive(Clone, Debug)]
pub(crate) struct Aggregate {
    pub(crate) op: AggregateOp,
    pub(crate) grouping: Grouping,
    pub(crate) param: Option<Box<Expr>>,
    pub(crate) inner: Box<Expr>,
}

#[derive(Clone, Debug)]
pub(crate) struct Binary {
    pub(crate) op: BinaryOp,
    pub(crate) left: Box<Expr>,
    pub(crate) right: Box<Expr>,
    pub(crate) return_bool: bool,
    pub(crate) matching: Matching,
}

impl Expr {
    /// The type of the value.
    pub(crate) fn value_type(&self) -> ValueType {
        match self {
            Self::Number(_) => ValueType::Scalar,
            Self::String(_) => ValueType::String,
            Self::VectorSelector(_) | Self::Aggregate(_) => ValueType::Vector,
            Self::MatrixSelector(_) | Self::Subquery(_) => ValueType::Matrix,
            Self::Call(call) => call.return_type,
            Self::Binary(binary) => match (binary.left.value_type(), binary.right.value_type()) {
                (ValueType::Scalar, ValueType::Scalar) => ValueType::Scalar,
                _ => ValueType::Vector,
            },
            Self::Negate(inner) | Self::Paren(inner) => inner.value_type(),
        }
    }

    /// The expression without the parentheses around it.
    pub(crate) fn without_parens(&self) -> &Self {
        let mut expr = self;
        while let Self::Paren(inner) = expr {
            expr = inner;
        }
        expr
    }

    /// Calls `visit` for each direct child.
    pub(crate) fn for_each_child<'e>(&'e self, visit: &mut dyn FnMut(&'e Self)) {
        match self {
            Self::Number(_) | Self::String(_) | Self::VectorSelector(_) | Self::MatrixSelector(_) => {}
            Self::Subquery(subquery) => visit(&subquery.inner),
            Self::Call(call) => call.args.iter().for_each(visit),
            Self::Aggregate(aggregate) => {
                if let Some(param) = &aggregate.param {
                    visit(param);
                }
                visit(&aggregate.inner);
            }
            Self::Binary(binary) => {
                visit(&binary.left);
                visit(&binary.right);
            }
            Self::Negate(inner) | Self::Paren(inner) => visit(inner),
        }
    }
}

impl Edges {
    /// The keyword of the modifier; empty if there is none.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Anchored => "anchored",
            Self::Smoothed => "smoothed",
        }
    }
}

impl VectorSelector {
    /// The metric name of all selected series, if the matchers require a single one.
    pub(crate) fn single_metric_name(&self) -> Option<&str> {
        let mut single = None;
        for matchers in &self.selector.any_of {
            let name = matchers.iter().find_map(exact_metric_name)?;
            if single.is_some_and(|other| other != name) {
                return None;
            }
            single = Some(name);
        }
        single
    }
}

fn exact_metric_name(matcher: &Matcher) -> Option<&str> {
    (matcher.name == METRIC_NAME && matches!(matcher.op, MatchOp::Equal)).then_some(matcher.value.as_str())
}

impl Call {
    /// An argument whose presence the parser has checked.
    pub(crate) fn arg(&self, index: usize) -> Result<&Expr, Error> {
        self.args.get(index).ok_or_else(|| Error::Execution(format!("{} lacks argument {}", self.name, index + 1)))
    }
}
