//! Operators of aggregations and binary expressions, with their clauses.
use crate::labels::METRIC_NAME;

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

/// `by` or `without` with label names. Without a clause it is `by ()`.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Grouping {
    By(Vec<String>),
    Without(Vec<String>),
}

impl Grouping {
    /// Whether the label `name` distinguishes groups.
    pub(crate) fn keeps(&self, name: &str) -> bool {
        match self {
            Self::By(labels) => contains_label(labels, name),
            Self::Without(labels) => name != METRIC_NAME && !contains_label(labels, name),
        }
    }
}

/// Whether `labels` contains `name`.
pub(crate) fn contains_label(labels: &[String], name: &str) -> bool {
    labels.iter().any(|label| label == name)
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
    pub(crate) fn is_set_operator(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Unless)
    }

    pub(crate) fn is_comparison(self) -> bool {
        matches!(
            self,
            Self::Equal | Self::NotEqual | Self::Greater | Self::Less | Self::GreaterOrEqual | Self::LessOrEqual
        )
    }
}

/// Which side of a binary operator may have several series per match group.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Cardinality {
    OneToOne,
    /// `group_left`, with the labels to copy from the right side.
    ManyToOne(Vec<String>),
    /// `group_right`, with the labels to copy from the left side.
    OneToMany(Vec<String>),
}

/// The vector matching of a binary operator.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Matching {
    /// Whether the labels are those of `on`; otherwise they are those of `ignoring`.
    pub(crate) on: bool,
    pub(crate) labels: Vec<String>,
    pub(crate) cardinality: Cardinality,
    /// The value of a missing series on the left side.
    pub(crate) fill_left: Option<f64>,
    /// The value of a missing series on the right side.
    pub(crate) fill_right: Option<f64>,
}
