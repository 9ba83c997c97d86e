//! The evaluator of one query.
use super::annotations::Annotations;
use super::budget::Budget;
use super::memo::{Lookup, Memo};
use super::properties::type_mismatch;
use super::step_matrix::{Sink, StepMatrix};
use super::steps::{QueryRange, Steps};
use crate::ast::{Expr, ValueType};
use crate::{Error, Interrupt, Options, Storage};
use std::rc::Rc;

/// The evaluation of one query.
pub(crate) struct Evaluator<'a> {
    pub(super) storage: &'a dyn Storage,
    pub(crate) options: &'a Options,
    pub(crate) query_range: QueryRange,
    pub(crate) budget: Budget<'a>,
    pub(crate) annotations: Annotations,
    memo: Memo,
}

impl<'a> Evaluator<'a> {
    /// Prepares the evaluation of `expr` at `steps`.
    ///
    /// # Errors
    /// If the caller wants the query to stop.
    pub(super) fn new(
        storage: &'a dyn Storage,
        expr: &Expr,
        steps: Steps,
        query_range: QueryRange,
        options: &'a Options,
        interrupt: Interrupt<'a>,
    ) -> Result<Self, Error> {
        let budget = Budget::new(options, interrupt);
        budget.check_interrupt()?;
        let memo = Memo::plan(expr, steps, query_range, options.default_subquery_step_ms);
        Ok(Self { storage, options, query_range, budget, annotations: Annotations::default(), memo })
    }
}

impl Evaluator<'_> {
    /// All series of an instant vector expression. Repeated expressions share one result.
    pub(crate) fn matrix(&self, expr: &Expr, steps: Steps) -> Result<Rc<StepMatrix>, Error> {
        match self.memo.lookup(expr) {
            Lookup::Cached(matrix) => Ok(matrix),
            Lookup::FirstUse(index) => {
                let matrix = Rc::new(self.compute(expr, steps)?);
                self.memo.store(index, &matrix);
                Ok(matrix)
            }
            Lookup::SingleUse => Ok(Rc::new(self.compute(expr, steps)?)),
        }
    }

    /// Passes each series of an instant vector expression to `sink`.
    pub(crate) fn stream(&self, expr: &Expr, steps: Steps, sink: &mut Sink<'_>) -> Result<(), Error> {
        match self.memo.lookup(expr) {
            Lookup::Cached(matrix) => matrix.stream_copies(sink),
            Lookup::FirstUse(index) => {
                let matrix = Rc::new(self.compute(expr, steps)?);
                self.memo.store(index, &matrix);
                matrix.stream_copies(sink)
            }
            Lookup::SingleUse if expr.streams() => self.stream_uncached(expr, steps, sink),
            Lookup::SingleUse => self.compute(expr, steps)?.stream_into(sink),
        }
    }

    /// The value of a scalar expression at each step.
    pub(crate) fn scalar(&self, expr: &Expr, steps: Steps) -> Result<Vec<f64>, Error> {
        self.budget.count_work(steps.count)?;
        match expr {
            Expr::Number(value) => Ok(vec![*value; steps.count]),
            Expr::Paren(inner) => self.scalar(inner, steps),
            Expr::Negate(inner) => Ok(self.scalar(inner, steps)?.into_iter().map(|value| -value).collect()),
            Expr::Binary(binary) => self.binary_scalar(binary, steps),
            Expr::Call(call) => self.call_scalar(call, steps),
            _ => Err(type_mismatch(ValueType::Scalar, expr)),
        }
    }

    fn compute(&self, expr: &Expr, steps: Steps) -> Result<StepMatrix, Error> {
        match expr {
            Expr::Aggregate(aggregate) => self.aggregate(aggregate, steps),
            Expr::Binary(binary) if binary.joins_vectors() => self.binary_vectors(binary, steps),
            Expr::Call(call) if !expr.streams() => self.call_matrix(call, steps),
            _ => self.collect(&mut |sink| self.stream_uncached(expr, steps, sink)),
        }
    }

    /// Collects the series that `source` streams.
    pub(crate) fn collect(
        &self,
        source: &mut dyn FnMut(&mut Sink<'_>) -> Result<(), Error>,
    ) -> Result<StepMatrix, Error> {
        let mut matrix = StepMatrix::new(&self.budget);
        source(&mut |row| matrix.push_row(&row))?;
        Ok(matrix)
    }

    fn stream_uncached(&self, expr: &Expr, steps: Steps, sink: &mut Sink<'_>) -> Result<(), Error> {
        match expr {
            Expr::VectorSelector(vector) => self.stream_values(vector, steps, sink),
            Expr::Paren(inner) => self.stream(inner, steps, sink),
            Expr::Negate(inner) => self.map(inner, steps, true, &mut |_, value| -value, sink),
            Expr::Binary(binary) => self.binary_with_scalar(binary, steps, sink),
            Expr::Call(call) => self.stream_call(call, steps, sink),
            _ => Err(type_mismatch(ValueType::Vector, expr)),
        }
    }
}
