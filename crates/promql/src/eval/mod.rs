//! Evaluation: whole columns at a time, one series after another.
//!
//! A node either streams, handing on each series as soon as it is finished, or computes a [`Frame`] of all its series.
//! An aggregation folds what its operand streams, so that a selector's series are never held together.
mod aggregate;
mod annotations;
mod binary;
mod budget;
mod elementwise;
mod label_map;
mod matching;
mod memo;
mod run;
mod select;
mod set_operators;
mod step_matrix;
mod steps;
mod topk;

pub(crate) use annotations::Annotations;
pub(crate) use budget::Meter;
pub(crate) use label_map::Groups;
pub use run::{instant, range};
pub(crate) use select::{Needed, absent_labels};
pub(crate) use step_matrix::{Frame, Line, Row, Sink};
pub(crate) use steps::{Span, Steps, Window, Windows};
pub(crate) use topk::is_label_name;

use crate::ast::{Aggregate, AggregateOp, Binary, Expr, Grouping, Type};
use crate::functions::Function;
use crate::{Error, METRIC_NAME, Options, Storage};
use memo::{Memo, Recall};
use std::rc::Rc;

/// One query's evaluation.
pub(crate) struct Evaluator<'a> {
    storage: &'a dyn Storage,
    pub(crate) options: &'a Options,
    pub(crate) span: Span,
    pub(crate) meter: Meter<'a>,
    pub(crate) annotations: Annotations,
    memo: Memo,
}

impl Evaluator<'_> {
    /// All series of an instant vector expression; shared with other uses of the same expression.
    pub(crate) fn frame(&self, expr: &Expr, steps: Steps) -> Result<Rc<Frame>, Error> {
        match self.memo.recall(expr) {
            Recall::Known(frame) => Ok(frame),
            Recall::First(place) => {
                let frame = Rc::new(self.compute(expr, steps)?);
                self.memo.keep(place, &frame);
                Ok(frame)
            }
            Recall::Single => Ok(Rc::new(self.compute(expr, steps)?)),
        }
    }

    /// Hands each series of an instant vector expression to `sink`.
    pub(crate) fn stream(&self, expr: &Expr, steps: Steps, sink: &mut Sink<'_>) -> Result<(), Error> {
        match self.memo.recall(expr) {
            Recall::Known(frame) => frame.replay(sink),
            Recall::First(place) => {
                let frame = Rc::new(self.compute(expr, steps)?);
                self.memo.keep(place, &frame);
                frame.replay(sink)
            }
            Recall::Single if expr.streams() => self.stream_uncached(expr, steps, sink),
            Recall::Single => self.compute(expr, steps)?.drain(sink),
        }
    }

    /// A number per step.
    pub(crate) fn scalar(&self, expr: &Expr, steps: Steps) -> Result<Vec<f64>, Error> {
        self.meter.work(steps.count)?;
        match expr {
            Expr::Number(value) => Ok(vec![*value; steps.count]),
            Expr::Paren(inner) => self.scalar(inner, steps),
            Expr::Negate(inner) => Ok(self.scalar(inner, steps)?.into_iter().map(|value| -value).collect()),
            Expr::Binary(binary) => self.binary_scalar(binary, steps),
            Expr::Call(call) => self.call_scalar(call, steps),
            _ => Err(mistyped(Type::Scalar, expr)),
        }
    }

    fn compute(&self, expr: &Expr, steps: Steps) -> Result<Frame, Error> {
        match expr {
            Expr::Aggregate(aggregate) => self.aggregate(aggregate, steps),
            Expr::Binary(binary) if binary.joins_vectors() => self.binary_vectors(binary, steps),
            Expr::Call(call) if !expr.streams() => self.call_frame(call, steps),
            _ => self.collect(&mut |sink| self.stream_uncached(expr, steps, sink)),
        }
    }

    /// Gathers what `source` streams.
    pub(crate) fn collect(&self, source: &mut dyn FnMut(&mut Sink<'_>) -> Result<(), Error>) -> Result<Frame, Error> {
        let mut frame = Frame::new(&self.meter);
        source(&mut |row| frame.push_row(&row))?;
        Ok(frame)
    }

    fn stream_uncached(&self, expr: &Expr, steps: Steps, sink: &mut Sink<'_>) -> Result<(), Error> {
        match expr {
            Expr::Select(select) => self.stream_select(select, steps, sink),
            Expr::Paren(inner) => self.stream(inner, steps, sink),
            Expr::Negate(inner) => self.map(inner, steps, true, &mut |_, value| -value, sink),
            Expr::Binary(binary) => self.binary_with_scalar(binary, steps, sink),
            Expr::Call(call) => self.stream_call(call, steps, sink),
            _ => Err(mistyped(Type::Vector, expr)),
        }
    }
}

/// The parser has checked the types, so this is a mistake of ours.
pub(crate) fn mistyped(expected: Type, expr: &Expr) -> Error {
    Error::Execution(format!("expected a {expected:?}, got {expr}"))
}

impl Binary {
    fn joins_vectors(&self) -> bool {
        self.left.value_type() == Type::Vector && self.right.value_type() == Type::Vector
    }
}

impl Expr {
    /// Whether the expression's series can be handed on one by one, without keeping them.
    fn streams(&self) -> bool {
        match self {
            Self::Select(_) | Self::Negate(_) | Self::Paren(_) => true,
            Self::Binary(binary) => !binary.joins_vectors(),
            Self::Call(call) => call.function.streams(),
            Self::Number(_) | Self::String(_) | Self::Window(..) | Self::Subquery(_) | Self::Aggregate(_) => false,
        }
    }

    /// Whether label sets stay distinct once the metric's name is dropped from each.
    pub(crate) fn is_distinct_without_name(&self) -> bool {
        match self {
            Self::Select(select) | Self::Window(select, _) => select.only_name().is_some(),
            Self::Subquery(subquery) => subquery.inner.is_distinct_without_name(),
            Self::Negate(_) => true,
            Self::Paren(inner) => inner.is_distinct_without_name(),
            Self::Call(call) => match call.function {
                Function::OverWindow(function) if function.keeps_name() => {
                    call.args.iter().all(Self::is_distinct_without_name)
                }
                Function::LabelReplace | Function::LabelJoin | Function::Sort { .. } => false,
                _ => true,
            },
            Self::Binary(binary) => binary.drops_name(),
            Self::Aggregate(Aggregate { op, grouping, inner, .. }) => match (op, grouping) {
                (AggregateOp::Topk | AggregateOp::Bottomk, _) => inner.is_distinct_without_name(),
                (AggregateOp::CountValues, _) => false,
                (_, Grouping::By(labels)) => !label_map::names(labels, METRIC_NAME),
                (_, Grouping::Without(_)) => true,
            },
            Self::Number(_) | Self::String(_) => true,
        }
    }
}
