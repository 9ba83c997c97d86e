//! The query as a tree, independent of the parser that read it.
use crate::functions::Function;
use crate::storage::{MatchOp, Matcher};
use crate::{METRIC_NAME, Selector};

/// A value's type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Type {
    Scalar,
    Vector,
    Matrix,
    String,
}

#[derive(Clone, Debug)]
pub(crate) enum Expr {
    Number(f64),
    String(String),
    /// An instant vector selector.
    Select(Select),
    /// A range vector selector.
    Window(Select, WindowMs),
    Subquery(Subquery),
    Call(Call),
    Aggregate(Aggregate),
    Binary(Binary),
    Negate(Box<Expr>),
    Paren(Box<Expr>),
}

/// The length of a range in milliseconds, above zero.
pub(crate) type WindowMs = i64;

/// `@` and `offset` of a selector or subquery.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(crate) struct Shift {
    pub(crate) at: Option<At>,
    pub(crate) offset_ms: i64,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum At {
    Start,
    End,
    Time(i64),
}

#[derive(Clone, Debug)]
pub(crate) struct Select {
    /// The name written before the braces; it is among the matchers too.
    pub(crate) name: Option<String>,
    pub(crate) selector: Selector,
    pub(crate) shift: Shift,
}

#[derive(Clone, Debug)]
pub(crate) struct Subquery {
    pub(crate) inner: Box<Expr>,
    pub(crate) window_ms: WindowMs,
    pub(crate) step_ms: Option<i64>,
    pub(crate) shift: Shift,
}

#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) name: &'static str,
    pub(crate) function: Function,
    pub(crate) returns: Type,
    pub(crate) args: Vec<Expr>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AggregateOp {
    Sum,
    Avg,
    Min,
    Max,
    Count,
    Group,
    Stddev,
    Stdvar,
    Quantile,
    Topk,
    Bottomk,
    CountValues,
}

/// `by` or `without` with label names; no clause is `by ()`.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Grouping {
    By(Vec<String>),
    Without(Vec<String>),
}

#[derive(Clone, Debug)]
pub(crate) struct Aggregate {
    pub(crate) op: AggregateOp,
    pub(crate) grouping: Grouping,
    pub(crate) param: Option<Box<Expr>>,
    pub(crate) inner: Box<Expr>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Atan2,
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    And,
    Or,
    Unless,
}

impl BinaryOp {
    pub(crate) fn is_set(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Unless)
    }

    pub(crate) fn is_comparison(self) -> bool {
        matches!(
            self,
            Self::Equal | Self::NotEqual | Self::Greater | Self::Less | Self::GreaterOrEqual | Self::LessOrEqual
        )
    }
}

/// Which series of one side may meet several of the other.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Cardinality {
    OneToOne,
    /// `group_left`, with the labels taken from the right.
    ManyToOne(Vec<String>),
    /// `group_right`, with the labels taken from the left.
    OneToMany(Vec<String>),
}

/// How series of two sides find each other.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Matching {
    /// `on`, else `ignoring`.
    pub(crate) on: bool,
    pub(crate) labels: Vec<String>,
    pub(crate) cardinality: Cardinality,
    /// Value used for a missing series of the left side.
    pub(crate) fill_left: Option<f64>,
    /// Value used for a missing series of the right side.
    pub(crate) fill_right: Option<f64>,
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
    /// The type of the expression's value.
    pub(crate) fn value_type(&self) -> Type {
        match self {
            Self::Number(_) => Type::Scalar,
            Self::String(_) => Type::String,
            Self::Select(_) | Self::Aggregate(_) => Type::Vector,
            Self::Window(..) | Self::Subquery(_) => Type::Matrix,
            Self::Call(call) => call.returns,
            Self::Binary(binary) => match (binary.left.value_type(), binary.right.value_type()) {
                (Type::Scalar, Type::Scalar) => Type::Scalar,
                _ => Type::Vector,
            },
            Self::Negate(inner) | Self::Paren(inner) => inner.value_type(),
        }
    }

    /// The expression inside any brackets around it.
    pub(crate) fn unwrapped(&self) -> &Self {
        let mut expr = self;
        while let Self::Paren(inner) = expr {
            expr = inner;
        }
        expr
    }

    /// Calls `visit` for each direct part of the expression.
    pub(crate) fn for_each_part<'e>(&'e self, visit: &mut dyn FnMut(&'e Self)) {
        match self {
            Self::Number(_) | Self::String(_) | Self::Select(_) | Self::Window(..) => {}
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

impl Select {
    /// The one metric name that every selected series has, if the matchers say so.
    pub(crate) fn only_name(&self) -> Option<&str> {
        let mut only = None;
        for matchers in &self.selector.any_of {
            let name = matchers.iter().find_map(named_exactly)?;
            if only.is_some_and(|other| other != name) {
                return None;
            }
            only = Some(name);
        }
        only
    }
}

fn named_exactly(matcher: &Matcher) -> Option<&str> {
    (matcher.name == METRIC_NAME && matches!(matcher.op, MatchOp::Equal)).then_some(matcher.value.as_str())
}
