//! Expressions that occur more than once in a query, so that each is evaluated once.
use super::step_matrix::Frame;
use super::steps::{Span, Steps, Windows};
use crate::ast::{Aggregate, AggregateOp, Expr, Type};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// The results of repeated expressions, each kept from its first use to its last.
///
/// Two expressions are the same if they print the same and are evaluated at the same steps.
#[derive(Default)]
pub(crate) struct Memo {
    /// Place of each repeated expression, by its address in the tree, which lives as long as the evaluation.
    places: HashMap<usize, usize>,
    entries: RefCell<Vec<Entry>>,
}

struct Entry {
    uses_left: usize,
    frame: Option<Rc<Frame>>,
}

/// What the memo knows about an expression.
pub(crate) enum Recall {
    /// It occurs once.
    Single,
    /// It was evaluated before.
    Known(Rc<Frame>),
    /// It is to be evaluated and handed to [`Memo::keep`].
    First(usize),
}

impl Memo {
    pub(crate) fn plan(expr: &Expr, steps: Steps, span: Span, default_step_ms: i64) -> Self {
        let mut plan = Plan { span, default_step_ms, seen: HashMap::new(), uses: Vec::new() };
        plan.visit(expr, steps);
        let mut memo = Self::default();
        let mut entries = Vec::new();
        for addresses in plan.uses.into_iter().filter(|addresses| addresses.len() > 1) {
            for address in &addresses {
                memo.places.insert(*address, entries.len());
            }
            entries.push(Entry { uses_left: addresses.len(), frame: None });
        }
        memo.entries = RefCell::new(entries);
        memo
    }

    pub(crate) fn recall(&self, expr: &Expr) -> Recall {
        let Some(&place) = self.places.get(&address(expr)) else { return Recall::Single };
        let mut entries = self.entries.borrow_mut();
        let entry = &mut entries[place];
        entry.uses_left = entry.uses_left.saturating_sub(1);
        let frame = if entry.uses_left == 0 { entry.frame.take() } else { entry.frame.clone() };
        frame.map_or(Recall::First(place), Recall::Known)
    }

    pub(crate) fn keep(&self, place: usize, frame: &Rc<Frame>) {
        let mut entries = self.entries.borrow_mut();
        if entries[place].uses_left > 0 {
            entries[place].frame = Some(Rc::clone(frame));
        }
    }
}

fn address(expr: &Expr) -> usize {
    std::ptr::from_ref(expr).addr()
}

struct Plan {
    span: Span,
    default_step_ms: i64,
    seen: HashMap<(String, Steps), usize>,
    /// The addresses of each distinct expression.
    uses: Vec<Vec<usize>>,
}

impl Plan {
    fn visit(&mut self, expr: &Expr, steps: Steps) {
        let shareable = !matches!(expr, Expr::Paren(_)) && expr.value_type() == Type::Vector;
        if !shareable || !self.repeats(expr, steps) {
            self.visit_parts(expr, steps);
        }
    }

    /// Whether `expr` was met before. If so its parts are not: they are evaluated once, within it.
    fn repeats(&mut self, expr: &Expr, steps: Steps) -> bool {
        let next = self.uses.len();
        let place = *self.seen.entry((expr.to_string(), steps)).or_insert(next);
        if place == next {
            self.uses.push(Vec::new());
        }
        self.uses[place].push(address(expr));
        place != next
    }

    fn visit_parts(&mut self, expr: &Expr, steps: Steps) {
        match expr {
            Expr::Subquery(subquery) => {
                let windows = Windows::of_subquery(steps, self.span, subquery);
                let step_ms = subquery.step_ms.unwrap_or(self.default_step_ms);
                if let Some(inner) = Steps::within(&windows, step_ms) {
                    self.visit(&subquery.inner, inner);
                }
            }
            // Folding series as they come needs far less memory than keeping them to fold them twice.
            Expr::Aggregate(Aggregate { op, inner, .. })
                if !matches!(op, AggregateOp::Quantile | AggregateOp::CountValues) && inner.streams() =>
            {
                self.visit_stream(inner, steps);
            }
            _ => expr.for_each_part(&mut |part| self.visit(part, steps)),
        }
    }

    fn visit_stream(&mut self, expr: &Expr, steps: Steps) {
        match expr {
            Expr::Subquery(_) => self.visit_parts(expr, steps),
            _ if expr.streams() => expr.for_each_part(&mut |part| self.visit_stream(part, steps)),
            _ => self.visit(expr, steps),
        }
    }
}
